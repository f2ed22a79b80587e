"""The brain behind the interface every language model has."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence

from anyio.lowlevel import checkpoint

from patter_mcp.llm.base import Chunk, DoneChunk, LlmOptions, Message, TextChunk, ToolCallChunk, ToolSpec, UsageChunk
from patter_mcp.llm.rules.brain import reply_to
from patter_mcp.llm.rules.replies import Reply


class RulesLLM:
    """Plays an outbound phone agent by rules: no key, no network, and the same answer to the same messages.

    It reads the caller's goal from the system message (after "Goal:"), uses the tools `end_call` and
    `send_digits` if they are offered, and keeps silent with an empty reply where nothing is to be said.
    """

    @property
    def provider(self) -> str:
        return "patter"

    @property
    def model(self) -> str:
        return "rules"

    async def warmup(self) -> None:
        """Nothing to open."""

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: LlmOptions = LlmOptions()
    ) -> AsyncGenerator[Chunk, None]:
        """One reply, a chunk per sentence. Token counts are zero: nothing is paid for."""
        reply = reply_to(messages)
        for sentence in reply.sentences:
            yield TextChunk(text=f"{sentence} ")
            await checkpoint()
        calls = list(_tool_calls(reply, {tool["name"] for tool in tools}))
        for call in calls:
            yield call
        yield UsageChunk(input_tokens=0, output_tokens=0)
        yield DoneChunk(reason="tool_calls" if calls else "stop")


def _tool_calls(reply: Reply, offered: set[str]) -> Iterator[ToolCallChunk]:
    if reply.keys and "send_digits" in offered:
        yield _call(0, "send_digits", digits=reply.keys)
    if reply.ending and "end_call" in offered:
        yield _call(0, "end_call", goal_met=reply.ending.goal_met, summary=reply.ending.summary)


def _call(index: int, name: str, **arguments: str) -> ToolCallChunk:
    return ToolCallChunk(index=index, id=f"call_{index + 1}", name=name, arguments=json.dumps(arguments))
