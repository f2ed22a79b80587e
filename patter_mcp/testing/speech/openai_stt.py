"""OpenAI's realtime transcription: `/v1/realtime?intent=transcription`, GA shape."""

from __future__ import annotations

import asyncio
import functools
import json
from base64 import b64decode
from typing import Any

from patter_mcp.testing.speech.hearing import Hearing
from patter_mcp.testing.speech.scripts import SttScript, transcript_of
from patter_mcp.testing.speech.server import FakeConnection


class TranscriptionListener:
    """One transcription session."""

    def __init__(self, connection: FakeConnection, script: SttScript) -> None:
        self._connection = connection
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._hearing = Hearing()
        self._turn = 0
        self._in_speech = False
        self._turn_detection: dict[str, Any] | None = None
        self._uncommitted_ms = 0.0
        self._say({"type": "session.created", "session": {"type": "transcription"}})

    def audio(self, data: bytes) -> None:
        self._error("invalid_request_error", "binary", "send JSON")

    def text(self, message: str) -> None:
        data = json.loads(message)
        match data["type"]:
            case "session.update":
                self._update(data["session"])
            case "input_audio_buffer.append":
                self._hear(b64decode(data["audio"]))
            case "input_audio_buffer.commit" if self._uncommitted_ms >= 100:
                self._commit()
            case "input_audio_buffer.commit":
                self._error("invalid_request_error", "input_audio_buffer_commit_empty", "buffer too small")
            case _:
                self._error("invalid_request_error", "unknown_event", "no such event")

    def _update(self, session: dict[str, Any]) -> None:
        given = session.get("audio", {}).get("input", {})
        if session.get("type") != "transcription" or given.get("format") != {"type": "audio/pcmu"}:
            self._error("invalid_request_error", "invalid_session", "not the GA shape")
        elif "gone" in given["transcription"]["model"]:
            self._error("invalid_request_error", "model_not_found", "no such model")
        else:
            self._turn_detection = given.get("turn_detection")
            self._say({"type": "session.updated", "session": session})

    def _hear(self, audio: bytes) -> None:
        for now_ms in self._hearing.hear(audio):
            self._uncommitted_ms += 20
            if self._turn_detection is not None:
                self._detect(self._turn_detection["silence_duration_ms"], now_ms)

    def _detect(self, silence_duration_ms: float, now_ms: float) -> None:
        if self._hearing.speaking and not self._in_speech:
            self._in_speech = True
            self._say({"type": "input_audio_buffer.speech_started", "audio_start_ms": now_ms, "item_id": self._item()})
        elif self._in_speech and self._hearing.silence_ms >= silence_duration_ms:
            self._in_speech = self._hearing.speaking = False
            self._say({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": now_ms, "item_id": self._item()})
            self._commit()

    def _item(self, turn: int | None = None) -> str:
        return f"item_{self._turn if turn is None else turn}"

    def _commit(self) -> None:
        self._uncommitted_ms = 0.0
        item_id, text = self._item(), transcript_of(self._script.transcripts, self._turn)
        previous = self._item(self._turn - 1) if self._turn else None
        self._say({"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": previous})
        waits = self._script.transcription_ms
        wait_ms = waits[min(self._turn, len(waits) - 1)]
        kind = "conversation.item.input_audio_transcription."
        half = len(text) // 2
        for delta in (text[:half], text[half:]):
            self._say({"type": kind + "delta", "item_id": item_id, "content_index": 0, "delta": delta}, wait_ms)
        usage = {"type": "duration", "seconds": 1.0}
        done = {"type": kind + "completed", "item_id": item_id, "content_index": 0, "transcript": text, "usage": usage}
        self._say(done, wait_ms)
        self._turn += 1

    def _error(self, kind: str, code: str, message: str) -> None:
        self._say({"type": "error", "error": {"type": kind, "code": code, "message": message}})

    def _say(self, message: dict[str, Any], wait_ms: float = 0.0) -> None:
        send = functools.partial(self._connection.send_json, message)
        self._connection.at(self._loop.time() + (self._script.latency_ms + wait_ms) / 1000, send)
