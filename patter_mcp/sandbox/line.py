"""An answered call: the callee, the network's playout and the websocket to the agent, in step with the clock."""

from __future__ import annotations

from typing import Literal

import anyio

from patter_mcp.audio.frame import FRAME_MS
from patter_mcp.sandbox.callee import Callee, Ending
from patter_mcp.sandbox.wire import NetworkPlayout, NetworkWriter
from patter_mcp.websocket import Closed, HandshakeRefused, WebSocket, connect

CONNECT_TIMEOUT_SEC = 5.0
MAX_LATE_SEC = 1.0
"""A machine that slept for longer goes on from where it is, rather than playing what it missed in a burst."""

LineEnd = Ending | Literal["closed", "unreachable"]
"""By the callee; or the agent has closed the stream, or it could not be opened."""


class Line:
    """One media stream. `speed` is how many seconds of the call pass in one of ours."""

    def __init__(self, carrier_id: str, callee: Callee, *, speed: float = 1.0) -> None:
        stream_id = f"MZ-{carrier_id}"
        self._callee = callee
        self._frame_sec = FRAME_MS / 1000 / speed
        self._writer = NetworkWriter(stream_id, carrier_id)
        self._playout = NetworkPlayout(stream_id)
        self._socket: WebSocket | None = None
        self._closed = anyio.Event()

    async def run(self, url: str) -> LineEnd:
        """From connecting to the end. Cancelled, the network ends the call in good order, with `stop`."""
        try:
            self._socket = await connect(url, self, timeout_sec=CONNECT_TIMEOUT_SEC)
        except (OSError, TimeoutError, HandshakeRefused):
            return "unreachable"
        try:
            return await self._carry(self._socket)
        finally:
            await self._end(self._socket)

    def received(self, message: str | bytes) -> None:
        """A message of the agent's; binary ones mean nothing (Twilio's warning 31950)."""
        if self._socket is not None and isinstance(message, str):
            self._echo(self._socket, self._playout.receive(message))

    def closed(self, close: Closed) -> None:
        self._closed.set()

    async def _carry(self, socket: WebSocket) -> LineEnd:
        socket.send(self._writer.connected())
        socket.send(self._writer.start())
        due = anyio.current_time()
        while not self._closed.is_set():
            self._tick(socket)
            if self._callee.ended is not None:
                return self._callee.ended
            due = max(due + self._frame_sec, anyio.current_time() - MAX_LATE_SEC)
            await anyio.sleep_until(due)
        return "closed"

    def _tick(self, socket: WebSocket) -> None:
        heard, marks = self._playout.frame()
        socket.send(self._writer.media(self._callee.tick(heard)), droppable=True)
        self._echo(socket, marks)
        while self._callee.pressed:
            socket.send(self._writer.dtmf(self._callee.pressed.popleft()))

    def _echo(self, socket: WebSocket, marks: list[str]) -> None:
        for name in marks:
            socket.send(self._writer.mark(name))

    async def _end(self, socket: WebSocket) -> None:
        if self._callee.ended == "dropped":
            socket.abort()
            return
        socket.send(self._writer.stop())
        await socket.aclose()
