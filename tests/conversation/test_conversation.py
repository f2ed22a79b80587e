"""The pipeline conversation from the line's point of view, in virtual time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from patter_mcp import events as ev
from patter_mcp.audio.frame import FRAME_BYTES
from patter_mcp.audio.tones import beep
from patter_mcp.config import TurnSettings
from patter_mcp.errors import ProviderConnectionError, ProviderStatusError
from patter_mcp.llm.fallback import FallbackLLM
from patter_mcp.stt.base import Final, Interim
from patter_mcp.testing.scripted import Say, ScriptedLLM, ScriptedSTT
from patter_mcp.tools.base import tool
from patter_mcp.types import EndReason
from patter_mcp.vad.energy import EnergyDetector

pytestmark = pytest.mark.anyio

OpenStage = Callable[..., Any]
END = ("end_call", '{"goal_met": "yes", "summary": "Booked."}')
LATE = TurnSettings(eager=False)


async def test_first_message_leaves_the_moment_the_line_is_there(stage: OpenStage) -> None:
    async with stage(first_message="Hello, it is me.") as s:
        answered_at = anyio.current_time()
        await s.leg.quiet(0.02)
        assert s.leg.playout.first_sent_at == pytest.approx(answered_at, abs=0.002)
        await s.agent_has_spoken()
    assert s.journal.transcript[0] == ("agent", "Hello, it is me.")


async def test_turns_alternate_and_the_model_sees_what_was_said(stage: OpenStage) -> None:
    async with stage(Say("At three, please."), Say("Thank you.", [END])) as s:
        await s.agent_has_spoken()
        await s.user_says("What time?")
        await s.agent_has_spoken()
        await s.user_says("All right, three it is.")
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.journal.transcript == [
        ("agent", "Hi, this is Ann."),
        ("user", "What time?"),
        ("agent", "At three, please."),
        ("user", "All right, three it is."),
        ("agent", "Thank you."),
    ]
    assert [(m["role"], m["content"]) for m in s.llm.requests[-1][1:]] == [
        ("assistant", "Hi, this is Ann."),
        ("user", "What time?"),
        ("assistant", "At three, please."),
        ("user", "All right, three it is."),
    ]
    assert "Book a table" in s.llm.requests[0][0]["content"]


async def test_call_ends_only_after_the_goodbye_was_heard(stage: OpenStage) -> None:
    async with stage(Say("Thanks a lot and goodbye.", [END])) as s:
        await s.agent_has_spoken()
        await s.user_says("You are booked.")
        await s.ended()
        assert s.leg.playout.heard_ms == s.leg.playout.written_ms
    assert s.journal.of(ev.OutcomeStated)[0].goal_met == "yes"
    assert s.journal.transcript[-1] == ("agent", "Thanks a lot and goodbye.")


async def test_reply_begun_at_the_pause_is_spoken_sooner(stage: OpenStage) -> None:
    waits: dict[bool, int] = {}
    for eager in (True, False):
        async with stage(Say("One two three four five."), turns=TurnSettings(eager=eager)) as s:
            await s.agent_has_spoken()
            await s.user_says("What time?")
            await s.agent_has_spoken()
        (turn,) = s.journal.of(ev.TurnMeasured)
        assert turn.eager is eager
        waits[eager] = turn.response_ms
        assert len(s.llm.requests) == 1
    assert waits[True] <= waits[False] - 150


async def test_reply_begun_too_early_is_thrown_away_unheard(stage: OpenStage) -> None:
    async with stage(Say("Wrong."), Say("Wrong too."), Say("Right.")) as s:
        await s.agent_has_spoken()
        await s.leg.speak(1)
        s.words.emit(Interim(text="I would"))
        await s.leg.quiet(0.2)
        await s.leg.speak(1)
        s.words.emit(Interim(text="I would like Friday"))
        await s.leg.quiet(0.4)
        s.words.emit(Final(text="I would like Friday best", end_of_turn=True))
        await s.agent_has_spoken()
    assert [text for role, text in s.journal.transcript if role == "agent"][1:] == ["Right."]
    assert len(s.llm.requests) == 3


async def test_tool_is_not_run_before_the_turn_is_certain(stage: OpenStage) -> None:
    ran: list[str] = []

    @tool
    async def book(time: str) -> str:
        """Books."""
        ran.append(time)
        return "done"

    async with stage(Say("", [("book", '{"time": "3"}')]), Say("Again."), tools=[book]) as s:
        await s.agent_has_spoken()
        await s.leg.speak(1)
        s.words.emit(Interim(text="at three"))
        await s.leg.quiet(0.25)
        assert len(s.llm.requests) == 1
        await s.leg.quiet(0.3)
        assert ran == []
        s.words.emit(Final(text="at three or four", end_of_turn=True))
        await s.agent_has_spoken()
    assert ran == []


async def test_barge_in_silences_us_and_history_keeps_what_was_heard(stage: OpenStage) -> None:
    async with stage(Say("First we could meet at three or otherwise at four."), Say("Fine.")) as s:
        await s.agent_has_spoken()
        await s.user_says("When?")
        while s.leg.playout.heard_ms == s.leg.playout.written_ms:
            await s.leg.quiet(0.02)
        await s.leg.quiet(1.0)
        onset_at = anyio.current_time()
        while s.leg.playout.cleared_count == 0:
            await s.leg.speak(0.02)
        assert anyio.current_time() - onset_at <= 0.2
        await s.leg.speak(0.5)
        s.words.emit(Interim(text="no wait"))
        await s.leg.quiet(0.3)
        s.words.emit(Final(text="No, wait, five.", end_of_turn=True))
        await s.agent_has_spoken()
    agent_lines = [text for role, text in s.journal.transcript if role == "agent"]
    assert agent_lines[1] != "First we could meet at three or otherwise at four."
    assert "First we could meet at three or otherwise at four.".startswith(agent_lines[1])
    assert s.journal.of(ev.BargeIn)
    told = [m["content"] for m in s.llm.requests[-1] if m["role"] == "assistant"][-1]
    assert told == agent_lines[1] + " —"


@pytest.mark.parametrize("words", ["", "mm-hm"])
async def test_cough_or_backchannel_does_not_cost_us_the_floor(stage: OpenStage, words: str) -> None:
    sentence = "We would like a table for four people on Friday evening."
    async with stage(Say(sentence)) as s:
        await s.agent_has_spoken()
        await s.user_says("Go ahead.")
        while s.leg.playout.heard_ms == s.leg.playout.written_ms:
            await s.leg.quiet(0.02)
        await s.leg.quiet(0.5)
        await s.leg.speak(0.3)
        await s.leg.quiet(0.3)
        s.words.emit(Final(text=words, end_of_turn=True))
        await s.agent_has_spoken()
    assert s.journal.transcript[-1] == ("agent", sentence)
    assert len(s.llm.requests) == 1
    assert not s.journal.of(ev.BargeIn)


async def test_greeting_drowned_by_hello_is_said_again(stage: OpenStage) -> None:
    begun_for_nothing = Say("word " * 100)
    async with stage(begun_for_nothing, first_message="Hi, I would like to book a haircut.") as s:
        await s.leg.quiet(0.2)
        await s.user_says("Main Street Barber, hello?")
        await s.agent_has_spoken()
        assert s.llm.cancelled_count == len(s.llm.requests)
    assert s.journal.transcript == [
        ("user", "Main Street Barber, hello?"),
        ("agent", "Hi, I would like to book a haircut."),
    ]


async def test_silence_is_asked_about_once_and_then_ends_the_call(stage: OpenStage) -> None:
    async with stage() as s:
        parting = await s.ended()
    assert parting.reason is EndReason.SILENCE
    assert [text for _, text in s.journal.transcript] == [
        "Hi, this is Ann.",
        "Hello, are you still there?",
        "I can't hear anyone, so I'll hang up now. Goodbye.",
    ]


async def test_a_mere_yes_keeps_us_from_hanging_up_on_somebody_we_did_not_hear(stage: OpenStage) -> None:
    async with stage(Say("Good. A table for two, please.")) as s:
        await s.agent_has_spoken()
        await s.agent_has_spoken()
        while s.leg.playout.heard_ms == s.leg.playout.written_ms:
            await s.leg.quiet(0.02)
        await s.leg.quiet(0.5)
        await s.user_says("Yes.")
        await s.agent_has_spoken()
        assert not s.over.is_set()
    assert s.journal.transcript[-2:] == [("user", "Yes."), ("agent", "Good. A table for two, please.")]


async def test_being_asked_to_wait_is_waited_for(stage: OpenStage) -> None:
    async with stage(Say("Sure."), Say("Good.")) as s:
        await s.agent_has_spoken()
        await s.user_says("One moment please.")
        await s.agent_has_spoken()
        await s.leg.quiet(30)
        await s.user_says("Here I am again.")
        await s.agent_has_spoken()
    assert "Hello, are you still there?" not in [text for _, text in s.journal.transcript]


async def test_time_limit_says_goodbye_before_it_is_reached(stage: OpenStage) -> None:
    async with stage(*[Say("Tell me more about it.")] * 20, time_left_sec=60) as s:
        started_at = anyio.current_time()
        await s.agent_has_spoken()
        while anyio.current_time() - started_at < 48:
            await s.user_says("Let us talk.")
            await s.leg.quiet(2)
        await s.ended()
        assert anyio.current_time() - started_at <= 60
    assert s.parting.reason is EndReason.MAX_DURATION
    assert s.journal.transcript[-1][1].startswith("I'm sorry, I have to end the call")


async def test_talking_over_the_last_goodbye_does_not_prolong_the_call(stage: OpenStage) -> None:
    async with stage(*[Say("Tell me more about it.")] * 20, time_left_sec=60) as s:
        started_at = anyio.current_time()
        while not s.over.is_set():
            await s.user_says("Let us talk.", seconds=0.6)
        assert anyio.current_time() - started_at <= 60
    assert s.parting.reason is EndReason.MAX_DURATION


async def test_model_gone_is_said_aloud_and_ends_the_call(stage: OpenStage) -> None:
    gone = ProviderStatusError("The key is not valid.", provider="scripted", status=401)
    async with stage(gone, gone) as s:  # the reply begun early, and the one that was due
        await s.agent_has_spoken()
        await s.user_says("Hello?")
        parting = await s.ended()
        assert s.leg.playout.written_ms > 0
    assert parting.reason is EndReason.PROVIDER_FAILED
    assert parting.detail == "The key is not valid."
    assert s.journal.of(ev.ProviderTrouble)[-1].recovered is False


async def test_model_that_stumbles_once_is_asked_again(stage: OpenStage) -> None:
    stumble = ProviderConnectionError("reset", provider="scripted", retryable=True)
    async with stage(stumble, Say("Here I am."), turns=LATE) as s:
        await s.agent_has_spoken()
        await s.user_says("Hello?")
        await s.agent_has_spoken()
    assert s.journal.transcript[-1] == ("agent", "Here I am.")
    assert s.journal.of(ev.ProviderTrouble)[0].recovered is True


async def test_voice_gone_apologises_in_a_voice_made_beforehand(stage: OpenStage) -> None:
    async with stage(Say("You will not hear this.")) as s:
        await s.agent_has_spoken()
        s.tts.error = ProviderConnectionError("socket closed", provider="scripted")
        before_ms = s.leg.playout.written_ms
        await s.user_says("Hello?")
        parting = await s.ended()
        assert s.leg.playout.written_ms > before_ms
    assert parting.reason is EndReason.PROVIDER_FAILED


async def test_ear_gone_ends_the_call_politely(stage: OpenStage) -> None:
    async with stage() as s:
        await s.agent_has_spoken()
        s.words.emit(ProviderConnectionError("socket closed", provider="scripted"))
        parting = await s.ended()
    assert parting.reason is EndReason.PROVIDER_FAILED


async def test_tool_result_is_spoken_about_and_rounds_are_bounded(stage: OpenStage) -> None:
    @tool
    async def look_up(name: str) -> str:
        """Looks up."""
        return f"{name} is in"

    again = [Say("", [("look_up", '{"name": "Bob"}')])] * 10
    async with stage(*again, tools=[look_up]) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.agent_has_spoken()
    assert len(s.journal.of(ev.ToolCalled)) == 10
    assert s.journal.transcript[-1][1].endswith("I'm sorry, I couldn't finish that just now.")


async def test_long_thinking_is_filled_with_words(stage: OpenStage) -> None:
    async with stage(Say("Done.")) as s:
        s.llm.first_token_sec = 5
        await s.agent_has_spoken()
        await s.user_says("Can you check?")
        started_at = anyio.current_time()
        await s.agent_has_spoken()
        assert anyio.current_time() - started_at < 5
        await s.agent_has_spoken()
    bridge = "One moment, please. I'm sorry, this is taking a little longer."
    assert s.journal.transcript[-1] == ("agent", f"{bridge} Done.")


async def test_voicemail_message_waits_for_the_beep(stage: OpenStage) -> None:
    async with stage(Say("Please call Ann back.", [("end_call", '{"goal_met": "unknown"}')])) as s:
        await s.leg.quiet(0.1)
        await s.user_says("We can't take your call, please leave a message after the beep.", seconds=3)
        written_ms = s.leg.playout.written_ms
        await s.leg.quiet(1.5)
        assert s.leg.playout.written_ms == written_ms
        await s.ended()
    assert s.journal.of(ev.WhoAnswered)[-1].answered_by == "voicemail"
    assert s.journal.transcript[-1] == ("agent", "Please call Ann back.")


async def test_a_person_who_offers_to_pass_a_message_on_is_answered_like_one(stage: OpenStage) -> None:
    async with stage(Say("This is Bo. Is Ann there?"), Say("Please tell her that Bo called.")) as s:
        await s.leg.quiet(0.1)
        await s.user_says("Miller Bakery.")
        await s.agent_has_spoken()
        await s.user_says("She is out, you can leave a message and I'll pass it on.")
        await s.agent_has_spoken()
    assert [event.answered_by for event in s.journal.of(ev.WhoAnswered)] == ["human"]
    assert s.journal.transcript[-1] == ("agent", "Please tell her that Bo called.")


async def test_beep_mistaken_for_a_word_does_not_disturb_the_message(stage: OpenStage) -> None:
    end = ("end_call", '{"goal_met": "unknown"}')
    async with stage(Say("Please call Ann back.", [end]), Say("Pardon?")) as s:
        await s.leg.quiet(0.1)
        await s.user_says("Please leave a message after the beep.", seconds=2)
        await s.leg.quiet(0.5)
        tone = beep(duration_ms=400)
        for start in range(0, len(tone), FRAME_BYTES):
            s.leg.ear.heard(tone[start : start + FRAME_BYTES])
            await anyio.sleep(0.02)
        await s.leg.quiet(0.2)
        s.words.emit(Final(text="our", end_of_turn=True))
        await s.ended()
    assert s.journal.transcript[-1] == ("agent", "Please call Ann back.")
    assert len(s.llm.requests) == 1


async def test_recogniser_without_endpointing_is_helped_by_our_ear(stage: OpenStage) -> None:
    stt = ScriptedSTT(end_of_turn="none")
    async with stage(Say("Very well."), stt=stt) as s:
        s.words.on_finalize = lambda: Final(text="at three")
        await s.agent_has_spoken()
        await s.leg.speak(1)
        await s.leg.quiet(0.7)
        await s.agent_has_spoken()
    assert s.words.finalized_count == 1
    assert s.journal.transcript[1:] == [("user", "at three"), ("agent", "Very well.")]


async def test_hang_up_by_the_user_keeps_what_was_heard(stage: OpenStage) -> None:
    async with stage(first_message="I would like to tell you a very long story.") as s:
        await s.leg.quiet(1.0)
        s.leg.hang_up()
        await s.over.wait()
    assert s.parting.reason is EndReason.USER_HUNG_UP
    ((role, text),) = s.journal.transcript
    assert role == "agent" and 0 < len(text) < len("I would like to tell you a very long story.")


async def test_usage_of_every_part_is_in_the_books(stage: OpenStage) -> None:
    async with stage(Say("At three.")) as s:
        await s.agent_has_spoken()
        await s.user_says("When?")
        await s.agent_has_spoken()
    assert {usage.part for usage in s.journal.of(ev.Usage)} == {"stt", "llm", "tts"}
    assert all(usage.cost_micros is None for usage in s.journal.of(ev.Usage))


class HeavyDetector(EnergyDetector):
    """Takes long to load."""

    def __init__(self) -> None:
        self.loading_thread: int | None = None
        self.loading = threading.Event()

    def load(self) -> None:
        self.loading_thread = threading.get_ident()
        self.loading.set()


async def test_the_voice_detector_is_loaded_beside_the_event_loop(stage: OpenStage) -> None:
    detector = HeavyDetector()
    async with stage(detector=lambda: detector) as s:
        while not detector.loading.is_set():
            await s.leg.quiet(0.02)
    assert detector.loading_thread != threading.get_ident()


async def test_model_passed_over_since_it_was_warmed_up_is_told_of_once(stage: OpenStage) -> None:
    class Refused(ScriptedLLM):
        async def warmup(self) -> None:
            raise ProviderStatusError("vendor answered 403", provider="vendor", status=403)

    sick, well = Refused(model="best"), ScriptedLLM(script=[Say("At three."), Say("At four.")])
    async with stage(llm=FallbackLLM(sick, well)) as s:
        for question in ("When?", "And on Friday?"):
            await s.agent_has_spoken()
            await s.user_says(question)
        await s.agent_has_spoken()
    assert [text for role, text in s.journal.transcript if role == "agent"][1:] == ["At three.", "At four."]
    (told,) = s.journal.of(ev.ProviderTrouble)
    assert (told.part, told.provider, told.code, told.recovered) == ("llm", "vendor", "passed-over", True)
    assert told.message == "best was passed over: vendor answered 403"
    assert not sick.requests


async def test_sentence_left_open_in_the_language_of_the_call_is_waited_for(stage: OpenStage) -> None:
    async with stage(Say("Gut."), language="de") as s:
        await s.agent_has_spoken()
        await s.user_says("Am Freitag oder")
        await s.leg.quiet(0.5)
        assert not s.llm.requests
        await s.user_says("Samstag.")
        await s.agent_has_spoken()
    assert ("user", "Am Freitag oder Samstag.") in s.journal.transcript
