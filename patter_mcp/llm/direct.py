"""HTTP/1.1 straight to a vendor's server, for requests somebody waits for on the phone.

httpx's own transport takes half a millisecond to get a request onto the wire: a pool to be searched, locks, and two
writes, before each of which the event loop does whatever else there is to do. Here head and body are written in one
piece before anything is awaited. What comes back is understood by h11, as there.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from typing import cast

import anyio
import h11
import httpx2

from patter_mcp.addresses import connected_socket
from patter_mcp.mailbox import Mailbox

_PORTS = {"http": 80, "https": 443}
_Origin = tuple[str, bytes, int | None]


class DirectTransport(httpx2.AsyncBaseTransport):
    """For an httpx client, in one event loop. Bodies are sent whole; of the timeouts, the one to connect is heeded.

    Args:
        certificates: What servers are checked by.
        keep_sec: How long an idle connection is kept.
        keep_count: How many of them.
    """

    def __init__(self, certificates: ssl.SSLContext, *, keep_sec: float, keep_count: int) -> None:
        self._certificates = certificates
        self._keep_sec = keep_sec
        self._keep_count = keep_count
        self._idle: defaultdict[_Origin, deque[_Connection]] = defaultdict(deque)
        """The one used last is at the end, and is used next."""
        self._open: set[_Connection] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        origin = request.url.scheme, request.url.raw_host, request.url.port
        connection = self._kept(origin) or await self._connect(request)
        try:
            connection.send(request, body)
            head = await connection.head()
        except BaseException:
            connection.abort()
            raise
        return httpx2.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(connection, lambda: self._keep(origin, connection)),
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )

    async def aclose(self) -> None:
        self._closed = True
        self._idle.clear()
        while self._open:
            # One by one, because one that was only being made may have joined them meanwhile.
            connection = next(iter(self._open))
            connection.abort()
            await connection.gone.wait()

    def _kept(self, origin: _Origin) -> _Connection | None:
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if connection.wake(self._keep_sec):
                return connection
        return None

    def _keep(self, origin: _Origin, connection: _Connection) -> None:
        if not connection.rest():
            return
        idle = self._idle[origin]
        idle.append(connection)
        if len(idle) > (0 if self._closed else self._keep_count):
            idle.popleft().abort()

    async def _connect(self, request: httpx2.Request) -> _Connection:
        url = request.url
        host = url.raw_host.decode()
        tls, proven = (self._certificates, host) if url.scheme == "https" else (None, None)
        try:
            with anyio.fail_after(request.extensions.get("timeout", {}).get("connect")):
                connected = await connected_socket(host, url.port or _PORTS[url.scheme])
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: _Connection(self._open), sock=connected, ssl=tls, server_hostname=proven
                )
                connection.join()
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("no connection in time", request=request) from error
        except OSError as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        return connection


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, open_connections: set[_Connection]) -> None:
        self._open_connections = open_connections
        self._framing = h11.Connection(h11.CLIENT)
        self._arrived = Mailbox[bytes]()
        self._idle_since: float | None = None
        self.gone = anyio.Event()

    def join(self) -> None:
        """It has come about. (uvloop does not tell of the loss of one that was called off before.)"""
        if not self.gone.is_set():
            self._open_connections.add(self)

    def send(self, request: httpx2.Request, body: bytes) -> None:
        """Raises:
        httpx2.LocalProtocolError: a header with a line break, which would be another header.
        """
        method, target = request.method.encode(), request.url.raw_path
        lines = [
            b"%b %b HTTP/1.1" % (method, target),
            *(b"%b: %b" % header for header in request.headers.raw),
            b"",
            b"",
        ]
        head = b"\r\n".join(lines)
        if head.count(b"\n") + head.count(b"\r") != 2 * len(lines) - 2:
            raise httpx2.LocalProtocolError("a header with a line break")
        self._transport.write(head + body)

    async def head(self) -> h11.Response:
        while not isinstance(event := await self.event(), h11.Response):
            continue  # 100 to 199: the answer is still to come
        return event

    async def event(self) -> h11.Event | type[h11.PAUSED]:
        """Raises:
        httpx2.ReadError: the connection broke.
        httpx2.RemoteProtocolError: it ended too early, or what came is not HTTP.
        """
        try:
            while (event := self._framing.next_event()) is h11.NEED_DATA:
                self._framing.receive_data(await anext(self._arrived, b""))
        except h11.RemoteProtocolError as error:
            raise httpx2.RemoteProtocolError(str(error)) from error
        return cast("h11.Event | type[h11.PAUSED]", event)

    def rest(self) -> bool:
        """Until it is woken for the next request; False: there cannot be another."""
        framing, arrived = self._framing, self._arrived
        complete = framing.our_state is framing.their_state is h11.DONE
        if not complete or framing.trailing_data[0] or not arrived.empty or arrived.ended:
            self.abort()
            return False
        framing.start_next_cycle()
        self._expect_answer()
        self._idle_since = time.monotonic()
        return True

    def wake(self, keep_sec: float) -> bool:
        """False: it is gone, or has rested for so long that others may have forgotten it."""
        assert self._idle_since is not None
        if self._arrived.ended or time.monotonic() - self._idle_since > keep_sec:
            self.abort()
            return False
        self._idle_since = None
        return True

    def abort(self) -> None:
        self._arrived.end()
        self._transport.abort()

    def _expect_answer(self) -> None:
        """How an answer is framed does not depend on what was asked, as long as that was no HEAD."""
        self._framing.send(h11.Request(method="POST", target="/", headers=[("host", "any")]))
        self._framing.send(h11.EndOfMessage())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._expect_answer()

    def data_received(self, data: bytes) -> None:
        if self._idle_since is None:
            self._arrived.put(data)
        else:
            self.abort()  # nobody has asked

    def eof_received(self) -> None:
        self._arrived.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived.end(exc and httpx2.ReadError(str(exc)))
        self._open_connections.discard(self)
        self.gone.set()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, connection: _Connection, release: Callable[[], None]) -> None:
        self._connection = connection
        self._release: Callable[[], None] | None = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._connection.event(), h11.Data):
            yield bytes(event.data)

    async def aclose(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()
