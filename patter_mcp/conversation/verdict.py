"""What became of the goal, asked of the model when the other party has hung up before it could say so."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import anyio

from patter_mcp import events as ev
from patter_mcp.conversation.reply import Mind
from patter_mcp.conversation.trouble import trouble
from patter_mcp.errors import ProviderError, ProviderTimeout
from patter_mcp.llm.base import Message, TextChunk, ToolCallChunk, UsageChunk, served_by

VERDICT_SEC = 5.0
"""The result waits for it, so not for long."""
HUNG_UP = "[the other party has hung up; say nothing more, only state the outcome with end_call]"
"""Told to the model in the user's place."""
END_CALL = "end_call"


async def state_outcome(mind: Mind, messages: Sequence[Message]) -> None:
    """Has the model call `end_call` if it will; what it says is not spoken. Failures end up in the record only.

    Args:
        messages: The whole conversation, ending with `HUNG_UP`.
    """
    with anyio.move_on_after(VERDICT_SEC) as waiting:
        try:
            arguments = await _arguments(mind, messages)
        except ProviderError as error:
            mind.journal.write(trouble("llm", error, recovered=True))
            return
        if arguments:
            await _end_call(mind, arguments)
    if waiting.cancelled_caught:
        late = ProviderTimeout(f"{mind.llm.provider} did not state the outcome in time", provider=mind.llm.provider)
        mind.journal.write(trouble("llm", late, recovered=True))


async def _arguments(mind: Mind, messages: Sequence[Message]) -> str:
    """Those of its call of `end_call`; "" if it makes none."""
    specs = [spec for spec in mind.tools.specs if spec["name"] == END_CALL]
    sent = await mind.hooks.before_llm(list(messages))
    calls: dict[int, str] = {}
    with mind.meter.request(sent, mind.llm) as meter:
        async with aclosing(mind.llm.stream(sent, specs, mind.options)) as chunks:
            with mind.troubles.noted(chunks):
                async for chunk in chunks:
                    meter.served = served_by(chunks, mind.llm)
                    if isinstance(chunk, ToolCallChunk):
                        calls[chunk.index] = calls.get(chunk.index, "") + chunk.arguments
                    if isinstance(chunk, TextChunk | ToolCallChunk):
                        meter.text += chunk.text if isinstance(chunk, TextChunk) else chunk.arguments
                    elif isinstance(chunk, UsageChunk):
                        meter.reported = chunk
    return next(iter(calls.values()), "")


async def _end_call(mind: Mind, arguments: str) -> None:
    outcome = await mind.tools.run(END_CALL, arguments)
    mind.journal.write(
        ev.ToolCalled(
            name=END_CALL, arguments=arguments, result=outcome.text, ok=outcome.ok, duration_ms=outcome.duration_ms
        )
    )
