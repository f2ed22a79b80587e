"""Speech-to-speech from the line's point of view, in virtual time."""

from __future__ import annotations

import anyio
import pytest
from realtime_stage import FIRST, Stage, open_stage

from patter_mcp import events as ev
from patter_mcp.audio.frame import FRAME_BYTES
from patter_mcp.audio.tones import beep
from patter_mcp.config import TurnSettings
from patter_mcp.conversation.agent import Phrases
from patter_mcp.errors import ProviderConnectionError
from patter_mcp.realtime.base import Complaint
from patter_mcp.testing.scripted import MS_PER_CHAR, Say
from patter_mcp.testing.scripted_realtime import ScriptedRealtime
from patter_mcp.types import EndReason, TranscriptLine

pytestmark = pytest.mark.anyio
END = ("end_call", '{"goal_met": "yes", "summary": "Booked."}')
LAST_WORDS_SEC = TurnSettings().last_words_sec
LONG = "First we could meet at three or otherwise at four, whichever you like."


async def sound_beep(s: Stage) -> None:
    tone = beep(duration_ms=400)
    assert s.leg.ear is not None
    for start in range(0, len(tone), FRAME_BYTES):
        s.leg.ear.heard(tone[start : start + FRAME_BYTES])
        await anyio.sleep(0.02)


async def test_first_message_leaves_the_moment_the_line_is_there() -> None:
    async with open_stage() as s:
        answered_at = anyio.current_time()
        await s.leg.quiet(0.02)
        assert s.leg.playout.first_sent_at == pytest.approx(answered_at, abs=0.002)
        await s.agent_has_spoken()
    assert s.journal.transcript == [("agent", FIRST)]


async def test_first_message_is_made_again_while_it_rings_if_the_model_strays() -> None:
    async with open_stage(model=ScriptedRealtime(slips=["Hello! How can I help?"])) as s:
        await s.agent_has_spoken()
        assert [item.text for item in s.stream.memory] == [FIRST]
    assert s.journal.transcript == [("agent", FIRST)]


async def test_words_spelled_otherwise_are_the_same_words() -> None:
    async with open_stage(model=ScriptedRealtime(slips=[FIRST.upper()])) as s:
        await s.agent_has_spoken()
    assert s.stream.said.count(FIRST) == 1


async def test_answered_before_the_first_words_are_made_they_come_as_they_are_made() -> None:
    async with open_stage(ring_sec=0.1) as s:
        await s.agent_has_spoken()
    assert s.journal.transcript == [("agent", FIRST)]


async def test_turns_alternate_and_the_transcript_is_in_their_order() -> None:
    async with open_stage(Say("At three, please."), Say("Thank you.", [END])) as s:
        s.model.transcript_sec = 1.5  # after the reply has been heard
        await s.agent_has_spoken()
        await s.user_says("What time?")
        await s.agent_has_spoken()
        await s.leg.quiet(2)
        await s.user_says("All right, three it is.")
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.journal.transcript == [
        ("agent", FIRST),
        ("user", "What time?"),
        ("agent", "At three, please."),
        ("user", "All right, three it is."),
        ("agent", "Thank you."),
    ]


async def test_words_said_while_hanging_up_are_waited_for() -> None:
    async with open_stage() as s:
        await s.agent_has_spoken()
        await s.user_says("Wrong number.")
        s.leg.hang_up()
        await s.over.wait()
    assert s.journal.transcript[-1] == ("user", "Wrong number.")


async def test_reply_is_measured_from_the_last_sound_to_ours() -> None:
    async with open_stage(Say("At three, please.")) as s:
        await s.agent_has_spoken()
        await s.user_says("What time?")
        await s.agent_has_spoken()
    (turn,) = s.journal.of(ev.TurnMeasured)
    assert turn.response_ms == pytest.approx(800, abs=25)
    assert turn.endpointing_ms == pytest.approx(500, abs=25)
    assert turn.llm_ttft_ms == 300
    assert turn.overhead_ms == 0
    assert turn.tts_ttfb_ms is None


async def test_barge_in_silences_us_at_once_and_the_model_learns_what_was_heard() -> None:
    async with open_stage(Say(LONG), Say("Fine.")) as s:
        await s.agent_has_spoken()
        await s.user_says("When?")
        await s.agent_speaks()
        await s.leg.quiet(1.5)
        onset_at = anyio.current_time()
        while s.leg.playout.cleared_count == 0:
            await s.leg.speak(0.02)
        assert anyio.current_time() - onset_at <= 0.08
        remembered = next(item for item in s.stream.memory if item.cut_ms is not None)
        await s.user_says("No, wait, five.")
        await s.agent_has_spoken()
    (barge_in,) = s.journal.of(ev.BargeIn)
    assert remembered.cut_ms == pytest.approx(barge_in.heard_ms, abs=1)
    assert barge_in.heard_ms == pytest.approx(1560, abs=30)
    heard = [text for role, text in s.journal.transcript if role == "agent"][1]
    assert heard and heard != LONG and LONG.startswith(heard)
    assert s.journal.of(ev.AgentSaid)[1].interrupted


async def test_reply_nobody_heard_is_forgotten_by_everybody() -> None:
    async with open_stage(Say("Wrong."), Say("Right.")) as s:
        s.model.first_audio_sec = 1.0
        await s.agent_has_spoken()
        await s.user_says("I would")
        await s.leg.quiet(0.3)
        await s.user_says("like Friday.")
        await s.agent_has_spoken()
        assert [item.text for item in s.stream.memory if item.role == "agent"] == [FIRST, "Right."]
    assert ("agent", "Wrong.") not in s.journal.transcript
    assert not s.journal.of(ev.BargeIn)


async def test_greeting_drowned_by_hello_is_said_again_from_memory() -> None:
    async with open_stage(Say("Who is there?")) as s:
        await s.leg.quiet(0.2)
        await s.user_says("Main Street Barber, hello?")
        stopped_at = anyio.current_time()
        await s.agent_speaks()
        assert anyio.current_time() - stopped_at <= 0.04
        await s.agent_has_spoken()
        assert [item.text for item in s.stream.memory if item.role == "agent"] == [FIRST]
    assert s.journal.transcript == [("user", "Main Street Barber, hello?"), ("agent", FIRST)]
    assert s.stream.said.count(FIRST) == 1


async def test_greeting_cut_off_before_it_was_made_is_asked_for_again() -> None:
    async with open_stage(ring_sec=0.32) as s:
        await s.leg.quiet(0.1)
        await s.user_says("Hello?")
        await s.agent_has_spoken()
    assert s.journal.transcript == [("user", "Hello?"), ("agent", FIRST)]


async def test_call_ends_only_after_the_goodbye_was_heard() -> None:
    async with open_stage(Say("Thanks a lot and goodbye.", [END])) as s:
        await s.agent_has_spoken()
        await s.user_says("You are booked.")
        await s.ended()
        assert s.leg.playout.heard_ms == s.leg.playout.written_ms
    assert s.journal.of(ev.OutcomeStated)[0].goal_met == "yes"
    assert s.journal.transcript[-1] == ("agent", "Thanks a lot and goodbye.")


async def test_goodbye_answered_by_goodbye_ends_the_call() -> None:
    async with open_stage(Say("Thank you so much for your help and goodbye then.", [END]), Say("Bye.")) as s:
        await s.agent_has_spoken()
        await s.user_says("You are booked.")
        await s.agent_speaks()
        await s.leg.quiet(1)
        await s.user_says("Thanks, bye.")
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.journal.transcript[-1] == ("agent", "Bye.")


async def test_question_into_the_goodbye_is_answered() -> None:
    async with open_stage(Say("Thank you so much for your help and goodbye then.", [END]), Say("At three.")) as s:
        await s.agent_has_spoken()
        await s.user_says("You are booked.")
        await s.agent_speaks()
        await s.leg.quiet(1)
        await s.user_says("When was that again?")
        await s.agent_has_spoken()
        assert not s.over.is_set()
    assert s.journal.transcript[-1] == ("agent", "At three.")


async def test_silence_is_asked_about_once_and_then_ends_the_call() -> None:
    async with open_stage() as s:
        parting = await s.ended()
    assert parting.reason is EndReason.SILENCE
    assert [text for _, text in s.journal.transcript] == [
        FIRST,
        "Hello, are you still there?",
        "I can't hear anyone, so I'll hang up now. Goodbye.",
    ]


async def test_endless_sound_counts_as_silence() -> None:
    async with open_stage() as s:
        await s.agent_has_spoken()
        while not s.over.is_set():
            await s.leg.speak(0.5)
    assert s.parting is not None and s.parting.reason is EndReason.SILENCE


async def test_being_asked_to_wait_is_waited_for() -> None:
    async with open_stage(Say("Sure."), Say("Good.")) as s:
        await s.agent_has_spoken()
        await s.user_says("One moment please.")
        await s.agent_has_spoken()
        await s.leg.quiet(30)
        await s.user_says("Here I am again.")
        await s.agent_has_spoken()
    assert "Hello, are you still there?" not in [text for _, text in s.journal.transcript]


async def test_time_limit_says_goodbye_before_it_is_reached() -> None:
    async with open_stage(*[Say("Tell me more about it.")] * 20, time_left_sec=60) as s:
        started_at = anyio.current_time()
        await s.agent_has_spoken()
        while anyio.current_time() - started_at < 48:
            await s.user_says("Let us talk.")
            await s.leg.quiet(2.5)
        parting = await s.ended()
        assert anyio.current_time() - started_at <= 60
    assert parting.reason is EndReason.MAX_DURATION
    assert s.journal.transcript[-1][1].startswith("I'm sorry, I have to end the call")


async def test_talking_over_the_last_goodbye_does_not_prolong_the_call() -> None:
    async with open_stage(*[Say("Tell me more about it.")] * 40, time_left_sec=60) as s:
        started_at = anyio.current_time()
        while not s.over.is_set():
            await s.user_says("Let us talk.", seconds=0.6)
        assert anyio.current_time() - started_at <= 60
    assert s.parting is not None and s.parting.reason is EndReason.MAX_DURATION


async def test_hang_up_by_the_user_keeps_what_was_heard() -> None:
    async with open_stage(first_message="I would like to tell you a very long story.") as s:
        await s.leg.quiet(1.0)
        s.leg.hang_up()
        await s.over.wait()
    assert s.parting is not None and s.parting.reason is EndReason.USER_HUNG_UP
    ((role, text),) = s.journal.transcript
    assert role == "agent" and 0 < len(text) < len("I would like to tell you a very long story.")


async def test_voicemail_message_waits_for_the_beep_and_is_not_disturbed_by_it() -> None:
    left = Say("Please call Ann back.", [("end_call", '{"goal_met": "unknown"}')])
    async with open_stage(Say("Hello Bob!"), left, Say("Pardon?")) as s:
        s.model.first_audio_sec = 0.5
        await s.leg.quiet(0.1)
        await s.user_says("We can't take your call, please leave a message after the beep.", seconds=3)
        await s.leg.quiet(1.2)
        assert not s.speaking
        await sound_beep(s)
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.stream.told == ["[voicemail: the beep has sounded]"]
    assert s.journal.of(ev.WhoAnswered)[-1].answered_by == "voicemail"
    assert s.journal.transcript[-1] == ("agent", "Please call Ann back.")


async def test_beep_that_never_comes_is_waited_for_in_vain_only_so_long() -> None:
    left = Say("Please call Ann back.", [("end_call", '{"goal_met": "unknown"}')])
    async with open_stage(Say("Hello Bob!"), left) as s:
        await s.leg.quiet(0.1)
        await s.user_says("You have reached the mailbox of Bob.", seconds=3)
        await s.ended()
    assert s.journal.transcript[-1] == ("agent", "Please call Ann back.")


async def test_menu_that_drowned_the_greeting_is_answered_instead() -> None:
    async with open_stage(Say("Wait for it."), Say("", [("send_digits", '{"digits": "2"}')])) as s:
        await s.leg.quiet(0.1)
        await s.user_says("For reservations press 2.", seconds=3)
        await s.leg.quiet(2)
        assert s.leg.digits == "2"
        asked = len(s.stream.said)
        await s.leg.quiet(2)
        assert len(s.stream.said) == asked  # what comes next is the menu's to say
    assert s.journal.of(ev.WhoAnswered)[-1].answered_by == "ivr"
    # The greeting had begun to be said again before the words were known for a menu's.
    assert s.journal.transcript == [("user", "For reservations press 2."), ("agent", "Hi,")]


async def test_response_that_fails_is_asked_for_again() -> None:
    async with open_stage(RuntimeError("overloaded"), Say("Here I am.")) as s:
        await s.agent_has_spoken()
        await s.user_says("Hello?")
        await s.agent_has_spoken()
    (trouble,) = s.journal.of(ev.ProviderTrouble)
    assert trouble.recovered and trouble.message == "overloaded"
    assert s.journal.transcript[-1] == ("agent", "Here I am.")


async def test_model_that_keeps_failing_is_apologised_for_in_its_own_voice() -> None:
    async with open_stage(*[RuntimeError("overloaded")] * 3) as s:
        await s.agent_has_spoken()
        await s.user_says("Hello?")
        before_ms = s.leg.playout.written_ms
        parting = await s.ended()
        assert s.leg.playout.heard_ms > before_ms + 1000
    assert (parting.reason, parting.detail) == (EndReason.PROVIDER_FAILED, "overloaded")
    assert [trouble.recovered for trouble in s.journal.of(ev.ProviderTrouble)] == [True, True, False]
    assert s.journal.transcript[-1] == ("agent", Phrases().trouble)


async def test_apology_the_model_made_otherwise_than_asked_is_not_played() -> None:
    stray = "As an assistant I have nothing to be sorry for, whatever it is. " * 3
    async with open_stage(*[RuntimeError("overloaded")] * 3, model=ScriptedRealtime(slips=[FIRST, stray])) as s:
        await s.agent_has_spoken()
        await s.user_says("Hello?")
        before_ms = s.leg.playout.written_ms
        await s.ended()
        assert s.leg.playout.written_ms - before_ms < len(stray) * MS_PER_CHAR / 2
    assert s.stream.said.count(Phrases().trouble) == 1


async def test_model_that_neither_answers_nor_fails_is_given_up() -> None:
    async with open_stage(Say("Far too late.")) as s:
        await s.agent_has_spoken()
        s.model.first_audio_sec = 60
        await s.user_says("Hello?")
        asked_at = anyio.current_time()
        parting = await s.ended()
        assert anyio.current_time() - asked_at < 20
    assert (parting.reason, parting.detail) == (
        EndReason.PROVIDER_FAILED,
        "scripted did not answer within 10 seconds",
    )


async def test_long_speech_is_not_taken_for_no_answer() -> None:
    async with open_stage(Say("I have very much to tell you about it. " * 10)) as s:
        s.model.speed = 1.01
        await s.agent_has_spoken()
        await s.user_says("Tell me everything.")
        await s.agent_has_spoken()
        assert not s.over.is_set()


async def test_words_for_bad_moments_are_made_once_for_all_calls() -> None:
    async with open_stage() as first:
        await first.agent_has_spoken()
    async with open_stage(after=first) as second:
        await second.agent_has_spoken()
    phrases = Phrases()
    assert first.model.streams[0].said == [FIRST, phrases.trouble, phrases.one_moment, phrases.bear_with_me]
    assert second.stream.said == [FIRST]


async def test_connection_lost_for_good_ends_the_call_politely() -> None:
    async with open_stage() as s:
        await s.agent_has_spoken()
        before_ms = s.leg.playout.written_ms
        s.stream.fail(ProviderConnectionError("the connection to scripted broke", provider="scripted"))
        parting = await s.ended()
        assert s.leg.playout.written_ms > before_ms
    assert parting.reason is EndReason.PROVIDER_FAILED


async def test_connection_lost_in_a_reply_is_made_anew_and_the_reply_goes_on() -> None:
    async with open_stage(Say(LONG), Say("As I said, at three.")) as s:
        s.model.speed = 2.0
        await s.agent_has_spoken()
        await s.user_says("When?")
        await s.agent_speaks()
        await s.leg.quiet(1.0)
        s.stream.lose_connection()
        await s.agent_has_spoken()
    (trouble,) = s.journal.of(ev.ProviderTrouble)
    assert trouble.recovered and trouble.code == "reconnected"
    agent = [text for role, text in s.journal.transcript if role == "agent"]
    assert LONG.startswith(agent[1]) and agent[2] == "As I said, at three."
    (past,) = s.stream.pasts
    assert past[:2] == [TranscriptLine(role="agent", text=FIRST), TranscriptLine(role="user", text="When?")]


async def test_connection_lost_while_it_rings_costs_nothing_but_time() -> None:
    model = ScriptedRealtime()
    async with open_stage(model=model, ring_sec=0.1) as s:
        s.stream.lose_connection()
        await s.agent_has_spoken()
    assert s.journal.transcript == [("agent", FIRST)]


async def test_connection_lost_before_an_answer_began_is_answered_afterwards() -> None:
    async with open_stage(Say("Never begun."), Say("At three.")) as s:
        s.model.first_audio_sec = 2.0
        await s.agent_has_spoken()
        await s.user_says("When?")
        await s.leg.quiet(0.6)
        s.stream.lose_connection()
        await s.agent_has_spoken()
        await s.agent_has_spoken()
    assert s.journal.transcript[-2:] == [("user", "When?"), ("agent", "One moment, please. At three.")]


async def test_user_heard_again_after_a_break_is_answered_and_interrupts_nobody() -> None:
    script = Say("Never begun."), Say("Nor this."), Say("At three.")
    async with open_stage(*script, model=ScriptedRealtime(reconnect_sec=2.0)) as s:
        await s.agent_has_spoken()
        s.model.first_audio_sec = 0.8
        await s.user_says("When?")
        s.stream.lose_connection()
        await s.agent_has_spoken()
        await s.agent_has_spoken()
    assert s.journal.transcript[-2:] == [("user", "When?"), ("agent", "One moment, please. At three.")]
    assert not s.journal.of(ev.BargeIn)


async def test_words_on_both_sides_of_a_break_keep_their_order() -> None:
    async with open_stage(ring_sec=0.1) as s:
        await s.user_says("Hold on, please.", seconds=0.1)
        s.stream.lose_connection()
        await s.user_says("Yes.", seconds=0.1)
        await s.agent_has_spoken()
    assert [text for role, text in s.journal.transcript if role == "user"] == ["Hold on, please.", "Yes."]


async def test_complaint_of_the_vendor_is_written_down_and_nothing_more() -> None:
    async with open_stage(Say("At three.")) as s:
        await s.agent_has_spoken()
        s.stream.emit(Complaint(code="invalid_value", message="openai reports invalid_value"))
        await s.user_says("When?")
        await s.agent_has_spoken()
    (trouble,) = s.journal.of(ev.ProviderTrouble)
    assert trouble.recovered and trouble.code == "invalid_value"
    assert s.journal.transcript[-1] == ("agent", "At three.")


async def test_usage_of_model_and_transcriber_is_in_the_books() -> None:
    async with open_stage(Say("At three.")) as s:
        await s.agent_has_spoken()
        await s.user_says("When?")
        await s.agent_has_spoken()
    model, transcriber = s.journal.of(ev.Usage)
    assert (model.part, model.provider, model.model) == ("llm", "scripted", "voice")
    assert model.quantities["audio_output"] > len(FIRST)
    assert (transcriber.part, transcriber.model, transcriber.quantities) == ("stt", "scribe", {"audio_sec": 1.0})
    assert s.engine.parts == {"realtime": "scripted/voice", "stt": "scripted/scribe"}


async def test_after_our_goodbye_we_listen_a_moment_and_hang_up() -> None:
    async with open_stage(Say("Thank you, goodbye.", [END])) as s:
        await s.agent_has_spoken()
        await s.user_says("Three it is.")
        await s.agent_has_spoken()
        said_at = anyio.current_time()
        parting = await s.ended()
        assert anyio.current_time() - said_at == pytest.approx(LAST_WORDS_SEC, abs=0.2)
    assert parting.reason is EndReason.AGENT_HUNG_UP


async def test_what_is_taken_back_after_our_goodbye_is_answered() -> None:
    sorry = ("end_call", '{"goal_met": "no", "summary": "It is taken."}')
    async with open_stage(Say("Thank you, goodbye.", [END]), Say("I see. Goodbye.", [sorry])) as s:
        await s.agent_has_spoken()
        await s.user_says("Three it is.")
        await s.agent_has_spoken()
        await s.leg.quiet(LAST_WORDS_SEC - 0.3)
        await s.user_says("Oh, wait, that is taken.")
        await s.agent_has_spoken()
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert [event.goal_met for event in s.journal.of(ev.OutcomeStated)] == ["yes", "no"]
    assert s.journal.transcript[-2:] == [("user", "Oh, wait, that is taken."), ("agent", "I see. Goodbye.")]


async def test_a_goodbye_in_return_ends_the_call() -> None:
    async with open_stage(Say("Thank you, goodbye.", [END]), Say("Bye bye.")) as s:
        await s.agent_has_spoken()
        await s.user_says("Three it is.")
        await s.agent_has_spoken()
        await s.user_says("Bye.")
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.journal.transcript[-3:-1] == [("agent", "Thank you, goodbye."), ("user", "Bye.")]


async def test_a_voicemail_is_not_waited_for_after_our_message() -> None:
    async with open_stage(Say("Hello Bob!"), Say("Please call Ann back.", [END])) as s:
        await s.leg.quiet(0.1)
        await s.user_says("You have reached the mailbox of Bob.", seconds=3)
        await sound_beep(s)
        await s.agent_has_spoken()
        with anyio.fail_after(LAST_WORDS_SEC / 2):
            await s.ended()
