"""`before_synthesize` sees whatever the voice is to say, and only what it answers is said. In virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from patter_mcp.conversation.phrases import ENGLISH
from patter_mcp.errors import ProviderConnectionError
from patter_mcp.hooks import HookContext, PipelineHooks
from patter_mcp.stt.base import Final, Interim
from patter_mcp.testing.scripted import MS_PER_CHAR, Say
from patter_mcp.tools.base import tool
from patter_mcp.types import EndReason

pytestmark = pytest.mark.anyio

OpenStage = Callable[..., Any]


async def louder(text: str, context: HookContext) -> str:
    return f"{text.upper()}!"


LOUDER = PipelineHooks(before_synthesize=louder)


async def test_first_message_is_what_the_hook_makes_of_it(stage: OpenStage) -> None:
    seen: list[tuple[str, str]] = []

    async def noted(text: str, context: HookContext) -> str:
        seen.append((context.call_id, text))
        return "Good day."

    async with stage(Say("I see."), hooks=PipelineHooks(before_synthesize=noted)) as s:
        await s.leg.quiet(0.02)
        assert s.leg.playout.written_ms == len("Good day.") * MS_PER_CHAR
        await s.agent_has_spoken()
        await s.user_says("Good day to you.")
        await s.agent_has_spoken()
    assert seen[0] == ("call_1", "Hi, this is Ann.")
    assert s.journal.transcript[0] == ("agent", "Good day.")
    assert s.llm.requests[0][1] == {"role": "assistant", "content": "Good day."}


async def test_first_message_the_hook_does_not_want_is_left_out(stage: OpenStage) -> None:
    async def silent(text: str, context: HookContext) -> str | None:
        return None if text == "Hi, this is Ann." else text

    async with stage(Say("We are well."), hooks=PipelineHooks(before_synthesize=silent)) as s:
        await s.leg.quiet(0.5)
        assert s.leg.playout.written_ms == 0
        await s.user_says("Hello?")
        await s.agent_has_spoken()
    assert s.journal.transcript == [("user", "Hello?"), ("agent", "We are well.")]


async def test_first_message_that_is_said_again_is_shaped_once_only(stage: OpenStage) -> None:
    async with stage(hooks=LOUDER) as s:
        await s.leg.speak(0.5)
        s.words.emit(Interim(text="hello who is there"))
        await s.leg.quiet(0.3)
        s.words.emit(Final(text="hello who is there", end_of_turn=True))
        await s.agent_has_spoken()
    assert s.journal.transcript == [("user", "hello who is there"), ("agent", "HI, THIS IS ANN.!")]


async def test_words_of_our_own_go_through_it_too(stage: OpenStage) -> None:
    async with stage(hooks=LOUDER) as s:
        parting = await s.ended()
    assert parting.reason is EndReason.SILENCE
    assert [text for _, text in s.journal.transcript[1:]] == [
        f"{ENGLISH.are_you_there.upper()}!",
        f"{ENGLISH.nobody_there.upper()}!",
    ]


async def test_words_that_bridge_a_silence_go_through_it_too(stage: OpenStage) -> None:
    @tool
    async def look_up() -> str:
        """Takes its time."""
        await anyio.sleep(3)
        return "free"

    async with stage(Say("", [("look_up", "{}")]), Say("It is free."), tools=[look_up], hooks=LOUDER) as s:
        await s.agent_has_spoken()
        await s.leg.quiet(2)
        await s.user_says("When?")
        while s.journal.transcript[-1][0] != "agent" or len(s.journal.transcript) < 3:
            await s.leg.quiet(0.02)
    assert s.journal.transcript[-1] == ("agent", f"{ENGLISH.one_moment.upper()}! IT IS FREE.!")


async def test_an_apology_made_beforehand_is_made_anew_while_there_is_a_voice(stage: OpenStage) -> None:
    async with stage(hooks=LOUDER) as s:
        await s.agent_has_spoken()
        await s.leg.quiet(2)
        s.words.emit(ProviderConnectionError("The ear is gone.", provider="ear"))
        await s.ended()
    assert s.journal.transcript[-1] == ("agent", f"{ENGLISH.trouble.upper()}!")
