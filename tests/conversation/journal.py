"""A call's books, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from patter_mcp.events import AgentSaid, Event, UserSaid


@dataclass
class Journal:
    events: list[Event] = field(default_factory=list[Event])

    def write(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def transcript(self) -> list[tuple[str, str]]:
        return [
            ("agent" if isinstance(event, AgentSaid) else "user", event.text)
            for event in self.events
            if isinstance(event, AgentSaid | UserSaid)
        ]
