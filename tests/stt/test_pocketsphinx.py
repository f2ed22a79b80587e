"""The recogniser without an account: the decoder alone, and through its helper program.

It listens to espeak-ng on a telephone line. The sentences are fixed and so is the noise that is added, but
espeak-ng never speaks the same way twice: what counts is most of the words, not each.
"""

from __future__ import annotations

import importlib.util
import os
import signal
from collections import Counter

import anyio
import pytest
from embedded_voice import clicks, say, white_noise
from helper_processes import child_processes, needs_proc
from stream_reader import feed

from patter_mcp.audio.frame import silence
from patter_mcp.errors import ProviderConnectionError, ProviderError
from patter_mcp.stt import pocketsphinx
from patter_mcp.stt.base import Final, Interim, SttEvent, SttOptions, SttStream
from patter_mcp.stt.pocketsphinx import PocketsphinxSTT, UtteranceDecoder
from patter_mcp.tts import espeak

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        not (pocketsphinx.installed() and espeak.installed()), reason="needs pocketsphinx and espeak-ng"
    ),
]

CALL = [
    "Good evening, how can I help you?",
    "For how many people?",
    "What day would you like?",
    "We have a table at nine fifteen.",
    "How about four thirty instead?",
    "Can I have your name please?",
    "You are booked for tomorrow at eleven.",
    "Hold on, let me look at the book.",
    "Please leave a message after the beep.",
    "You have the wrong number.",
    "Are you a robot?",
    "Great, thank you, goodbye.",
]


def words(text: str) -> list[str]:
    return text.lower().replace(",", "").replace("?", "").replace(".", "").split()


def heard_share(said: str, heard: str) -> float:
    """Of the words said, how many were heard."""
    wanted = Counter(words(said))
    return (wanted & Counter(words(heard))).total() / wanted.total()


def hear(decoder: UtteranceDecoder, audio: bytes) -> str:
    decoder.feed(silence(500) + audio + silence(600))
    return decoder.finish()


@pytest.mark.parametrize("voice", ["en-us", "en-us+f2", "en-us+m3"])
async def test_most_words_of_a_call_are_understood_and_more_when_they_were_hinted(voice: str) -> None:
    audio = await say(*CALL, voice=voice)
    plain, hinted = UtteranceDecoder(), UtteranceDecoder(CALL)
    by_phrasebook = [heard_share(said, hear(plain, sound)) for said, sound in zip(CALL, audio, strict=True)]
    by_hints = [heard_share(said, hear(hinted, sound)) for said, sound in zip(CALL, audio, strict=True)]
    assert sum(by_phrasebook) / len(CALL) > 0.75
    assert sum(by_hints) / len(CALL) > 0.85


async def test_a_time_that_was_hinted_is_understood_written_in_digits_or_not() -> None:
    for hint in ("How about four thirty?", "How about 4:30?"):
        (audio,) = await say("How about four thirty?")
        assert "four thirty" in hear(UtteranceDecoder([hint]), audio)


async def test_a_name_no_dictionary_has_is_understood_when_it_is_hinted() -> None:
    decoder = UtteranceDecoder(["Trattoria Bella"])
    assert decoder.guessed == {"trattoria"}
    (audio,) = await say("Trattoria Bella, good evening.")
    assert "trattoria" in hear(decoder, audio)


async def test_one_utterance_leaves_nothing_in_the_next() -> None:
    decoder = UtteranceDecoder()
    (audio,) = await say("Please hold the line.")
    assert hear(decoder, audio)
    assert decoder.interim() == ""
    assert decoder.finish() == ""
    assert hear(decoder, silence(500)) == ""


async def test_minutes_of_silence_are_not_given_to_the_recogniser() -> None:
    decoder = UtteranceDecoder()
    (audio,) = await say("For how many people?")
    decoder.feed(silence(120_000) + audio + silence(2000))
    assert not decoder.listening
    decoder.feed(silence(60_000))
    assert heard_share("for how many people", decoder.finish()) > 0.7


@pytest.mark.parametrize(
    "noise", [silence(3000), white_noise(3000, 60), clicks(3000)], ids=["silence", "noise", "clicks"]
)
async def test_noise_has_no_words(noise: bytes) -> None:
    assert hear(UtteranceDecoder(), noise) == ""


async def test_who_talks_on_and_on_is_understood_to_the_end() -> None:
    decoder = UtteranceDecoder(CALL)
    audio = await say(*CALL[:4])
    decoder.feed(b"".join(audio) * 6)
    text = decoder.finish()
    assert words(text).count("people") >= 3


async def test_pieces_of_any_length_are_the_same_to_it() -> None:
    (audio,) = await say("Can I have your name please?")
    whole, cut = UtteranceDecoder(), UtteranceDecoder()
    line = silence(500) + audio + silence(600)
    whole.feed(line)
    for start in range(0, len(line), 37):
        cut.feed(line[start : start + 37])
    assert cut.finish() == whole.finish()


async def final(stream: SttStream) -> tuple[Final, list[Interim]]:
    """The next settled utterance, and the guesses before it."""
    guesses: list[Interim] = []
    with anyio.fail_after(20):
        async for event in stream:
            if isinstance(event, Final):
                return event, guesses
            assert isinstance(event, Interim)
            guesses.append(event)
    raise AssertionError("the stream ended")


async def test_a_call_is_followed_utterance_by_utterance() -> None:
    audio = await say(*CALL[:3])
    async with PocketsphinxSTT().open(SttOptions(hints=CALL)) as stream:
        for said, sound in zip(CALL, audio, strict=False):
            feed(stream, silence(500) + sound + silence(600))
            stream.finalize()
            settled, guesses = await final(stream)
            assert heard_share(said, settled.text) > 0.7
            assert not settled.end_of_turn
            assert 1 <= len(guesses) <= len(sound) / 2400 + 3, "at a modest rate"
        assert stream.audio_sec == pytest.approx(sum(map(len, audio)) / 8000 + 3 * 1.1)


async def test_every_finalize_is_answered_even_when_nobody_spoke() -> None:
    async with PocketsphinxSTT().open(SttOptions()) as stream:
        stream.finalize()
        stream.feed(silence(1000))
        stream.finalize()
        assert [(await final(stream))[0].text for _ in range(2)] == ["", ""]


async def test_calls_at_once_hear_only_their_own_line() -> None:
    audio = await say(*CALL[:6])

    async def call(said: str, sound: bytes) -> None:
        async with PocketsphinxSTT().open(SttOptions(hints=[said])) as stream:
            feed(stream, silence(500) + sound + silence(600))
            stream.finalize()
            assert heard_share(said, (await final(stream))[0].text) > 0.6

    async with anyio.create_task_group() as tasks:
        for said, sound in zip(CALL, audio, strict=False):
            tasks.start_soon(call, said, sound)


async def test_a_line_too_far_behind_loses_the_oldest_audio_only() -> None:
    (audio,) = await say("You have the wrong number.")
    async with PocketsphinxSTT().open(SttOptions()) as stream:
        stream.feed(white_noise(60_000, 3000) + silence(5000) + audio + silence(500))
        stream.finalize()
        assert heard_share("you have the wrong number", (await final(stream))[0].text) > 0.5


async def test_iterating_ends_with_the_call() -> None:
    events: list[SttEvent] = []

    async def listen(stream: SttStream) -> None:
        events.extend([event async for event in stream])

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks, PocketsphinxSTT().open(SttOptions()) as stream:
            tasks.start_soon(listen, stream)
            await anyio.wait_all_tasks_blocked()
    assert events == []


async def test_without_pocketsphinx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(name: str) -> None: ...

    monkeypatch.setattr(importlib.util, "find_spec", find_nothing)
    with pytest.raises(ProviderError, match=r"pip install 'patter-mcp\[sandbox\]'"):
        async with PocketsphinxSTT().open(SttOptions()):
            pytest.fail("it opened")


@needs_proc
async def test_when_the_helper_dies_listening_fails_and_the_next_call_is_heard() -> None:
    async with PocketsphinxSTT().open(SttOptions()) as stream:
        (helper,) = child_processes("patter_mcp.stt.pocketsphinx")
        os.kill(helper, signal.SIGKILL)
        with pytest.raises(ProviderConnectionError), anyio.fail_after(5):
            await anext(aiter(stream))
        stream.feed(silence(100))
        stream.finalize()
    async with PocketsphinxSTT().open(SttOptions()) as stream:
        stream.finalize()
        assert (await final(stream))[0].text == ""
    assert child_processes("patter_mcp.stt.pocketsphinx") == []
