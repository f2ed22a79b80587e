"""Tools and hooks as the conversation uses them, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from patter_mcp import events as ev
from patter_mcp.hooks import HookContext, PipelineHooks
from patter_mcp.testing.scripted import Say
from patter_mcp.tools.base import tool

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
