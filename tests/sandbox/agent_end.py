"""The agent's side of a media stream: a real websocket server on loopback that keeps what it is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from patter_mcp.carriers.base import MediaAudio, MediaDigit, MediaMark
from patter_mcp.carriers.media_streams import MediaStreamsCodec


class Leg:
    """One stream, read through the codec the product uses."""

    def __init__(self, socket: ServerConnection) -> None:
        self.codec = MediaStreamsCodec()
        self.raw: list[dict[str, Any]] = []
        self.audio = bytearray()
        self.marks: list[str] = []
        self.digits: list[str] = []
        self.close_code: int | None = None
        self.closed = anyio.Event()
        self._socket = socket
        self._changed = anyio.Event()

    @property
    def events(self) -> list[str]:
        return [message["event"] for message in self.raw]

    async def say(self, audio: bytes) -> None:
        await self._socket.send(self.codec.encode_audio(audio))

    async def mark(self, name: str) -> None:
        await self._socket.send(self.codec.encode_mark(name))

    async def clear(self) -> None:
        await self._socket.send(self.codec.encode_clear())

    async def send_raw(self, message: str | bytes) -> None:
        await self._socket.send(message)

    async def close(self) -> None:
        await self._socket.close()

    async def gone(self) -> None:
        with anyio.fail_after(20):
            await self.closed.wait()

    async def until(self, condition: Callable[[Leg], bool]) -> None:
        """Until it holds of this leg; looked at whenever something arrives."""
        with anyio.fail_after(20):
            while not condition(self):
                await self._changed.wait()

    async def read(self) -> None:
        try:
            async for message in self._socket:
                assert isinstance(message, str)
                self._take(message)
                changed, self._changed = self._changed, anyio.Event()
                changed.set()
        except ConnectionClosed:
            pass
        self.close_code = self._socket.close_code
        self.closed.set()
        self._changed.set()

    def _take(self, message: str) -> None:
        self.raw.append(json.loads(message))
        match self.codec.decode(message):
            case MediaAudio(audio=audio):
                self.audio += audio
            case MediaMark(name=name):
                self.marks.append(name)
            case MediaDigit(digit=digit):
                self.digits.append(digit)
            case _:
                pass


class AgentEnd:
    def __init__(self) -> None:
        self.url = ""
        self.legs: dict[str, Leg] = {}
        """By the path they came in on."""
        self._arrived = anyio.Event()

    async def leg(self, path: str = "/media") -> Leg:
        """The leg of that path, once its stream has started."""
        with anyio.fail_after(20):
            while path not in self.legs:
                await self._arrived.wait()
        leg = self.legs[path]
        await leg.until(lambda leg: "start" in leg.events)
        return leg

    async def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        leg = self.legs[socket.request.path] = Leg(socket)
        arrived, self._arrived = self._arrived, anyio.Event()
        arrived.set()
        await leg.read()


@asynccontextmanager
async def agent_end() -> AsyncGenerator[AgentEnd]:
    agent = AgentEnd()
    async with serve(agent.handle, "127.0.0.1", 0, compression=None) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        agent.url = f"ws://{host}:{port}"
        yield agent
