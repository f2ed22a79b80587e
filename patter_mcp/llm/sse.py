"""Server-sent events out of bytes, without I/O. Only what the vendors use of the format: `event` and `data` lines."""

from __future__ import annotations

from dataclasses import dataclass

MAX_EVENT_BYTES = 1024 * 1024
"""More in one event is no language model talking."""


@dataclass(frozen=True, slots=True)
class SseEvent:
    name: str
    """"" where the stream does not name its events."""
    data: str


class SseParser:
    """Takes bytes cut anywhere, in the middle of a character too; gives the events complete by then."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[SseEvent]:
        """Raises:
        ValueError: an event is too large or not UTF-8.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        events = [event for line in lines if (event := self._line(line.removesuffix(b"\r"))) is not None]
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise ValueError("an event is too large")
        return events

    def _line(self, line: bytes) -> SseEvent | None:
        if not line:
            return self._end_of_event()
        field, _, text = line.partition(b":")
        text = text.removeprefix(b" ")
        if field == b"data":
            self._data.append(text)
            self._size += len(text)
        elif field == b"event":
            self._name = text
        return None

    def _end_of_event(self) -> SseEvent | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = b"", [], 0
        return SseEvent(name.decode(), b"\n".join(data).decode()) if data else None
