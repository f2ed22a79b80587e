"""Tools as a speech-to-speech model calls them: run whatever is being said meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from patter_mcp.conversation.bridging import REASSURE_AFTER_SEC
from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.reply import MAX_TOOL_ROUNDS, SAYING_NOTHING
from patter_mcp.events import ToolCalled
from patter_mcp.realtime.base import RealtimeStream, ToolCall, ToolUse
from patter_mcp.tools.executor import ToolExecutor


@dataclass(frozen=True, slots=True)
class Reassurance:
    """What is to be said while a tool takes long, and from when on."""

    text: str
    due_at: float


class ToolRounds:
    """One call's tools."""

    def __init__(self, executor: ToolExecutor, dialogue: Dialogue, journal: Journal) -> None:
        self._executor = executor
        self._dialogue = dialogue
        self._journal = journal
        self._count = 0
        self.running = 0
        """Rounds under way."""
        self.reassurance: Reassurance | None = None
        """For whoever has not been told why they wait."""
        self.told = False
        """They have been."""

    def begin(self) -> None:
        """The user has spoken: all rounds are there again."""
        self._count = 0

    @property
    def exhausted(self) -> bool:
        return self._count >= MAX_TOOL_ROUNDS

    def tell(self) -> str:
        """The user is being told: with these words, or "" if any will do."""
        reassurance, self.reassurance = self.reassurance, None
        self.told = True
        return reassurance.text if reassurance is not None else ""

    async def run(self, calls: Sequence[ToolCall], stream: RealtimeStream, *, told: bool) -> bool:
        """Runs them in order and tells the model; False: there is nothing to say to the results.

        Args:
            told: The model has said something before it.
        """
        self.told = told
        self.running += 1
        self._count += 1
        try:
            worked = [await self._use(call, stream) for call in calls]
        finally:
            self.running -= 1
        return not all(worked) or any(call.name not in SAYING_NOTHING for call in calls)

    async def _use(self, call: ToolCall, stream: RealtimeStream) -> bool:
        tool = self._executor.tools.get(call.name)
        if tool is not None and tool.reassurance:
            self.reassurance = Reassurance(tool.reassurance, anyio.current_time() + REASSURE_AFTER_SEC)
        try:
            outcome = await self._executor.run(call.name, call.arguments)
        finally:
            self.reassurance = None
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
