"""A loopback server for websockets and plain HTTP on one port, light enough to stand in for a vendor under load.

Endpoints see connections and exchanges, never sockets. Faults are injected from outside: `refuse`, and per
connection `close`, `cut`, `stall`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit

import anyio
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

_wire_logger = logging.getLogger(f"{__name__}.wire")
_wire_logger.setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, or the upgrade a connection began with. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def parameter(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]


class Endpoint(Protocol):
    """One vendor's side of a websocket."""

    def text(self, message: str) -> None: ...
    def audio(self, data: bytes) -> None: ...


@dataclass(slots=True)
class Refusal:
    status: int
    body: str
    headers: Mapping[str, str]
    path: str


@dataclass(slots=True)
class Faults:
    """What goes wrong from now on."""

    setup_ms: float = 0.0
    """How long a connection or a request waits for its answer."""
    refusals: deque[Refusal] = field(default_factory=deque[Refusal])
    """The next connections or requests are answered with these."""

    def refuse(
        self, status: int, body: str = "", *, times: int = 1, headers: Mapping[str, str] | None = None, path: str = ""
    ) -> None:
        """`path`: only those with this in their path."""
        self.refusals.extend(Refusal(status, body, headers or {}, path) for _ in range(times))

    def refusal(self, path: str) -> Refusal | None:
        """The next one for that path, which is used up."""
        found = next((refusal for refusal in self.refusals if refusal.path in path), None)
        if found is not None:
            self.refusals.remove(found)
        return found


class FakeConnection:
    """A websocket as its endpoint and the test see it."""

    def __init__(self, asked: Asked, wire: _Wire) -> None:
        self.asked = asked
        self.received: list[str] = []
        """Text messages, in order."""
        self.audio_bytes = 0
        self.open = True
        self.stalled = False
        self._wire = wire

    def messages(self) -> list[Any]:
        """The text messages as JSON."""
        return [json.loads(message) for message in self.received]

    def send(self, message: str | bytes) -> None:
        if self.open and not self.stalled:
            self._wire.send(message)

    def send_json(self, message: Mapping[str, Any]) -> None:
        self.send(json.dumps(message))

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self.open:
            self.open = False
            self._wire.close(code, reason)

    def cut(self) -> None:
        """The network breaks: no close frame."""
        self.open = False
        self._wire.cut()

    def stall(self) -> None:
        """Reads and answers no more, pings included; the connection stays."""
        self.stalled = True
        self._wire.stall(True)

    def resume(self) -> None:
        """Reads again."""
        self.stalled = False
        self._wire.stall(False)

    def at(self, instant: float, callback: Callable[[], None]) -> None:
        """Calls back at that instant of the loop's clock, if the connection is still there."""
        asyncio.get_running_loop().call_at(instant, self._if_open, callback)

    def _if_open(self, callback: Callable[[], None]) -> None:
        if self.open:
            callback()


class Exchange:
    """An HTTP request and its streamed answer."""

    def __init__(self, asked: Asked, wire: _Wire) -> None:
        self.asked = asked
        self.open = True
        self._wire = wire

    def json(self) -> Any:
        return json.loads(self.asked.body or b"{}")

    def start(self, content_type: str) -> None:
        self._wire.write_head(200, {"content-type": content_type, "transfer-encoding": "chunked"})

    def send(self, data: bytes) -> None:
        if self.open and data:
            self._wire.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        if self.open:
            self.open = False
            self._wire.write(b"0\r\n\r\n")
            self._wire.next_request()

    def cut(self) -> None:
        self.open = False
        self._wire.cut()

    def answer(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> None:
        if self.open:
            self.open = False
            self._wire.answer(status, body, headers or {})

    def at(self, instant: float, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_at(instant, self._if_open, callback)

    def _if_open(self, callback: Callable[[], None]) -> None:
        if self.open:
            callback()


WebsocketRoute = Callable[[FakeConnection], Endpoint]
HttpRoute = Callable[[Exchange], None]


class FakeServer:
    """Routes by path prefix; keeps every connection and exchange it ever had."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.connections: list[FakeConnection] = []
        self.exchanges: list[Exchange] = []
        self.attempts = 0
        """Upgrades and requests, refused ones included."""
        self.sockets_ever = 0
        self.port = 0
        self._websocket_routes: dict[str, WebsocketRoute] = {}
        self._http_routes: dict[str, HttpRoute] = {}
        self._wires: set[_Wire] = set()
        self._changed = anyio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> list[FakeConnection]:
        return [connection for connection in self.connections if connection.open]

    @property
    def open_sockets(self) -> int:
        return len(self._wires)

    def websocket(self, path_prefix: str, route: WebsocketRoute) -> None:
        self._websocket_routes[path_prefix] = route

    def http(self, path_prefix: str, route: HttpRoute) -> None:
        self._http_routes[path_prefix] = route

    def cut_all(self) -> None:
        """Breaks every connection, busy or idle."""
        for wire in list(self._wires):
            wire.cut()

    def forget(self) -> None:
        """Keeps nothing of what is over."""
        self.connections = self.open_connections
        self.exchanges = [exchange for exchange in self.exchanges if exchange.open]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once it is true; looked at whenever something arrives, opens or closes."""
        while not condition():
            await self._changed.wait()

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[FakeServer]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Wire(self), "127.0.0.1", 0)
        self.port = cast("int", server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            self.cut_all()
            with anyio.CancelScope(shield=True):
                await self.until(lambda: not self._wires)

    # -- for the wires ----------------------------------------------------------------------------

    def websocket_route(self, path: str) -> WebsocketRoute | None:
        return _longest(self._websocket_routes, path)

    def http_route(self, path: str) -> HttpRoute | None:
        return _longest(self._http_routes, path)

    def joined(self, wire: _Wire) -> None:
        self.sockets_ever += 1
        self._wires.add(wire)
        self.changed()

    def left(self, wire: _Wire) -> None:
        self._wires.discard(wire)
        self.changed()

    def changed(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _longest(routes: Mapping[str, Any], path: str) -> Any:
    matching = [prefix for prefix in routes if path.startswith(prefix)]
    return routes[max(matching, key=len)] if matching else None


class _Wire(asyncio.Protocol):
    """One TCP connection: HTTP requests one after the other, or a websocket."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._input = bytearray()
        self._busy = False
        """A request is being answered; the next one waits."""
        self._protocol: ServerProtocol | None = None
        self._connection: FakeConnection | None = None
        self._endpoint: Endpoint | None = None
        self._exchange: Exchange | None = None

    # -- transport --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.joined(self)

    def data_received(self, data: bytes) -> None:
        if self._protocol is not None:
            self._feed(self._protocol, data)
        else:
            self._input += data
            self._read_request()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._connection.open = False
        if self._exchange is not None:
            self._exchange.open = False
        self._server.left(self)

    # -- HTTP -------------------------------------------------------------------------------------

    def _read_request(self) -> None:
        head, separator, _ = self._input.partition(b"\r\n\r\n")
        if self._busy or not separator:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        end = len(head) + 4 + int(headers.get("content-length", "0"))
        if len(self._input) < end:
            return
        method, target, _ = lines[0].split(" ", 2)
        url = urlsplit(target)
        asked = Asked(method, url.path, parse_qs(url.query), headers, bytes(self._input[len(head) + 4 : end]))
        raw, self._input = bytes(self._input[:end]), self._input[end:]
        self._busy = True
        self._server.attempts += 1
        self._server.changed()
        loop = asyncio.get_running_loop()
        loop.call_at(loop.time() + self._server.faults.setup_ms / 1000, self._serve, asked, raw)

    def _serve(self, asked: Asked, raw: bytes) -> None:
        if self._transport.is_closing():
            return
        refusal = self._server.faults.refusal(asked.path)
        if refusal is not None:
            self.answer(refusal.status, refusal.body, refusal.headers)
        elif asked.headers.get("upgrade", "").lower() == "websocket":
            self._upgrade(asked, raw)
        else:
            self._exchange_starts(asked)
        self._server.changed()

    def _exchange_starts(self, asked: Asked) -> None:
        route = self._server.http_route(asked.path)
        if route is None or asked.method == "HEAD":
            # Vendors know their POST endpoints by no other method.
            self.answer(404 if route is None else 405, "", {})
            return
        self._exchange = Exchange(asked, self)
        self._server.exchanges.append(self._exchange)
        route(self._exchange)

    def answer(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        data = body.encode()
        self.write_head(status, {"content-length": str(len(data)), **headers})
        self.write(data)
        self.next_request()

    def write_head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {headers[name]}" for name in headers)]
        self.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def next_request(self) -> None:
        self._busy = False
        self._server.changed()
        self._read_request()

    # -- websocket --------------------------------------------------------------------------------

    def _upgrade(self, asked: Asked, raw: bytes) -> None:
        route = self._server.websocket_route(asked.path)
        if route is None:
            self.answer(404, "", {})
            return
        self._protocol = ServerProtocol(logger=_wire_logger, max_size=None)
        self._connection = FakeConnection(asked, self)
        self._server.connections.append(self._connection)
        self._feed(self._protocol, raw)
        self._endpoint = route(self._connection)
        if self._input:
            self._feed(self._protocol, bytes(self._input))

    def _feed(self, protocol: ServerProtocol, data: bytes) -> None:
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
            elif isinstance(event, Frame):
                self._take(event)
        if protocol.close_expected() and self._connection is not None:
            self._connection.open = False
        self._flush(protocol)

    def _take(self, frame: Frame) -> None:
        connection, endpoint = self._connection, self._endpoint
        if connection is None or endpoint is None or not connection.open:
            return
        if frame.opcode is Opcode.TEXT:
            message = bytes(frame.data).decode()
            connection.received.append(message)
            endpoint.text(message)
            self._server.changed()
        elif frame.opcode is Opcode.BINARY:
            connection.audio_bytes += len(frame.data)
            endpoint.audio(bytes(frame.data))

    def send(self, message: str | bytes) -> None:
        protocol = self._protocol
        if protocol is None or protocol.state is not State.OPEN:
            return
        if isinstance(message, str):
            protocol.send_text(message.encode())
        else:
            protocol.send_binary(message)
        self._flush(protocol)

    def close(self, code: int, reason: str) -> None:
        if self._protocol is not None and self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush(self._protocol)

    def cut(self) -> None:
        self._transport.abort()

    def stall(self, stalled: bool) -> None:
        if stalled:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _flush(self, protocol: ServerProtocol) -> None:
        for data in protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
