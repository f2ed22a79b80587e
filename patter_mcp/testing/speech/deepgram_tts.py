"""Deepgram's Aura over `/v1/speak`."""

from __future__ import annotations

import asyncio
import json

from patter_mcp.testing.speech.scripts import TtsScript
from patter_mcp.testing.speech.server import FakeConnection
from patter_mcp.testing.speech.singing import Performance, sing


class AuraSpeaker:
    """One connection: text is collected, spoken on Flush, dropped on Clear."""

    def __init__(self, connection: FakeConnection, script: TtsScript) -> None:
        self._connection = connection
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._text = ""
        self._sequence = 0
        self._sung = 0
        self._performance = self._new_performance()
        self.flush_times: list[float] = []
        connection.send_json({"type": "Metadata", "request_id": "00000000-0000-0000-0000-000000000000"})

    def audio(self, data: bytes) -> None:
        self._connection.close(1008, "DATA-0000")

    def text(self, message: str) -> None:
        data = json.loads(message)
        match data["type"]:
            case "Speak":
                self._text += data["text"]
            case "Flush":
                self._flush()
            case "Clear":
                self._clear()
            case "Close":
                self._connection.close(1000)
            case _:
                self._connection.close(1008, "DATA-0000")

    def _new_performance(self) -> Performance:
        return Performance(self._script.timing, self._connection.at, self._loop.time, self._emit)

    def _emit(self, chars: str) -> None:
        self._connection.send(sing(chars))
        self._sung += len(chars)
        if self._script.cut_after_chars is not None and self._sung >= self._script.cut_after_chars:
            self._script.cut_after_chars = None
            self._connection.cut()

    def _flush(self) -> None:
        self.flush_times.append(self._loop.time())
        if not self._script.stall:
            text, self._text = self._text, ""
            self._performance.sing(text, then=self._flushed)

    def _flushed(self) -> None:
        self._connection.send_json({"type": "Flushed", "sequence_id": self._next_sequence()})

    def _clear(self) -> None:
        """Late audio runs on until the confirmation."""
        self._text = ""
        old = self._performance
        if not self._script.late_audio:
            old.stop()
        self._performance = self._new_performance()
        self._connection.at(self._loop.time() + self._script.confirm_ms / 1000, lambda: self._cleared(old))

    def _cleared(self, old: Performance) -> None:
        old.stop()
        self._connection.send_json({"type": "Cleared", "sequence_id": self._next_sequence()})

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence
