"""A small HTTP/1.1 server on 127.0.0.1 that does as it is told: answers late, in pieces, or breaks off.

It speaks just enough of the protocol for the clients of vendors' APIs (a body with Content-Length, keep-alive) and
costs little, so that a load test measures the client. It knows no vendor.
"""

from __future__ import annotations

import gzip
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import anyio
from anyio.abc import Listener, SocketAttribute, SocketStream

_READ_BYTES = 65_536
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """As sent, compressed or not."""
    connection: int
    """Which connection brought it, counted from 1."""
    arrived_at: float
    """`anyio.current_time()` when its last byte was here."""
    abandoned: anyio.Event = field(default_factory=anyio.Event)
    """Set when the client closes the connection before the response is complete."""

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.content)


class Response:
    """Writes one response."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._chunked = False

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """The whole response at once."""
        lines = {**headers, "content-length": str(len(body))}
        await self._stream.send(_head(status, lines) + body)

    async def write(self, data: bytes, headers: Mapping[str, str]) -> None:
        """The next part of a body of unknown length; the first one brings `headers` and status 200 with it."""
        part = b"%x\r\n%b\r\n" % (len(data), data)
        if not self._chunked:
            self._chunked = True
            part = _head(200, {**headers, "transfer-encoding": "chunked"}) + part
        await self._stream.send(part)

    async def finish(self) -> None:
        await self._stream.send(b"0\r\n\r\n")

    async def cut(self) -> None:
        """Closes the connection in the middle of it all."""
        await self._stream.aclose()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Connection:
    """The reading half of one connection; what was read too early is kept for the next request."""

    def __init__(self, stream: SocketStream, number: int) -> None:
        self.stream = stream
        self.number = number
        self._pending = bytearray()

    async def read_request(self) -> Request:
        """Raises:
        anyio.EndOfStream: the client has gone.
        """
        head = await self._read_head()
        first, *lines = head.split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        body = await self._read_exactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ", 2)
        url = urlsplit(target)
        return Request(
            method=method,
            path=url.path,
            query=url.query,
            headers=headers,
            body=body,
            connection=self.number,
            arrived_at=anyio.current_time(),
        )

    async def _read_head(self) -> str:
        while (end := self._pending.find(b"\r\n\r\n")) < 0:
            await self.fill()
        head = self._pending[:end].decode("latin-1")
        del self._pending[: end + 4]
        return head

    async def _read_exactly(self, size: int) -> bytes:
        while len(self._pending) < size:
            await self.fill()
        body = bytes(self._pending[:size])
        del self._pending[:size]
        return body

    async def fill(self) -> None:
        self._pending += await self.stream.receive(_READ_BYTES)


class LoopbackServer(ABC):
    """Listens while its `async with` block lasts, on any free port."""

    prefix = ""
    """What a client's base URL ends in."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections_opened = 0
        self.connections_open = 0
        self._port = 0
        self._stack = AsyncExitStack()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.prefix}"

    @abstractmethod
    async def respond(self, request: Request, response: Response) -> None:
        """Answers. It is cancelled when the client goes away meanwhile."""

    async def __aenter__(self) -> Self:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        self._port = listener.extra(SocketAttribute.local_port)
        tasks = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(self._listen, listener)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(exc_type, exc, traceback)

    async def _listen(self, listener: Listener[SocketStream]) -> None:
        async with listener:
            await listener.serve(self._serve)

    async def _serve(self, stream: SocketStream) -> None:
        self.connections_opened += 1
        self.connections_open += 1
        connection = _Connection(stream, self.connections_opened)
        try:
            async with stream:
                while True:
                    await self._exchange(connection)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # gone, or cut off by ourselves
        finally:
            self.connections_open -= 1

    async def _exchange(self, connection: _Connection) -> None:
        request = await connection.read_request()
        self.requests.append(request)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, connection, request, tasks.cancel_scope)
            await self._answer(request, Response(connection.stream))
            tasks.cancel_scope.cancel()

    async def _answer(self, request: Request, response: Response) -> None:
        try:
            await self.respond(request, response)
        except anyio.BrokenResourceError:
            request.abandoned.set()

    async def _watch(self, connection: _Connection, request: Request, scope: anyio.CancelScope) -> None:
        try:
            while True:
                await connection.fill()
        except anyio.ClosedResourceError:
            return  # cut off by ourselves
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            request.abandoned.set()
            scope.cancel()
