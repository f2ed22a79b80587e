"""Twilio Media Streams, the carrier's side, without I/O: what the simulated network sends, and what it plays.

The other end is `carriers.media_streams`. As at Twilio the network owns the playout: audio may come
faster than it plays, a mark is echoed once what was queued before it has played, and `clear` drops the queue
and echoes all its marks. What it cannot read it discards.
"""

from __future__ import annotations

import binascii
import json
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

from patter_mcp.audio.frame import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, ULAW_SILENCE

MAX_QUEUED_BYTES = 600_000 * BYTES_PER_MS
"""Ten minutes: Twilio's own limit (warning 31931); more is dropped."""

_SILENCE = bytes((ULAW_SILENCE,))


class NetworkWriter:
    """The messages of one stream, numbered as they are written."""

    def __init__(self, stream_id: str, carrier_id: str, account_id: str = "sandbox") -> None:
        self._stream_id = stream_id
        self._carrier_id = carrier_id
        self._account_id = account_id
        self._sequence = 0
        self._chunk = 0

    def connected(self) -> str:
        return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: Mapping[str, str] | None = None) -> str:
        return self._message(
            "start",
            {
                "streamSid": self._stream_id,
                "accountSid": self._account_id,
                "callSid": self._carrier_id,
                "tracks": ["inbound"],
                "customParameters": dict(parameters or {}),
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            },
        )

    def media(self, frame: bytes) -> str:
        payload = binascii.b2a_base64(frame, newline=False).decode()
        timestamp = str(self._chunk * FRAME_MS)
        self._chunk += 1
        return self._message(
            "media", {"track": "inbound", "chunk": str(self._chunk), "timestamp": timestamp, "payload": payload}
        )

    def mark(self, name: str) -> str:
        return self._message("mark", {"name": name})

    def dtmf(self, digit: str) -> str:
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def stop(self) -> str:
        return self._message("stop", {"accountSid": self._account_id, "callSid": self._carrier_id})

    def _message(self, event: str, section: Mapping[str, Any]) -> str:
        self._sequence += 1
        head = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self._stream_id}
        return json.dumps({**head, event: section})


class NetworkPlayout:
    """What the agent has sent and the callee has not yet heard."""

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self._audio = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        """Position at which each is due, and its name."""
        self._received_bytes = 0
        self._played_bytes = 0

    @property
    def queued_ms(self) -> float:
        return len(self._audio) / BYTES_PER_MS

    def receive(self, message: str) -> list[str]:
        """Takes one message of the agent's; the marks to echo at once."""
        section = self._parse(message)
        match section:
            case {"event": "media", "media": {"payload": str(payload)}}:
                self._queue(payload)
            case {"event": "mark", "mark": {"name": str(name)}}:
                if not self._audio:
                    return [name]
                self._marks.append((self._received_bytes, name))
            case {"event": "clear"}:
                return self._clear()
            case _:
                pass
        return []

    def frame(self) -> tuple[bytes, list[str]]:
        """Plays 20 ms: their sound, and the marks reached at their end."""
        frame = bytes(self._audio[:FRAME_BYTES])
        del self._audio[:FRAME_BYTES]
        self._played_bytes += len(frame)
        reached: list[str] = []
        while self._marks and self._marks[0][0] <= self._played_bytes:
            reached.append(self._marks.popleft()[1])
        return frame.ljust(FRAME_BYTES, _SILENCE), reached

    def _parse(self, message: str) -> dict[str, Any]:
        try:
            fields = json.loads(message)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(fields, dict):
            return {}
        ours = cast("dict[str, Any]", fields)
        return ours if ours.get("streamSid") == self._stream_id else {}

    def _queue(self, payload: str) -> None:
        try:
            audio = binascii.a2b_base64(payload, strict_mode=True)
        except ValueError:
            return
        audio = audio[: MAX_QUEUED_BYTES - len(self._audio)]
        self._audio += audio
        self._received_bytes += len(audio)

    def _clear(self) -> list[str]:
        self._received_bytes = self._played_bytes
        self._audio.clear()
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names
