"""Nothing is heard before it was read."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.recording import Recording
from patter_mcp.conversation.screen import Screen, judge_of
from patter_mcp.conversation.speech_text import words
from patter_mcp.guardrails.base import Guardrail, Verdict
from patter_mcp.guardrails.speech import SpeechGuard

pytestmark = pytest.mark.anyio
GUARD = SpeechGuard([Guardrail(name="no prices", blocked_terms=["dollars"], replacement="No.")])


def sound(text: str) -> bytes:
    """One byte a character, so that the audio tells how far it may go."""
    return text.encode()


async def screened(pieces: list[str]) -> tuple[Recording, Verdict | None]:
    recording = Recording()
    screen = Screen(recording, judge_of(GUARD), None)
    for piece in pieces:
        screen.write(piece)
        screen.add(sound(piece))
    screen.complete()
    with anyio.fail_after(5):
        return recording, await screen.run()


async def test_harmless_reply_passes_whole() -> None:
    pieces = ["Hello", " there", ". ", "How are", " you?"]
    recording, verdict = await screened(pieces)
    assert verdict is None
    assert (recording.text, recording.audio) == ("Hello there. How are you?", sound("".join(pieces)))
    assert recording.is_complete


async def test_nothing_of_a_blocked_sentence_is_heard_nor_what_follows() -> None:
    recording, verdict = await screened(["We are open.", " It is ten", " dollars", " a head.", " Come!"])
    assert verdict is not None and (verdict.guardrail, verdict.text) == ("no prices", "No.")
    assert (recording.text, recording.audio) == ("We are open.", b"We are open.")


async def test_what_only_shows_across_sentences_is_blocked_too() -> None:
    async def both(text: str) -> bool:
        return "pass" in text and "word" in text

    guard = SpeechGuard([Guardrail("both", check=both)])
    recording = Recording()
    screen = Screen(recording, judge_of(guard), None)
    for piece in ("The pass is long. ", "The word is short."):
        screen.write(piece)
        screen.add(sound(piece))
    screen.complete()
    assert await screen.run() is not None
    assert recording.text == "The pass is long."


async def test_sentence_is_let_go_the_moment_it_is_complete() -> None:
    recording = Recording()
    screen = Screen(recording, judge_of(GUARD), None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(screen.run)
        screen.write("We are open")
        screen.add(b"1")
        await anyio.wait_all_tasks_blocked()
        assert recording.audio == b""
        screen.write(".")
        await anyio.wait_all_tasks_blocked()
        assert recording.audio == b"1"
        screen.add(b"2")
        await anyio.wait_all_tasks_blocked()
        assert recording.audio == b"12"
        screen.complete()


async def let_through(pieces: list[str | bytes], language: str = "en") -> Recording:
    """What is heard of words and sound that come in that order, and do not end."""
    recording = Recording()
    screen = Screen(recording, judge_of(GUARD), None, language=language)
    for piece in pieces:
        screen.write(piece) if isinstance(piece, str) else screen.add(piece)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(screen.run)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    return recording


async def test_sound_that_comes_before_its_words_waits_for_them() -> None:
    assert (await let_through([b"1"])).audio == b""
    assert (await let_through([b"1", "We are open."])).audio == b"1"


async def test_sound_beyond_what_its_words_can_take_waits_for_more_of_them() -> None:
    second = bytes(1000 * BYTES_PER_MS)
    recording = await let_through(["At three.", second, second])
    assert len(recording.audio) == len(second)


async def test_sound_without_a_transcript_is_not_let_through() -> None:
    recording = Recording()
    screen = Screen(recording, judge_of(GUARD), None)
    screen.add(b"1")
    screen.complete()
    assert await screen.run() is None
    assert recording.audio == b""


async def test_first_sentence_that_grows_long_is_judged_in_two() -> None:
    start = "I am calling to ask whether you have a free table"
    recording = await let_through([start[:30], b"1", start[30:], b"2", " for"])
    assert (recording.text, recording.audio) == (start[: start.rindex(" ")], b"1")


@pytest.mark.parametrize(("language", "heard"), [("en", "Gern am 5."), ("de", "")])
async def test_sentence_ends_where_its_language_ends_it(language: str, heard: str) -> None:
    assert (await let_through(["Gern am 5. ", "Mai um"], language)).text == heard


@pytest.mark.parametrize("lead", range(4))
async def test_transcript_that_runs_ahead_of_the_sound_holds_back_no_more_than_it_must(lead: int) -> None:
    pieces = ["One two. ", "Three four. ", "Five dollars. ", "Six."]
    recording = Recording()
    screen = Screen(recording, judge_of(GUARD), None)
    for index in range(len(pieces) + lead):
        if index < len(pieces):
            screen.write(pieces[index])
        if index >= lead:
            screen.add(sound(pieces[index - lead]))
    screen.complete()
    await screen.run()
    assert sound("One two. Three four. ").startswith(recording.audio)
    assert b"dollars" not in recording.audio


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="ab .,!?", max_size=60), st.lists(st.integers(1, 5), min_size=1))
def test_no_word_of_an_unguarded_topic_is_lost_however_it_is_cut(text: str, sizes: list[int]) -> None:
    pieces: list[str] = []
    start = 0
    while start < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[start : start + size])
        start += size
    recording, verdict = anyio.run(screened, pieces)
    assert verdict is None
    assert words(recording.text) == words(text)
    assert recording.audio == sound(text)
