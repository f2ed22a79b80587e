"""A model's connection, kept for the length of a call.

One that breaks is made anew: the model is told what was said, and audio that was not understood yet is played
to it again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from patter_mcp.errors import ProviderError, ProviderProtocolError, ProviderTimeout
from patter_mcp.mailbox import Mailbox
from patter_mcp.realtime.base import (
    Complaint,
    Past,
    RealtimeEvent,
    RealtimeStream,
    RealtimeUsage,
    Reconnected,
    ToolCall,
)
from patter_mcp.realtime.openai_codec import RealtimeCodec
from patter_mcp.vendors.access import Endpoint
from patter_mcp.vendors.failures import UNREADABLE, closed_error, translated, unreadable
from patter_mcp.vendors.helpers import helpers
from patter_mcp.vendors.replay import REPLAY_CHUNK_BYTES, UnsettledAudio
from patter_mcp.vendors.retries import ATTEMPT_TIMEOUT_SEC, Retries
from patter_mcp.vendors.sockets import dial
from patter_mcp.websocket import Closed, WebSocket

OPENING_SEC = 10.0
"""For all attempts at the beginning of a call: it rings for about as long."""
PROMPT_SEC = 0.3
"""How long a call is kept waiting for its first connection, or for learning that there will be none.

Somebody may have answered meanwhile, and is left in silence for as long.
"""
TACIT_SEC = 1.0
"""Not all that speak OpenAI's protocol say that they agree to a session; OpenAI does so within 0.2 seconds."""
UNREADABLE_LIMIT = 3
"""Messages in a row that we cannot read before the connection counts as broken."""


@asynccontextmanager
async def open_stream(
    endpoint: Endpoint, codec: RealtimeCodec, past: Callable[[], Sequence[Past]]
) -> AsyncGenerator[RealtimeStream]:
    """Connects and keeps connected until the block is left.

    Raises:
        ProviderError: no connection can be made, and that is known at once; later it is the stream's readers who learn.
    """
    stream = LiveStream(endpoint, codec, past)
    try:
        async with helpers() as tasks:
            tasks.start_soon(stream.stay_connected)
            await stream.opened()
            yield stream
    finally:
        await stream.aclose()


class LiveStream:
    """One call's model; `RealtimeStream`, and the listener of its socket."""

    def __init__(self, endpoint: Endpoint, codec: RealtimeCodec, past: Callable[[], Sequence[Past]]) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._past = past
        self._events = Mailbox[RealtimeEvent]()
        self._unheard = UnsettledAudio()
        self._socket: WebSocket | None = None
        """None while there is none that may be given audio."""
        self._connected = anyio.Event()
        self._opened = anyio.Event()
        """There has been a connection, or there will be none."""
        self._ready = anyio.Event()
        self._lost = anyio.Event()
        self._failure: ProviderError | None = None
        self._unreadable = 0
        """Messages in a row that made no sense."""
        self._retries = Retries(endpoint.provider)

    # -- RealtimeStream ---------------------------------------------------------------------------

    async def connected(self) -> None:
        await self._connected.wait()

    def feed(self, frame: bytes) -> None:
        self._unheard.append(frame)
        if self._socket is not None:
            self._socket.send(self._codec.encode(frame), droppable=True)
            self._unheard.settle(self._codec.settled_ms)

    def ask(self, *, say: str | None = None, aside: bool = False) -> str:
        return self._codec.ask(say, aside)

    def cancel(self, response: str) -> None:
        self._codec.cancel(response)

    def truncate(self, item: str, heard_ms: int) -> None:
        self._codec.truncate(item, heard_ms)

    def forget(self, item: str) -> None:
        self._codec.forget(item)

    def tell(self, text: str) -> None:
        self._codec.tell(text)

    def answer(self, call: ToolCall, output: str) -> None:
        self._codec.answer(call, output)

    def renew(self) -> None:
        self._fail(self._too_late("did not answer"))

    @property
    def makes_asides(self) -> bool:
        return self._codec.makes_asides

    @property
    def usage(self) -> RealtimeUsage:
        return self._codec.usage

    def __aiter__(self) -> AsyncIterator[RealtimeEvent]:
        return self._events

    # -- the socket's listener --------------------------------------------------------------------

    def received(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            return
        try:
            for event in self._decode(message):
                self._events.put(event)
            self._unreadable = 0
        except ProviderError as error:
            self._stumble(error)
        if self._codec.ready:
            self._ready.set()

    def closed(self, close: Closed) -> None:
        self._fail(closed_error(self._endpoint.provider, close))

    # -- the connection's life --------------------------------------------------------------------

    async def opened(self) -> None:
        """Raises:
        ProviderError: no connection can be made.
        """
        with anyio.move_on_after(PROMPT_SEC):
            await self._opened.wait()
        if self._opened.is_set() and self._failure is not None:
            raise self._failure

    async def stay_connected(self) -> None:
        """Until cancelled, or until the vendor is beyond repair, which the reader is told."""
        try:
            self._take_up(await self._first_connection(), past=())
            self._connected.set()
            self._opened.set()
            while True:
                await self._reconnect()
        except ProviderError as error:
            self._failure = error
            self._events.end(error)
            self._opened.set()

    async def _first_connection(self) -> WebSocket:
        try:
            with anyio.fail_after(OPENING_SEC):
                socket = await self._retries.connect(lambda: self._connect(self._endpoint.timeout_sec))
        except TimeoutError as error:
            raise self._too_late("could not be reached in time") from error
        self._retries.renew()
        return socket

    async def _reconnect(self) -> None:
        await self._lost.wait()
        failure = self._failure
        assert failure is not None
        self._retries.lost()
        socket = await self._retries.connect(lambda: self._connect(ATTEMPT_TIMEOUT_SEC), failure)
        lost_ms = self._take_up(socket, self._past())
        self._events.put(Reconnected(lost_ms=lost_ms, message=failure.message))

    async def aclose(self) -> None:
        self._events.end()
        socket, self._socket = self._socket, None
        self._codec.end()
        if socket is not None:
            await socket.aclose()

    async def _connect(self, timeout_sec: float) -> WebSocket:
        """Makes a connection and agrees on the session."""
        self._ready, self._lost, self._failure, self._unreadable = anyio.Event(), anyio.Event(), None, 0
        with translated(self._endpoint.provider):
            socket = await dial(self._endpoint, self, timeout_sec)
            try:
                self._codec.begin(socket.send)
                with anyio.fail_after(timeout_sec):
                    await self._agree()
                if self._failure is not None:
                    raise self._failure
            except BaseException:
                self._codec.end()
                socket.abort()
                raise
        return socket

    async def _agree(self) -> None:
        """A vendor that has said hello, and for a while nothing against the session, has nothing against it."""
        while not self._ready.is_set():
            with anyio.move_on_after(TACIT_SEC):
                await self._ready.wait()
            if self._codec.greeted:
                self._codec.ready = True
                return

    def _take_up(self, socket: WebSocket, past: Sequence[Past]) -> int:
        """Brings it up to date; returns the milliseconds it will never hear."""
        audio, lost_ms = self._unheard.restart()
        self._codec.go(socket.send, past)
        for start in range(0, len(audio), REPLAY_CHUNK_BYTES):
            socket.send(self._codec.encode(audio[start : start + REPLAY_CHUNK_BYTES]))
        self._socket = socket
        self._retries.connected()
        return lost_ms

    def _decode(self, message: str) -> Sequence[RealtimeEvent]:
        try:
            return self._codec.decode(message)
        except UNREADABLE as error:
            raise unreadable(self._endpoint.provider) from error

    def _stumble(self, error: ProviderError) -> None:
        """One message that nobody can read is passed over; what it held is lost, but not the whole conversation."""
        self._unreadable += 1
        passing = isinstance(error, ProviderProtocolError) and self._codec.ready
        if passing and self._unreadable < UNREADABLE_LIMIT:
            self._events.put(Complaint(code=error.code, message=error.message))
        else:
            self._fail(error)

    def _too_late(self, what: str) -> ProviderTimeout:
        provider = self._endpoint.provider
        return ProviderTimeout(f"{provider} {what}", provider=provider, retryable=True)

    def _fail(self, error: ProviderError) -> None:
        """This connection is of no more use."""
        if self._failure is not None:
            return
        self._failure = error
        if self._socket is not None:
            self._unheard.settle(self._codec.settled_ms)
            self._socket.abort()
            self._socket = None
        for event in self._codec.end():
            self._events.put(event)
        self._ready.set()
        self._lost.set()
