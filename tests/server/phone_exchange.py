"""The telephone network of these tests: it rings, answers, opens the media websocket and sees when that ends.

It lives in the test's process and is reached over TCP, one connection per call, so the server under test may
be another process and may be killed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

MAX_LINE_BYTES = 10_000


class Callee(Enum):
    ANSWERS = "answers"
    IS_BUSY = "is busy"
    NEVER_ANSWERS = "never answers"
    LETS_IT_RING = "lets it ring"
    """Until `PhoneLine.callee_answers`, or for ever."""
    CANNOT_BE_HUNG_UP_ON = "cannot be hung up on"
    """Answers; then the network takes no notice of the agent hanging up."""


class PhoneLine:
    """One call, as the network sees it."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.to_number: str = order["to_number"]
        self.call_id: str = order["call_id"]
        self.stream_url: str = order["stream_url"]
        self.ringing = anyio.Event()
        self.talking = anyio.Event()
        self.hung_up_by_agent = anyio.Event()
        self.down = anyio.Event()
        """The media websocket, if there was one, has ended."""
        self.picked_up = anyio.Event()
        self._callee_leaves = anyio.Event()

    def callee_answers(self) -> None:
        self.picked_up.set()

    def callee_hangs_up(self) -> None:
        self._callee_leaves.set()

    async def talk(self, websocket: ClientConnection) -> None:
        """Holds the websocket until one side ends the call."""
        start = {"streamSid": "MZ1", "callSid": f"CA-{self.call_id}", "customParameters": {}}
        await websocket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await websocket.send(json.dumps({"event": "start", "streamSid": "MZ1", "start": start}))
        self.talking.set()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._leave, websocket)
            try:
                while True:
                    await websocket.recv()
            except ConnectionClosed:
                tasks.cancel_scope.cancel()

    async def _leave(self, websocket: ClientConnection) -> None:
        await self._callee_leaves.wait()
        await websocket.send(json.dumps({"event": "stop", "streamSid": "MZ1", "stop": {}}))
        await websocket.close()


class PhoneExchange:
    """`callees` says who does not simply answer."""

    def __init__(self) -> None:
        self.port = 0
        self.callees: dict[str, Callee] = {}
        self.lines: list[PhoneLine] = []
        self._dialed = anyio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncGenerator[PhoneExchange]:
        exchange = cls()
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        exchange.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, exchange._carry)
            yield exchange
            tasks.cancel_scope.cancel()

    async def line(self, number: int = 0) -> PhoneLine:
        """The nth call dialed, as soon as it is."""
        while len(self.lines) <= number:
            await self._dialed.wait()
        return self.lines[number]

    def _callee(self, line: PhoneLine) -> Callee:
        return self.callees.get(line.to_number, Callee.ANSWERS)

    async def _carry(self, stream: SocketStream) -> None:
        reader = BufferedByteReceiveStream(stream)
        async with stream:
            line = PhoneLine(json.loads(await reader.receive_until(b"\n", MAX_LINE_BYTES)))
            self.lines.append(line)
            dialed, self._dialed = self._dialed, anyio.Event()
            dialed.set()
            async with anyio.create_task_group() as tasks:
                if self._callee(line) is not Callee.CANNOT_BE_HUNG_UP_ON:
                    tasks.start_soon(_watch_agent, reader, line, tasks.cancel_scope)
                await self._connect(stream, line)
                tasks.cancel_scope.cancel()
            line.down.set()

    async def _connect(self, stream: SocketStream, line: PhoneLine) -> None:
        await _report(stream, "ringing")
        line.ringing.set()
        match self._callee(line):
            case Callee.IS_BUSY:
                await _report(stream, "ended", "busy")
            case Callee.NEVER_ANSWERS:
                await _report(stream, "ended", "no-answer")
            case Callee.LETS_IT_RING:
                await line.picked_up.wait()
                await _answer(stream, line)
            case _:
                await _answer(stream, line)


async def _answer(stream: SocketStream, line: PhoneLine) -> None:
    await _report(stream, "in-progress")
    async with connect(line.stream_url, compression=None, proxy=None) as websocket:
        await line.talk(websocket)
    await _report(stream, "ended", "user-hung-up")


async def _report(stream: SocketStream, state: str, reason: str | None = None) -> None:
    try:
        await stream.send(json.dumps({"state": state, "reason": reason}).encode() + b"\n")
    except anyio.BrokenResourceError:
        return


async def _watch_agent(reader: BufferedByteReceiveStream, line: PhoneLine, call: anyio.CancelScope) -> None:
    """A carrier that goes away without a word leaves the call standing: only its websocket tells."""
    try:
        await reader.receive_until(b"hang up\n", MAX_LINE_BYTES)
    except (anyio.IncompleteRead, anyio.BrokenResourceError):
        return
    line.hung_up_by_agent.set()
    call.cancel()
