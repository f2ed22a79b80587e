"""Whoever waits for a speech-to-speech model hears that somebody is there, in virtual time."""

from __future__ import annotations

import anyio
import pytest
from realtime_stage import FIRST, Stage, open_stage

from patter_mcp import events as ev
from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.agent import Agent, Phrases
from patter_mcp.conversation.engine import Brief
from patter_mcp.conversation.prerecorded import prerecorded
from patter_mcp.conversation.speech_to_speech import SpeechToSpeechEngine
from patter_mcp.errors import ProviderConnectionError
from patter_mcp.realtime.base import ResponseAudio, ResponseDone, ResponseItem, ResponseStarted, ResponseWords
from patter_mcp.testing.scripted import Say
from patter_mcp.testing.scripted_realtime import ScriptedRealtime
from patter_mcp.tools.base import tool
from patter_mcp.types import EndReason

pytestmark = pytest.mark.anyio
PHRASES = Phrases()
LONGEST_SILENCE_SEC = 1.8
"""Two seconds feel like a dead line."""


@tool
async def look_up() -> str:
    """Takes its time."""
    await anyio.sleep(1.5)
    return "free"


async def silence_until(s: Stage, text: str) -> float:
    """The longest silence of ours until that has been said, in seconds."""
    longest = silent = 0.0
    while not any(heard.endswith(text) for _, heard in s.journal.transcript):
        assert not s.over.is_set()
        await s.leg.quiet(0.02)
        silent = 0.0 if s.speaking else silent + 0.02
        longest = max(longest, silent)
    return longest


async def asked(s: Stage, text: str = "When?") -> None:
    await s.agent_has_spoken()
    await s.user_says(text)


async def test_slow_answer_is_bridged_and_measured_for_what_it_is() -> None:
    async with open_stage(Say("At three.")) as s:
        await s.agent_has_spoken()
        s.model.first_audio_sec = 3.0
        await s.user_says("When?")
        assert await silence_until(s, "At three.") < LONGEST_SILENCE_SEC - 0.5
        await s.leg.quiet(0.1)
        assert [item.text for item in s.stream.memory if item.role == "agent"] == [FIRST, "At three."]
    assert s.journal.transcript[-1] == ("agent", "One moment, please. At three.")
    (turn,) = s.journal.of(ev.TurnMeasured)
    assert turn.response_ms == pytest.approx(3500, abs=30)


async def test_model_that_hangs_gets_another_connection() -> None:
    async with open_stage(Say("Never said."), Say("At three.")) as s:
        await s.agent_has_spoken()
        s.model.first_audio_sec = 60
        await s.user_says("When?")
        while s.stream.memory:
            await s.leg.quiet(0.02)
        s.model.first_audio_sec = 0.3
        await silence_until(s, "At three.")
    assert [trouble.code for trouble in s.journal.of(ev.ProviderTrouble)] == ["reconnected"]


async def test_model_that_never_answers_is_apologised_for_and_nobody_waits_in_silence() -> None:
    async with open_stage() as s:
        await s.agent_has_spoken()
        s.model.first_audio_sec = 600
        await s.user_says("When?")
        assert await silence_until(s, PHRASES.trouble) < LONGEST_SILENCE_SEC
        await s.ended()
    assert s.parting is not None and s.parting.reason is EndReason.PROVIDER_FAILED


async def test_model_that_never_says_its_first_words_is_apologised_for_in_another_voice() -> None:
    async with open_stage(model=ScriptedRealtime(first_audio_sec=600), language="it") as s:
        words = prerecorded("trouble", "it")
        assert await silence_until(s, words.text) < LONGEST_SILENCE_SEC
        parting = await s.ended()
    assert parting.reason is EndReason.PROVIDER_FAILED
    moment = prerecorded("one_moment", "it").text
    assert set(s.journal.transcript[0][1].replace(moment, "").split()) == set()
    assert s.journal.transcript[1:] == [("agent", words.text)]


async def test_first_words_that_are_late_are_bridged() -> None:
    async with open_stage(model=ScriptedRealtime(first_audio_sec=5), ring_sec=1) as s:
        assert await silence_until(s, FIRST) < LONGEST_SILENCE_SEC
    moment = prerecorded("one_moment", "en").text
    assert s.journal.transcript[0] == ("agent", f"{moment} {FIRST}")


async def test_hello_over_first_words_that_were_bridged_does_not_swallow_them() -> None:
    async with open_stage(model=ScriptedRealtime(first_audio_sec=5), ring_sec=1) as s:
        while s.leg.playout.written_ms <= len(prerecorded("one_moment", "en").audio) / BYTES_PER_MS:
            await s.leg.quiet(0.02)
        await s.leg.quiet(0.2)
        s.model.first_audio_sec = 0.3
        await s.user_says("Hello?", 0.5)
        await silence_until(s, FIRST)
    assert s.journal.transcript == [("user", "Hello?"), ("agent", FIRST)]


async def test_model_that_stops_in_mid_sentence_goes_on_from_there() -> None:
    async with open_stage(Say("We could meet at three."), Say("As I said, at three.")) as s:
        await s.agent_has_spoken()
        s.model.speed = 0.02
        await s.user_says("When?")
        while not s.stream.pasts:
            await s.leg.quiet(0.02)
        s.model.speed = 5.0
        assert await silence_until(s, "As I said, at three.") < LONGEST_SILENCE_SEC
    assert s.journal.transcript[-2] == ("agent", "We")


async def test_answer_the_model_does_not_begin_is_asked_for() -> None:
    async with open_stage(Say("At three."), model=ScriptedRealtime(answers_by_itself=False)) as s:
        await asked(s)
        assert await silence_until(s, "At three.") < LONGEST_SILENCE_SEC


async def test_answer_the_model_begins_after_all_is_taken_for_the_one_asked_for() -> None:
    async with open_stage(Say("Nobody wants this."), model=ScriptedRealtime(answers_by_itself=False)) as s:
        await asked(s)
        own = "own"
        s.stream.hold()
        await s.leg.quiet(1.5)
        s.stream.emit(
            ResponseStarted(response=own),
            ResponseItem(response=own, item="item"),
            ResponseWords(response=own, text="At three."),
            ResponseAudio(response=own, audio=b"\x00" * 4000),
            ResponseDone(response=own, status="completed"),
        )
        await silence_until(s, "At three.")
        await s.leg.quiet(3)
    assert s.journal.transcript[-1] == ("agent", "One moment, please. At three.")


async def test_answer_of_nothing_is_asked_about() -> None:
    async with open_stage(Say("")) as s:
        await asked(s)
        await s.agent_has_spoken()
    assert s.journal.transcript[-1] == ("agent", PHRASES.pardon)


async def test_first_words_that_came_to_nothing_are_asked_for_again() -> None:
    async with open_stage(model=ScriptedRealtime(slips=[""])) as s:
        await s.agent_has_spoken()
    assert s.journal.transcript == [("agent", FIRST)]


async def test_answer_of_nothing_does_not_cut_short_what_is_being_said() -> None:
    async with open_stage(Say("", [("look_up", "{}")]), Say(""), tools=[look_up]) as s:
        await s.agent_has_spoken()
        s.model.first_audio_sec = 0.0
        await s.user_says("When?")
        await s.agent_speaks()
        await s.agent_has_spoken()
    assert s.journal.transcript[-2:] == [("agent", PHRASES.one_moment), ("agent", PHRASES.pardon)]


async def test_tool_that_is_done_after_the_line_has_gone_starts_nothing() -> None:
    async with open_stage(Say("", [("look_up", "{}")]), tools=[look_up]) as s:
        s.model.transcript_sec = 60
        await asked(s)
        await s.leg.quiet(1.5)
        s.leg.hang_up()
        await s.over.wait()
        assert s.stream.said[-1] is not None
        assert not s.stream.answers or s.stream.said.count(None) == 0


async def test_somebody_there_after_all_is_not_hung_up_on() -> None:
    async with open_stage(Say("Good, could I book a table?")) as s:
        while s.stream.said[-1] != PHRASES.nobody_there:
            await s.leg.quiet(0.5)
        await s.agent_speaks()
        await s.leg.quiet(0.5)
        await s.user_says("Yes.")
        await s.agent_has_spoken()
        assert not s.over.is_set()
    assert s.journal.transcript[-1] == ("agent", "Good, could I book a table?")


async def test_word_over_a_word_that_bridged_the_silence_is_no_barge_in_once_that_was_heard() -> None:
    async with open_stage(Say("Too late."), Say("At three.")) as s:
        await s.agent_has_spoken()
        s.model.first_audio_sec = 3.0
        await s.user_says("When?")
        await s.agent_has_spoken()
        s.model.first_audio_sec = 0.3
        await s.user_says("Hello?")
        await s.agent_has_spoken()
    assert s.journal.transcript[-4:] == [
        ("user", "When?"),
        ("agent", PHRASES.one_moment),
        ("user", "Hello?"),
        ("agent", "At three."),
    ]
    assert not s.journal.of(ev.BargeIn)


async def test_voicemail_is_left_no_word_that_bridges_a_silence() -> None:
    async with open_stage(Say("Hello Bob!"), Say("Please call Ann back.")) as s:
        await s.leg.quiet(0.1)
        await s.user_says("You have reached the mailbox of Bob.", seconds=3)
        s.model.first_audio_sec = 3.0
        await silence_until(s, "Please call Ann back.")
    assert [text for _, text in s.journal.transcript][-1] == "Please call Ann back."
    assert not any(PHRASES.one_moment in text for _, text in s.journal.transcript)


async def test_model_gone_while_it_rings_spares_the_callee_the_call(  # nobody has to pick up for an apology
) -> None:
    model = ScriptedRealtime()
    engine = SpeechToSpeechEngine(Agent(engine=model), model)
    brief = Brief(call_id="call_1", to_number="+12025550100", goal="", first_message=FIRST)

    class Journal:
        def write(self, event: ev.Event) -> None: ...

    with pytest.raises(ProviderConnectionError), anyio.fail_after(60):
        async with engine.open(brief, Journal()):
            model.streams[-1].fail(ProviderConnectionError("it broke", provider="scripted"))
            await anyio.sleep(30)
