"""How conversations end: the goodbye, what may come after it, and what is made of words on which somebody hangs up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from patter_mcp import events as ev
from patter_mcp.config import TurnSettings
from patter_mcp.conversation.verdict import HUNG_UP, VERDICT_SEC
from patter_mcp.errors import ProviderConnectionError
from patter_mcp.stt.base import Final, Interim
from patter_mcp.testing.scripted import Say
from patter_mcp.types import EndReason

pytestmark = pytest.mark.anyio
OpenStage = Callable[..., Any]

BOOKED = ("end_call", '{"goal_met": "yes", "summary": "Friday at seven."}')
REFUSED = ("end_call", '{"goal_met": "no", "summary": "It is taken."}')
LAST_WORDS_SEC = TurnSettings().last_words_sec


def outcomes(s: Any) -> list[str]:
    return [event.goal_met for event in s.journal.of(ev.OutcomeStated)]


async def test_after_our_goodbye_we_listen_a_moment_and_hang_up(stage: OpenStage) -> None:
    async with stage(Say("Thank you, goodbye.", [BOOKED])) as s:
        await s.agent_has_spoken()
        await s.user_says("Friday at seven is fine.")
        await s.agent_has_spoken()
        said_at = anyio.current_time()
        parting = await s.ended()
        assert anyio.current_time() - said_at == pytest.approx(LAST_WORDS_SEC, abs=0.2)
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert outcomes(s) == ["yes"]


async def test_what_is_taken_back_after_our_goodbye_is_answered(stage: OpenStage) -> None:
    async with stage(Say("Thank you, goodbye.", [BOOKED]), Say("I see. Goodbye.", [REFUSED])) as s:
        await s.agent_has_spoken()
        await s.user_says("Friday at seven is fine.")
        await s.agent_has_spoken()
        await s.leg.quiet(LAST_WORDS_SEC - 0.3)
        await s.user_says("Oh, wait, that table is taken.")
        await s.agent_has_spoken()
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert outcomes(s) == ["yes", "no"]
    assert s.journal.transcript[-2:] == [("user", "Oh, wait, that table is taken."), ("agent", "I see. Goodbye.")]


async def test_a_goodbye_in_return_ends_the_call(stage: OpenStage) -> None:
    async with stage(Say("Thank you, goodbye.", [BOOKED])) as s:
        await s.agent_has_spoken()
        await s.user_says("Friday at seven is fine.")
        await s.agent_has_spoken()
        await s.user_says("Okay, bye bye.")
        said_at = anyio.current_time()
        parting = await s.ended()
        assert anyio.current_time() - said_at < 0.1
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.journal.transcript[-1] == ("user", "Okay, bye bye.")
    assert len(s.llm.requests) == 1


async def test_a_noise_after_our_goodbye_keeps_nobody_on_the_line(stage: OpenStage) -> None:
    async with stage(Say("Thank you, goodbye.", [BOOKED])) as s:
        await s.agent_has_spoken()
        await s.user_says("Friday at seven is fine.")
        await s.agent_has_spoken()
        await s.leg.speak(0.5)
        with anyio.fail_after(2 * LAST_WORDS_SEC):
            parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP


async def test_time_that_runs_out_after_our_goodbye_is_no_timeout(stage: OpenStage) -> None:
    turns = TurnSettings(last_words_sec=60)
    async with stage(Say("Thank you, goodbye.", [BOOKED]), turns=turns, time_left_sec=40) as s:
        await s.agent_has_spoken()
        await s.user_says("Friday at seven is fine.")
        await s.agent_has_spoken()
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.journal.transcript[-1] == ("agent", "Thank you, goodbye.")


async def test_words_on_which_they_hang_up_are_in_the_transcript_and_judged(stage: OpenStage) -> None:
    async with stage(Say("Never heard.", [BOOKED])) as s:
        await s.agent_has_spoken()
        await s.leg.speak(1.0)
        s.words.emit(Interim(text="You are booked,"))
        s.words.on_finalize = lambda: Final(text="You are booked, bye.", end_of_turn=True)
        s.leg.hang_up()
        parting = await s.ended()
    assert parting.reason is EndReason.USER_HUNG_UP
    assert s.journal.transcript == [("agent", "Hi, this is Ann."), ("user", "You are booked, bye.")]
    assert outcomes(s) == ["yes"]
    assert s.llm.requests[-1][-1]["content"] == f"You are booked, bye. {HUNG_UP}"


async def test_who_takes_it_back_and_hangs_up_is_judged_by_that(stage: OpenStage) -> None:
    async with stage(Say("Thank you, goodbye.", [BOOKED]), Say("Oh.", [REFUSED])) as s:
        await s.agent_has_spoken()
        await s.user_says("Friday at seven is fine.")
        await s.agent_has_spoken()
        await s.leg.speak(1.0)
        s.words.emit(Final(text="No wait, that is taken."))
        s.leg.hang_up()
        await s.ended()
    assert outcomes(s) == ["yes", "no"]
    assert s.journal.transcript[-1] == ("user", "No wait, that is taken.")


async def test_who_hangs_up_with_a_goodbye_after_ours_needs_no_second_judgement(stage: OpenStage) -> None:
    async with stage(Say("Thank you, goodbye.", [BOOKED])) as s:
        await s.agent_has_spoken()
        await s.user_says("Friday at seven is fine.")
        await s.agent_has_spoken()
        await s.leg.speak(0.4)
        s.words.emit(Final(text="Bye."))
        s.leg.hang_up()
        await s.ended()
    assert len(s.llm.requests) == 1
    assert s.journal.transcript[-1] == ("user", "Bye.")


async def test_who_never_said_a_word_is_not_judged(stage: OpenStage) -> None:
    async with stage() as s:
        await s.agent_has_spoken()
        s.leg.hang_up()
        await s.ended()
    assert s.llm.requests == []
    assert outcomes(s) == []


@pytest.mark.parametrize("mind", [Say("Well.", []), ProviderConnectionError("gone", provider="scripted")])
async def test_a_model_that_states_nothing_leaves_the_outcome_open(stage: OpenStage, mind: Any) -> None:
    async with stage(mind) as s:
        await s.agent_has_spoken()
        await s.leg.speak(1.0)
        s.words.emit(Final(text="We will see."))
        s.leg.hang_up()
        await s.ended()
    assert outcomes(s) == []
    assert len(s.journal.of(ev.ProviderTrouble)) == isinstance(mind, Exception)


async def test_nobody_waits_long_for_a_model_that_hangs(stage: OpenStage) -> None:
    async with stage(Say("Late.", [BOOKED])) as s:
        await s.agent_has_spoken()
        s.llm.first_token_sec = 600
        await s.leg.speak(1.0)
        s.words.emit(Final(text="Booked."))
        s.leg.hang_up()
        await s.ended()
        ended_at = anyio.current_time()
    assert anyio.current_time() - ended_at == pytest.approx(VERDICT_SEC, abs=0.1)
    assert outcomes(s) == []
    assert [event.code for event in s.journal.of(ev.ProviderTrouble)] == ["provider-timeout"]
