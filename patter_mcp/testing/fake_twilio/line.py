"""The carrier's end of one Media Stream: connects, plays and speaks in real time, keeps what it was told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import anyio

from patter_mcp.audio.frame import FRAME_BYTES, FRAME_MS, ULAW_SILENCE
from patter_mcp.sandbox.wire import NetworkPlayout, NetworkWriter
from patter_mcp.websocket import Closed, HandshakeRefused, WebSocket, connect

FRAME_SEC = FRAME_MS / 1000
SILENT_FRAME = bytes((ULAW_SILENCE,)) * FRAME_BYTES

Callee = Callable[[bytes], bytes | None]
"""Given the 20 ms it hears, the 20 ms it says (μ-law, 160 bytes); None: it hangs up."""

LineEnd = Literal["hung up", "closed", "refused"]
"""By the callee or the carrier; the agent closed the stream; it was never opened."""


def says(audio: bytes) -> Callee:
    """A callee that says this and then stays on the line in silence."""
    frames = iter(range(0, len(audio), FRAME_BYTES))

    def speak(_: bytes) -> bytes:
        start = next(frames, len(audio))
        return audio[start : start + FRAME_BYTES].ljust(FRAME_BYTES, SILENT_FRAME[:1])

    return speak


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the agent's."""

    at: float
    """Monotonic seconds."""
    event: str
    """`media`, `mark`, `clear`."""
    audio_ms: float
    """Of `media`."""
    queued_ms: float
    """What lay in the carrier's queue before it."""


class MediaLine:
    """`run` in a task; the rest from the same loop."""

    def __init__(self, *, call_sid: str, account_sid: str, callee: Callee) -> None:
        self.stream_id = "MZ" + call_sid.removeprefix("CA")
        self._callee = callee
        self._writer = NetworkWriter(self.stream_id, call_sid, account_sid)
        self._playout = NetworkPlayout(self.stream_id)
        self._socket: WebSocket | None = None
        self._end: LineEnd | None = None
        self.open = anyio.Event()
        self.received: list[Received] = []
        self.heard = bytearray()
        """All the callee has heard, silence too: 160 bytes for each 20 ms."""

    @property
    def queued_ms(self) -> float:
        return self._playout.queued_ms

    async def run(self, url: str, headers: Mapping[str, str]) -> LineEnd:
        """From the upgrade to the end of the stream. Cancelled, it ends in good order, with `stop`."""
        try:
            self._socket = await connect(url, _Ear(self), headers=headers)
        except (OSError, TimeoutError, HandshakeRefused):
            return "refused"
        try:
            return await self._carry(self._socket)
        finally:
            self._socket.send(self._writer.stop())
            await self._socket.aclose()

    def hang_up(self) -> None:
        self._end = self._end or "hung up"

    def press(self, digit: str) -> None:
        """The callee presses a key."""
        self.send(self._writer.dtmf(digit))

    def cut(self) -> None:
        """The network breaks: no `stop`, no close frame."""
        assert self._socket is not None
        self._socket.abort()
        self.hang_up()

    def send(self, message: str | bytes) -> None:
        """A message as it stands, whatever it is."""
        assert self._socket is not None
        self._socket.send(message)

    def take(self, message: str) -> None:
        """The agent has sent a message."""
        event, queued_ms = str(json.loads(message)["event"]), self.queued_ms
        marks = self._playout.receive(message)
        audio_ms = max(0.0, self.queued_ms - queued_ms)
        self.received.append(Received(time.monotonic(), event, audio_ms, queued_ms))
        self._echo(marks)

    def closed(self) -> None:
        """The agent has closed the stream, or is gone."""
        self._end = self._end or "closed"

    async def _carry(self, socket: WebSocket) -> LineEnd:
        socket.send(self._writer.connected())
        socket.send(self._writer.start())
        self.open.set()
        due = anyio.current_time()
        while self._end is None:
            self._tick(socket)
            due += FRAME_SEC
            await anyio.sleep_until(due)
        return self._end

    def _tick(self, socket: WebSocket) -> None:
        heard, marks = self._playout.frame()
        self.heard += heard
        said = self._callee(heard)
        if said is None:
            self.hang_up()
            return
        socket.send(self._writer.media(said), droppable=True)
        self._echo(marks)

    def _echo(self, marks: Sequence[str]) -> None:
        for name in marks:
            self.send(self._writer.mark(name))


class _Ear:
    """The websocket's listener."""

    def __init__(self, line: MediaLine) -> None:
        self._line = line

    def received(self, message: str | bytes) -> None:
        # Binary messages mean nothing: Twilio's warning 31950.
        if isinstance(message, str):
            self._line.take(message)

    def closed(self, close: Closed) -> None:
        self._line.closed()
