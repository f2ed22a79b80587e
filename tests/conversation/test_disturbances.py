"""What sounds on a line besides the user's turns: echo, the room, impatience. In virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from patter_mcp import events as ev
from patter_mcp.config import TurnSettings
from patter_mcp.stt.base import Final, Interim
from patter_mcp.testing.scripted import Say
from patter_mcp.tools.base import tool

pytestmark = pytest.mark.anyio

OpenStage = Callable[..., Any]
SENTENCE = "We would like a table for four people on Friday evening."
SOFT = 0x40
"""A sound 24 dB below the loudest."""


async def under_way(s: Any) -> None:
    """Until the agent has said the first second of its reply."""
    await s.agent_has_spoken()
    await s.user_says("Go ahead.")
    while s.leg.playout.heard_ms == s.leg.playout.written_ms:
        await s.leg.quiet(0.02)
    await s.leg.quiet(1.0)


async def test_our_own_words_coming_back_do_not_interrupt_us(stage: OpenStage) -> None:
    async with stage(Say(SENTENCE)) as s:
        await under_way(s)
        for words in ("we", "we would like", "We would like a table for four"):
            s.words.emit(Interim(text=words))
            await s.leg.quiet(0.2)
        s.words.emit(Final(text="We would like a table for four", end_of_turn=True))
        await s.agent_has_spoken()
        s.words.emit(Final(text="people on Friday evening", end_of_turn=True))
        await s.leg.quiet(1.0)
    assert s.journal.transcript[-1] == ("agent", SENTENCE)
    assert len(s.llm.requests) == 1 and s.leg.playout.cleared_count == 0


async def test_user_who_says_it_back_later_is_heard(stage: OpenStage) -> None:
    async with stage(Say(SENTENCE), Say("Yes.")) as s:
        await under_way(s)
        await s.agent_has_spoken()
        await s.leg.quiet(0.5)
        await s.user_says("A table for four people on Friday evening?", seconds=2.0)
        await s.agent_has_spoken()
    assert s.journal.transcript[-1] == ("agent", "Yes.")


async def test_voice_in_the_room_does_not_silence_us(stage: OpenStage) -> None:
    async with stage(Say(SENTENCE)) as s:
        await under_way(s)
        await s.leg.speak(1.5, level=SOFT)
        await s.agent_has_spoken()
        assert s.leg.playout.cleared_count == 0
    assert s.journal.transcript[-1] == ("agent", SENTENCE)


async def test_user_as_loud_as_before_silences_us(stage: OpenStage) -> None:
    async with stage(Say(SENTENCE)) as s:
        await under_way(s)
        await s.leg.speak(0.1, level=SOFT)
        await s.leg.speak(0.3)
        assert s.leg.playout.cleared_count == 1


async def test_hello_while_we_think_is_answered_and_the_reply_goes_on(stage: OpenStage) -> None:
    async with stage(Say("It is free."), turns=TurnSettings(eager=False)) as s:
        s.llm.first_token_sec = 6
        await s.agent_has_spoken()
        await s.user_says("Is it free?")
        await s.leg.quiet(1.0)
        await s.user_says("Hello?", seconds=0.4)
        await s.leg.quiet(1.6)
        await s.user_says("Hello, are you there?", seconds=0.6)
        await s.agent_has_spoken()
        await s.leg.quiet(5.0)
    bridge = "One moment, please. I'm sorry, this is taking a little longer."
    assert s.journal.transcript[-1] == ("agent", f"{bridge} It is free.")
    assert len(s.llm.requests) == 1


async def test_hello_while_a_tool_runs_does_not_stop_the_tool(stage: OpenStage) -> None:
    done: list[str] = []

    @tool(reassurance="Still looking.")
    async def book() -> str:
        """Books."""
        await anyio.sleep(8)
        done.append("booked")
        return "booked"

    async with stage(Say("Let me see.", [("book", "{}")]), Say("Done."), tools=[book]) as s:
        await s.agent_has_spoken()
        await s.user_says("Can you book it?")
        await s.leg.quiet(6.0)
        await s.user_says("Hello?", seconds=0.4)
        await s.leg.quiet(8.0)
    assert done == ["booked"]
    assert s.journal.transcript[-1] == ("agent", "Let me see. Still looking. One moment, please. Done.")
    assert not s.journal.of(ev.BargeIn)


async def test_something_else_said_while_we_think_begins_a_new_reply(stage: OpenStage) -> None:
    async with stage(Say("It is free."), Say("For two then."), turns=TurnSettings(eager=False)) as s:
        s.llm.first_token_sec = 3
        await s.agent_has_spoken()
        await s.user_says("Is it free?")
        await s.leg.quiet(0.5)
        await s.user_says("For two people I mean.")
        await s.agent_has_spoken()
        await s.agent_has_spoken()
    assert s.llm.requests[-1][-1]["content"] == "Is it free? For two people I mean."
