"""A websocket client that writes when told and calls back when spoken to.

Audio reaches a speech vendor 50 times a second per call, out of a synchronous callback. So there is no queue
and no task between: `send` puts the frame on the wire before it returns, and what arrives is handed to a
listener from the transport's own callback. Measured on one core with 100 connections at 50 frames of 160 bytes
a second, a frame costs 10 µs here; through websockets' asyncio client and a task with a queue 18 to 32 µs.

The framing is websockets' protocol object without I/O. Knows no vendor and no audio.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import anyio
import certifi
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CLIENT, State
from websockets.server import ServerProtocol
from websockets.uri import WebSocketURI, parse_uri

from patter_mcp.addresses import connected_socket
from patter_mcp.frames import FrameSplitter, frame, masks

CONNECT_TIMEOUT_SEC = 5.0
HEARTBEAT_SEC = 5.0
"""A peer that was silent for a whole interval after a ping counts as gone: found out in one to two intervals."""
CLOSE_TIMEOUT_SEC = 0.5
"""How long a peer may take to answer our close; then the connection is cut."""
MAX_MESSAGE_BYTES = 4 * 2**20
HIGH_WATER_BYTES = 16 * 2**10
"""Unsent bytes at which the transport says stop: two seconds of μ-law."""
MAX_BACKLOG_BYTES = 64 * 2**10
"""What we keep beyond that before the oldest audio is dropped."""

NORMAL_CLOSURE = 1000
ABNORMAL_CLOSURE = 1006
"""No close frame was received (RFC 6455, 7.4.1)."""

_HEAD_END = b"\r\n\r\n"

# A logger of its own, never at DEBUG: the library would write headers (keys) and payloads (speech) into it.
wire_logger = logging.getLogger(f"{__name__}.wire")
wire_logger.setLevel(logging.ERROR)


class HandshakeRefused(Exception):
    """The server answered the upgrade with an HTTP status other than 101."""

    def __init__(self, status: int, headers: Mapping[str, str], body: str) -> None:
        super().__init__(f"the server answered {status}")
        self.status = status
        self.headers = headers
        self.body = body


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended. `code` is the peer's, or 1006 when there was none."""

    code: int
    reason: str = ""


class Listener(Protocol):
    """Called in the event loop; must not block."""

    def received(self, message: str | bytes) -> None: ...

    def closed(self, close: Closed) -> None:
        """The connection ended otherwise than by our own hand. Called once, and last."""
        ...


@functools.cache
def tls_context() -> ssl.SSLContext:
    """The machine's trusted certificates, loaded once (tens of milliseconds); certifi's where it has none."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        context.load_verify_locations(certifi.where())
    return context


async def connect(
    url: str,
    listener: Listener,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_sec: float = CONNECT_TIMEOUT_SEC,
    heartbeat_sec: float = HEARTBEAT_SEC,
    tls: ssl.SSLContext | None = None,
) -> WebSocket:
    """Opens a connection, straight to the host: proxy settings of the environment are not looked at.

    Args:
        url: ws:// or wss://.
        headers: Sent with the upgrade.
        timeout_sec: For all of it: name, TCP, TLS, upgrade.
        tls: For wss:// only; default `tls_context()`.

    Raises:
        HandshakeRefused: an HTTP status instead of the upgrade.
        TimeoutError: not open in time.
        OSError: no connection, no valid certificate, or not a websocket server.
    """
    uri = parse_uri(url)
    loop = asyncio.get_running_loop()
    with anyio.fail_after(timeout_sec):
        _, socket = await loop.create_connection(
            lambda: _ClientSocket(uri, headers or {}, listener, heartbeat_sec),
            sock=await connected_socket(uri.host, uri.port),
            ssl=(tls or tls_context()) if uri.secure else None,
            server_hostname=uri.host if uri.secure else None,
            ssl_shutdown_timeout=CLOSE_TIMEOUT_SEC if uri.secure else None,
        )
        try:
            await socket.wait_open()
        except BaseException:
            socket.abort()
            raise
    return socket


class WebSocket(asyncio.Protocol, ABC):
    """A connection, whichever end began it. Opened by `connect`; for the other end see `media.socket`."""

    def __init__(
        self, protocol: ClientProtocol | ServerProtocol, listener: Listener | None, heartbeat_sec: float
    ) -> None:
        self._protocol = protocol
        self._masks = masks() if protocol.side is CLIENT else None
        self._splitter: FrameSplitter | None = None
        """None before the connection is open."""
        self._head_tail = b""
        """The last bytes of a handshake that has not all come."""
        self._listener = listener
        self._heartbeat_sec = heartbeat_sec
        self._heartbeat: asyncio.TimerHandle | None = None
        self._heard = False
        self._transport: asyncio.Transport
        self._gone = anyio.Event()
        """The transport is closed."""
        self._open = False
        self._fragments: list[bytes] = []
        self._fragments_are_text = False
        self._paused = False
        self._backlog: deque[tuple[str | bytes, bool]] = deque()
        self._backlog_bytes = 0
        self.dropped_bytes = 0
        """Of droppable messages that never left, because the peer did not read."""

    # -- what the owner calls ---------------------------------------------------------------------

    def send(self, message: str | bytes, *, droppable: bool = False) -> None:
        """Sends a text or binary message; never waits. Does nothing once the connection has ended.

        While the peer does not read, messages are kept in order; of the droppable ones the oldest goes
        when more than `MAX_BACKLOG_BYTES` are waiting.
        """
        if not self._open:
            return
        if self._paused:
            self._keep(message, droppable)
        else:
            self._write(message)

    async def aclose(self, code: int = NORMAL_CLOSURE) -> None:
        """Says goodbye and waits, shortly, for the answer. The listener hears no more."""
        if self._open:
            self._open = False
            self._stop_heartbeat()
            self._protocol.send_close(code)
            self._flush()
        with anyio.move_on_after(CLOSE_TIMEOUT_SEC, shield=True):
            await self._gone.wait()
        self.abort()
        with anyio.CancelScope(shield=True):
            await self._gone.wait()

    def abort(self) -> None:
        """Cuts the connection. The listener hears no more."""
        self._open = False
        self._stop_heartbeat()
        self._transport.abort()

    # -- what the transport calls -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        if self._splitter is not None:
            self._splitter.feed(data)
            return
        # A peer's first message may come in one piece with the end of its handshake.
        head_bytes = self._end_of_head(data)
        self._take_bytes(data[:head_bytes])
        rest = data[head_bytes:]
        if rest and self._splitter is not None:
            self._splitter.feed(rest)
        elif rest:
            self._take_bytes(rest)

    def eof_received(self) -> None:
        self._protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.receive_eof()
        if self._open:
            self._ended()
        self._gone.set()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        while self._backlog and not self._paused and self._open:
            message, _ = self._backlog.popleft()
            self._backlog_bytes -= len(message)
            self._write(message)

    # -- inside -----------------------------------------------------------------------------------

    def _end_of_head(self, data: bytes) -> int:
        """How much of it belongs to the handshake: up to the first empty line, or all of it."""
        seen = self._head_tail + data
        end = seen.find(_HEAD_END)
        self._head_tail = seen[1 - len(_HEAD_END) :]
        return len(data) if end < 0 else end + len(_HEAD_END) - (len(seen) - len(data))

    def _take_bytes(self, data: bytes) -> None:
        """What the protocol object is for."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
            else:
                self._shake_hands(event)
        self._flush()
        if self._open and self._protocol.close_expected():
            self._ended()

    @abstractmethod
    def _shake_hands(self, event: Request | Response) -> None:
        """The other end's part of the handshake has come."""

    def _opened(self) -> None:
        self._open = True
        self._splitter = FrameSplitter(masked=self._masks is None, plain=self._deliver, other=self._take_bytes)
        self._beat()

    def _take(self, frame: Frame) -> None:
        """Hands a whole message to the listener, unless we are done with it."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY) and frame.fin:
            self._deliver(bytes(frame.data), frame.opcode is Opcode.TEXT)
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._fragments = [bytes(frame.data)]
            self._fragments_are_text = frame.opcode is Opcode.TEXT
        elif frame.opcode is Opcode.CONT:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                self._deliver(b"".join(self._fragments), self._fragments_are_text)
                self._fragments = []

    def _deliver(self, data: bytes, is_text: bool) -> None:
        if not self._open or self._listener is None:
            return
        self._listener.received(data.decode(errors="replace") if is_text else data)

    def _ended(self) -> None:
        """The peer closed, broke the protocol or fell silent: told at once, whatever TCP still does."""
        self._open = False
        self._stop_heartbeat()
        self._transport.close()
        close = self._protocol.close_rcvd
        ending = Closed(ABNORMAL_CLOSURE, str(self._protocol.parser_exc or ""))
        if close is not None:
            ending = Closed(int(close.code), close.reason)
        if self._listener is not None:
            self._listener.closed(ending)

    def _beat(self) -> None:
        if self._heartbeat is not None and not self._heard:
            self._protocol.parser_exc = TimeoutError("no sign of life")
            self._ended()
            self._transport.abort()
            return
        self._heard = False
        self._heartbeat = asyncio.get_running_loop().call_later(self._heartbeat_sec, self._beat)
        self._protocol.send_ping(b"")
        self._flush()

    def _stop_heartbeat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()

    def _write(self, message: str | bytes) -> None:
        if self._protocol.state is not State.OPEN:
            return  # the peer's close frame came in the same breath as what we answer
        mask = None if self._masks is None else next(self._masks)
        if isinstance(message, str):
            self._transport.write(frame(Opcode.TEXT, message.encode(), mask))
        else:
            self._transport.write(frame(Opcode.BINARY, message, mask))

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:  # the protocol's sign for the end of the stream
                self._transport.close()

    def _keep(self, message: str | bytes, droppable: bool) -> None:
        self._backlog.append((message, droppable))
        self._backlog_bytes += len(message)
        while self._backlog_bytes > MAX_BACKLOG_BYTES and self._drop_oldest():
            pass

    def _drop_oldest(self) -> bool:
        for index, (message, droppable) in enumerate(self._backlog):
            if droppable:
                del self._backlog[index]
                self._backlog_bytes -= len(message)
                self.dropped_bytes += len(message)
                return True
        return False


class _ClientSocket(WebSocket):
    """The end that asks for the connection."""

    def __init__(self, uri: WebSocketURI, headers: Mapping[str, str], listener: Listener, heartbeat_sec: float) -> None:
        self._client = ClientProtocol(uri, max_size=MAX_MESSAGE_BYTES, logger=wire_logger)
        super().__init__(self._client, listener, heartbeat_sec)
        self._headers = headers
        self._decided = anyio.Event()
        """The handshake has succeeded or failed."""
        self._failure: Exception | None = None

    async def wait_open(self) -> None:
        await self._decided.wait()
        if self._failure is not None:
            raise self._failure

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        request = self._client.connect()
        for name, value in self._headers.items():
            request.headers[name] = value
        self._client.send_request(request)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self._decided.is_set():
            self._decide()

    def _shake_hands(self, event: Request | Response) -> None:
        self._decide()

    def _decide(self) -> None:
        error = self._client.handshake_exc
        if isinstance(error, InvalidStatus):
            response = error.response
            body = bytes(response.body or b"").decode(errors="replace")
            self._failure = HandshakeRefused(response.status_code, dict(response.headers.raw_items()), body)
        elif error is not None:
            self._failure = ConnectionError(f"no websocket handshake: {error}")
            self._failure.__cause__ = error
        else:
            self._opened()
        self._decided.set()
