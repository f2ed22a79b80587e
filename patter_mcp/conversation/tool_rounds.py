"""Tools as a speech-to-speech model calls them: run whatever is being said meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from patter_mcp.conversation.bridging import REASSURE_AFTER_SEC
from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.reply import MAX_TOOL_ROUNDS, SAYING_NOTHING
from patter_mcp.events import ToolCalled
from patter_mcp.realtime.base import RealtimeStream, ToolCall, ToolUse
from patter_mcp.tools.executor import ToolExecutor


class ToolRounds:
    """One call's tools.

    Args:
        reassure: Says a tool's reassurance, if nothing else is being said.
    """

    def __init__(
        self, executor: ToolExecutor, dialogue: Dialogue, journal: Journal, reassure: Callable[[str], None]
    ) -> None:
        self._executor = executor
        self._dialogue = dialogue
        self._journal = journal
        self._reassure = reassure
        self.running = 0
        """Rounds under way."""
        self._count = 0

    def begin(self) -> None:
        """The user has spoken: all rounds are there again."""
        self._count = 0

    @property
    def exhausted(self) -> bool:
        return self._count >= MAX_TOOL_ROUNDS

    async def run(self, calls: Sequence[ToolCall], stream: RealtimeStream, tasks: TaskGroup) -> bool:
        """Runs them in order and tells the model; False: there is nothing to say to the results."""
        self.running += 1
        self._count += 1
        try:
            worked = [await self._use(call, stream, tasks) for call in calls]
        finally:
            self.running -= 1
        return not all(worked) or any(call.name not in SAYING_NOTHING for call in calls)

    async def _use(self, call: ToolCall, stream: RealtimeStream, tasks: TaskGroup) -> bool:
        filler = anyio.CancelScope()
        tasks.start_soon(self._fill_silence, call.name, filler)
        try:
            outcome = await self._executor.run(call.name, call.arguments)
        finally:
            filler.cancel()
        self._journal.write(
            ToolCalled(
                name=call.name,
                arguments=call.arguments,
                result=outcome.text,
                ok=outcome.ok,
                duration_ms=outcome.duration_ms,
            )
        )
        self._dialogue.tool_used(ToolUse(name=call.name, arguments=call.arguments, output=outcome.text))
        stream.answer(call, outcome.text)
        return outcome.ok

    async def _fill_silence(self, name: str, scope: anyio.CancelScope) -> None:
        tool = self._executor.tools.get(name)
        if tool is None or not tool.reassurance:
            return
        with scope:
            await anyio.sleep(REASSURE_AFTER_SEC)
            self._reassure(tool.reassurance)
