"""Cartesia's websocket: `/tts/websocket`."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

from patter_mcp.testing.speech.scripts import TtsScript
from patter_mcp.testing.speech.server import FakeConnection
from patter_mcp.testing.speech.singing import CHAR_MS, Performance, sing


class CartesiaSpeaker:
    """One connection with any number of contexts."""

    def __init__(self, connection: FakeConnection, script: TtsScript) -> None:
        self._connection = connection
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._contexts: dict[str, Performance] = {}
        self._sung: dict[str, int] = {}
        self._total_sung = 0

    def audio(self, data: bytes) -> None:
        self._connection.close(1008, "binary")

    def text(self, message: str) -> None:
        data = json.loads(message)
        context_id: str = data["context_id"]
        if data.get("cancel"):
            self._cancel(context_id)
        elif data["output_format"] != {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}:
            self._error(context_id, "wrong output format")
        else:
            self._take(context_id, data)

    def _take(self, context_id: str, data: dict[str, Any]) -> None:
        if context_id not in self._contexts:
            self._sung[context_id] = 0
            self._contexts[context_id] = Performance(
                self._script.timing, self._connection.at, self._loop.time, lambda chars: self._emit(context_id, chars)
            )
        if self._script.stall:
            return
        performance, text = self._contexts[context_id], data["transcript"]
        if text.strip():
            performance.sing(text, then=lambda: self._timestamps(context_id, text))
        if not data["continue"]:
            performance.sing("", then=lambda: self._finish(context_id))

    def _emit(self, context_id: str, chars: str) -> None:
        self._sung[context_id] += len(chars)
        self._send(context_id, "chunk", data=b64encode(sing(chars)).decode(), step_time=1.0)
        self._total_sung += len(chars)
        if self._script.cut_after_chars is not None and self._total_sung >= self._script.cut_after_chars:
            self._script.cut_after_chars = None
            self._connection.cut()

    def _timestamps(self, context_id: str, text: str) -> None:
        """The words of a text; they come after its audio."""
        words: list[str] = text.split()
        at_char, starts, ends = self._sung[context_id] - len(text), list[float](), list[float]()
        position = 0
        for word in words:
            position = text.index(word, position)
            starts.append((at_char + position) * CHAR_MS / 1000)
            position += len(word)
            ends.append((at_char + position) * CHAR_MS / 1000)
        self._send(context_id, "timestamps", word_timestamps={"words": words, "start": starts, "end": ends})

    def _finish(self, context_id: str) -> None:
        self._contexts.pop(context_id, None)
        self._send(context_id, "done", done=True)

    def _cancel(self, context_id: str) -> None:
        performance = self._contexts.pop(context_id, None)
        if performance is not None and not self._script.late_audio:
            performance.stop()

    def _error(self, context_id: str, message: str) -> None:
        self._send(context_id, "error", done=True, message=message, status_code=400)

    def _send(self, context_id: str, kind: str, *, done: bool = False, **fields: Any) -> None:
        status = {"status_code": 200 if done else 206} | fields
        self._connection.send_json({"type": kind, "done": done, "context_id": context_id, **status})
