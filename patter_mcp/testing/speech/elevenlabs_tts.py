"""ElevenLabs' synthesiser: multi-context websocket, single-context websocket, HTTP stream."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

from patter_mcp.testing.speech.scripts import TtsScript
from patter_mcp.testing.speech.server import Exchange, FakeConnection
from patter_mcp.testing.speech.singing import CHAR_MS, Performance, sing


class MultiContextSpeaker:
    """One `multi-stream-input` connection."""

    def __init__(self, connection: FakeConnection, script: TtsScript) -> None:
        self._connection = connection
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._contexts: dict[str, Performance] = {}
        self._closing: set[str] = set()
        self._pending: dict[str, str] = {}
        """Text waiting for a flush, where the schedule is on."""
        self._sung = 0

    def audio(self, data: bytes) -> None:
        self._connection.close(1008, "binary")

    def text(self, message: str) -> None:
        data = json.loads(message)
        context_id = data.get("context_id")
        if data.get("close_socket"):
            self._connection.close(1000)
        elif context_id is None:
            return
        elif data.get("close_context"):
            self._close_context(context_id)
        else:
            self._take(context_id, data)

    def _take(self, context_id: str, data: dict[str, Any]) -> None:
        if context_id not in self._contexts and not self._open_context(context_id):
            return
        text = data.get("text", "")
        if text.strip():
            if not text.endswith(" "):
                self._connection.close(1008, "text must end with a space")
            self._pending[context_id] += text
        auto_mode = self._connection.asked.parameter("auto_mode") == "true"
        if self._pending[context_id] and (data.get("flush") or auto_mode) and not self._script.stall:
            self._contexts[context_id].sing(self._pending[context_id])
            self._pending[context_id] = ""

    def _open_context(self, context_id: str) -> bool:
        if len(self._contexts) >= self._script.max_contexts:
            self._connection.send_json(
                {"message": "Maximum simultaneous contexts reached", "error": "max_active_conversations", "code": 1008}
            )
            self._connection.close(1008, "max_active_conversations")
            return False
        self._pending[context_id] = ""
        self._contexts[context_id] = Performance(
            self._script.timing, self._connection.at, self._loop.time, lambda chars: self._emit(context_id, chars)
        )
        return True

    def _emit(self, context_id: str, chars: str) -> None:
        timing = {
            "charStartTimesMs": [CHAR_MS * n for n in range(len(chars))],
            "charDurationsMs": [CHAR_MS] * len(chars),
        }
        alignment = {"chars": list(chars), **timing}
        self._connection.send_json(
            {
                "audio": b64encode(sing(chars)).decode(),
                "isFinal": None,
                "alignment": alignment,
                "normalizedAlignment": alignment,
                "contextId": context_id,
            }
        )
        self._sung += len(chars)
        if self._script.cut_after_chars is not None and self._sung >= self._script.cut_after_chars:
            self._script.cut_after_chars = None
            self._connection.cut()

    def _close_context(self, context_id: str) -> None:
        """What was flushed is still sung, then comes isFinal; with nothing left to sing, soon."""
        performance = self._contexts.get(context_id)
        if performance is None or context_id in self._closing or self._script.stall:
            return
        self._closing.add(context_id)
        performance.sing(self._pending.pop(context_id), then=lambda: self._finish(context_id))

    def _finish(self, context_id: str) -> None:
        del self._contexts[context_id]
        self._closing.discard(context_id)
        self._connection.send_json({"isFinal": True, "contextId": context_id})


class SingleContextSpeaker:
    """One `stream-input` connection."""

    def __init__(self, connection: FakeConnection, script: TtsScript) -> None:
        self._connection = connection
        self._performance = Performance(script.timing, connection.at, asyncio.get_running_loop().time, self._emit)

    def audio(self, data: bytes) -> None:
        self._connection.close(1008, "binary")

    def text(self, message: str) -> None:
        text = json.loads(message)["text"]
        if text.strip():
            self._performance.sing(text)
        elif not text:
            self._performance.sing("", then=self._finish)

    def _emit(self, chars: str) -> None:
        alignment = {"chars": list(chars), "charStartTimesMs": [], "charDurationsMs": []}
        self._connection.send_json({"audio": b64encode(sing(chars)).decode(), "alignment": alignment})

    def _finish(self) -> None:
        self._connection.send_json({"isFinal": True})
        self._connection.close(1000)


def stream_speech(exchange: Exchange, script: TtsScript) -> None:
    """`POST /v1/text-to-speech/{voice}/stream`."""
    if exchange.asked.parameter("output_format") != "ulaw_8000":
        exchange.answer(400, json.dumps({"detail": {"status": "invalid_output_format", "message": "only ulaw_8000"}}))
        return
    stream_body(exchange, script, exchange.json()["text"], "audio/basic", sing)


def stream_body(exchange: Exchange, script: TtsScript, text: str, content_type: str, voice: Any) -> None:
    """Streams a text's audio as the body of the answer."""
    if script.stall:
        return
    exchange.start(content_type)
    sung = 0

    def emit(chars: str) -> None:
        nonlocal sung
        exchange.send(voice(chars))
        sung += len(chars)
        if script.cut_after_chars is not None and sung >= script.cut_after_chars:
            script.cut_after_chars = None
            exchange.cut()

    Performance(script.timing, exchange.at, asyncio.get_running_loop().time, emit).sing(text, then=exchange.end)
