"""Who said what, in the order of the conversation rather than of the news about it.

A speech-to-speech model answers before its user's words are known, and makes speech long before it is heard.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.history import CUT
from patter_mcp.events import AgentSaid, UserSaid
from patter_mcp.realtime.base import Past, ToolUse
from patter_mcp.types import TranscriptLine


@dataclass(eq=False, slots=True)
class _Entry:
    item: str = ""
    told: UserSaid | AgentSaid | ToolUse | None = None
    """None: not known yet, or nothing after all."""
    settled: bool = False


class Dialogue:
    """One call's. A line is journalled once it and every line before it are settled."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._open: list[_Entry] = []
        self._written: list[_Entry] = []

    def place(self, item: str, after: str | None = None) -> None:
        """A turn has its place: behind that item, or at the end."""
        entry = self._take_out(item) or _Entry(item)
        if after and any(other.item == after for other in self._written):
            self._open.insert(0, entry)
            return
        places = [place for place, other in enumerate(self._open) if after and other.item == after]
        self._open.insert(places[0] + 1 if places else len(self._open), entry)

    def user_said(self, item: str, text: str, *, final: bool) -> None:
        self._tell(item, UserSaid(text=text) if text else None, final)

    def agent_said(self, item: str, text: str, *, interrupted: bool = False, final: bool = True) -> None:
        self._tell(item, AgentSaid(text=text, interrupted=interrupted) if text else None, final)

    def tool_used(self, use: ToolUse) -> None:
        self._open.append(_Entry(told=use, settled=True))
        self._write()

    def drop(self, item: str) -> None:
        """Nothing was said after all."""
        self._take_out(item)
        self._write()

    def forget(self, items: Collection[str]) -> bool:
        """These were never understood and will be heard again, as others; False: none of them is open."""
        kept = [entry for entry in self._open if entry.settled or entry.item not in items]
        forgotten = len(kept) < len(self._open)
        self._open = kept
        self._write()
        return forgotten

    def past(self) -> Sequence[Past]:
        """What somebody who was not there has to be told."""
        entries = [*self._written, *self._open]
        return [_past(e.told) for e in entries if e.told is not None and (e.settled or isinstance(e.told, AgentSaid))]

    def close(self) -> None:
        """What is known now is all."""
        for entry in self._open:
            entry.settled = True
        self._write()

    def _tell(self, item: str, told: UserSaid | AgentSaid | None, final: bool) -> None:
        entry = next((entry for entry in self._open if entry.item == item), None)
        if entry is None:
            entry = _Entry(item)
            self._open.append(entry)
        entry.told, entry.settled = told, final
        self._write()

    def _take_out(self, item: str) -> _Entry | None:
        entry = next((entry for entry in self._open if entry.item == item), None)
        if entry is not None:
            self._open.remove(entry)
        return entry

    def _write(self) -> None:
        while self._open and self._open[0].settled:
            entry = self._open.pop(0)
            self._written.append(entry)
            if isinstance(entry.told, UserSaid | AgentSaid):
                self._journal.write(entry.told)


def _past(told: UserSaid | AgentSaid | ToolUse) -> Past:
    match told:
        case ToolUse():
            return told
        case UserSaid():
            return TranscriptLine(role="user", text=told.text)
        case AgentSaid():
            return TranscriptLine(role="agent", text=told.text + CUT if told.interrupted else told.text)
