"""What has been said so far, for whoever may look on while the call lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from patter_mcp.conversation.engine import Journal
from patter_mcp.events import AgentSaid, Event, UserSaid
from patter_mcp.types import TranscriptLine


class Transcript(Sequence[TranscriptLine]):
    """A journal that passes on what it is told, and keeps the lines spoken. Nobody but the journal can add to it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lines: list[TranscriptLine] = []

    def write(self, event: Event) -> None:
        self._journal.write(event)
        if isinstance(event, UserSaid):
            self._lines.append(TranscriptLine(role="user", text=event.text))
        elif isinstance(event, AgentSaid):
            self._lines.append(TranscriptLine(role="agent", text=event.text))

    @overload
    def __getitem__(self, index: int) -> TranscriptLine: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TranscriptLine]: ...
    def __getitem__(self, index: int | slice) -> TranscriptLine | Sequence[TranscriptLine]:
        return self._lines[index]

    def __len__(self) -> int:
        return len(self._lines)
