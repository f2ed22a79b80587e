"""Tools and hooks as the conversation uses them, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from patter_mcp import events as ev
from patter_mcp.config import TurnSettings
from patter_mcp.hooks import HookContext, PipelineHooks
from patter_mcp.testing.scripted import Say
from patter_mcp.tools.base import Tool, tool

pytestmark = pytest.mark.anyio

OpenStage = Callable[..., Any]


async def test_tool_that_broke_in_one_call_is_left_alone_in_the_next(stage: OpenStage) -> None:
    runs: list[str] = []

    @tool
    async def book(time: str) -> str:
        """Books."""
        runs.append(time)
        raise RuntimeError

    attempt = Say("", [("book", '{"time": "3"}')])
    async with stage(attempt, attempt, attempt, Say("No luck."), tools=[book]) as first:
        await first.agent_has_spoken()
        await first.user_says("At three.")
        await first.agent_has_spoken()
    async with stage(attempt, Say("No luck."), after=first) as second:
        await second.agent_has_spoken()
        await second.user_says("At three.")
        await second.agent_has_spoken()
    assert len(runs) == 3
    assert "left alone" in second.journal.of(ev.ToolCalled)[0].result


async def test_hook_sees_what_has_been_said_up_to_now(stage: OpenStage) -> None:
    seen: list[list[tuple[str, str]]] = []

    async def before_llm(messages: list[Any], context: HookContext) -> None:
        seen.append([(line.role, line.text) for line in context.history])

    async with stage(Say("At three."), hooks=PipelineHooks(before_llm=before_llm)) as s:
        await s.agent_has_spoken()
        await s.user_says("When?")
        await s.agent_has_spoken()
        await s.user_says("Fine.")
        await s.agent_has_spoken()
    assert seen[0] == [("agent", "Hi, this is Ann.")]
    assert seen[-1] == [("agent", "Hi, this is Ann."), ("user", "When?"), ("agent", "At three.")]


def slow_tool(seconds: float, reassurance: str | None = "Let me look that up.") -> Tool:
    async def look_up() -> str:
        """Looks up."""
        await anyio.sleep(seconds)
        return "free"

    return tool(reassurance=reassurance)(look_up)


async def answer_of(stage: OpenStage, first: Say, lookup: Tool, **timing: float) -> tuple[str, Any]:
    """What is said to a question that takes a tool."""
    async with stage(first, Say("It is free."), tools=[lookup], turns=TurnSettings(eager=False)) as s:
        s.llm.first_token_sec = timing.get("first_token_sec", 0.2)
        await s.agent_has_spoken()
        await s.user_says("Is it free?")
        await s.leg.quiet(12)
        await s.user_says("Thanks.")
        await s.agent_has_spoken()
    (_, text) = s.journal.transcript[2]
    return text, s


LOOK_UP = [("look_up", "{}")]


async def test_slow_tool_is_bridged_by_its_reassurance_once(stage: OpenStage) -> None:
    text, s = await answer_of(stage, Say("", LOOK_UP), slow_tool(5))
    assert text == "Let me look that up. It is free."
    assert "Let me look that up." not in str(s.llm.requests[-1])


async def test_quick_tool_needs_no_reassurance(stage: OpenStage) -> None:
    text, _ = await answer_of(stage, Say("", LOOK_UP), slow_tool(0.5))
    assert text == "It is free."


async def test_reassurance_of_a_running_tool_is_said_instead_of_the_filler(stage: OpenStage) -> None:
    text, _ = await answer_of(stage, Say("", LOOK_UP), slow_tool(5), first_token_sec=1.0)
    assert text == "Let me look that up. It is free."


async def test_reassurance_waits_until_what_was_said_before_has_been_heard(stage: OpenStage) -> None:
    before = "Certainly, I can see in a moment whether that table is still to be had."
    text, _ = await answer_of(stage, Say(before, LOOK_UP), slow_tool(3))
    assert text == f"{before} It is free."
    text, _ = await answer_of(stage, Say(before, LOOK_UP), slow_tool(8))
    assert text == f"{before} Let me look that up. It is free."


async def test_filler_never_comes_after_the_first_words_of_a_reply(stage: OpenStage) -> None:
    text, _ = await answer_of(stage, Say("One second.", LOOK_UP), slow_tool(8, reassurance=None))
    assert text == "One second. It is free."


async def test_being_cut_off_in_the_filler_leaves_the_reply_unsaid(stage: OpenStage) -> None:
    async with stage(Say("It is free all day."), Say("Sorry?"), turns=TurnSettings(eager=False)) as s:
        s.llm.first_token_sec = 2.0
        await s.agent_has_spoken()
        await s.user_says("Is it free?")
        await s.leg.quiet(2.0)
        await s.user_says("No, wait, another thing.")
        await s.agent_has_spoken()
    assert s.journal.transcript[2] == ("agent", "One moment,")
    assert [m["content"] for m in s.llm.requests[-1] if m["role"] == "assistant"] == ["Hi, this is Ann."]
