"""A recogniser's connection, kept for the length of a call; whose vendor it is, a codec knows.

A connection that breaks is made anew, and audio the vendor had not settled is played to it again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.errors import ProviderError
from patter_mcp.mailbox import Mailbox
from patter_mcp.stt.base import EagerEndOfTurn, Final, Interim, Reconnected, SttEvent, SttStream
from patter_mcp.vendors.access import Endpoint
from patter_mcp.vendors.failures import UNREADABLE, closed_error, translated, unreadable
from patter_mcp.vendors.helpers import helpers
from patter_mcp.vendors.replay import REPLAY_CHUNK_BYTES, UnsettledAudio
from patter_mcp.vendors.retries import ATTEMPT_TIMEOUT_SEC, OPENING_SEC, Retries
from patter_mcp.vendors.sockets import dial
from patter_mcp.websocket import Closed, WebSocket


class SttCodec(Protocol):
    """One vendor's messages for one call, without I/O. It outlives connections."""

    @property
    def ready(self) -> bool:
        """The vendor has agreed to the session; audio may flow."""
        ...

    @property
    def settled_ms(self) -> float:
        """Up to where, in the audio of this connection, the vendor owes us nothing more."""
        ...

    @property
    def idle_message(self) -> str | bytes | None:
        """Keeps the connection alive while no audio comes: a message (str), or audio (bytes)."""
        ...

    @property
    def idle_sec(self) -> float:
        """How long no audio may come before it is due."""
        ...

    @property
    def farewell(self) -> str | None:
        """Said before the close."""
        ...

    def opened(self) -> Sequence[str]:
        """A new connection: forgets the old one's positions, returns what to say first."""
        ...

    def encode(self, audio: bytes) -> str | bytes | None:
        """The message for it; None while it is still being collected."""
        ...

    def finalize(self) -> Sequence[str | bytes]: ...

    def decode(self, message: str) -> Sequence[SttEvent]:
        """Raises:
        ProviderError: the vendor says it failed, or makes no sense.
        """
        ...


@asynccontextmanager
async def open_stream(endpoint: Endpoint, codec: SttCodec) -> AsyncGenerator[SttStream]:
    """Connects and keeps connected until the block is left. It rings meanwhile, so a first failure may pass.

    Raises:
        ProviderError: no connection could be made.
    """
    stream = LiveStream(endpoint, codec)
    try:
        await stream.open()
        async with helpers() as tasks:
            tasks.start_soon(stream.stay_connected)
            if codec.idle_message is not None:
                tasks.start_soon(stream.stay_alive, codec.idle_message)
            yield stream
    finally:
        await stream.aclose()


class LiveStream:
    """One call's ear; `SttStream`, and the listener of its socket."""

    def __init__(self, endpoint: Endpoint, codec: SttCodec) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._events = Mailbox[SttEvent]()
        self._unsettled = UnsettledAudio()
        self._socket: WebSocket | None = None
        """None while there is none that may be given audio."""
        self._ready = anyio.Event()
        self._lost = anyio.Event()
        self._failure: ProviderError | None = None
        self._retries = Retries(endpoint.provider)
        self._taken_bytes = 0

    # -- SttStream --------------------------------------------------------------------------------

    def feed(self, frame: bytes) -> None:
        self._taken_bytes += len(frame)
        self._unsettled.append(frame)
        if self._socket is not None:
            message = self._codec.encode(frame)
            if message is not None:
                self._socket.send(message, droppable=True)

    def finalize(self) -> None:
        if self._socket is not None:
            for message in self._codec.finalize():
                self._socket.send(message)

    @property
    def audio_sec(self) -> float:
        return self._taken_bytes / BYTES_PER_MS / 1000

    @property
    def hears(self) -> bool:
        return self._socket is not None

    @property
    def failures(self) -> Sequence[ProviderError]:
        """Of attempts to connect."""
        return self._retries.failures

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self._events

    # -- the socket's listener --------------------------------------------------------------------

    def received(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            return
        try:
            for event in self._decode(message):
                self._events.put(event)
        except ProviderError as error:
            self._fail(error)
            return
        if self._codec.ready:
            self._ready.set()
        if self._socket is not None:
            self._unsettled.settle(self._codec.settled_ms)

    def closed(self, close: Closed) -> None:
        self._fail(closed_error(self._endpoint.provider, close))

    # -- the connection's life --------------------------------------------------------------------

    async def open(self) -> None:
        """Raises:
        ProviderError: no connection could be made.
        """
        await self._retries.connect(lambda: self.connect(self._endpoint.timeout_sec), limit_sec=OPENING_SEC)
        self._retries.renew()

    async def connect(self, timeout_sec: float) -> int:
        """Makes a connection and brings it up to date; returns the milliseconds it will never hear.

        Raises:
            ProviderError: no connection could be made.
        """
        self._ready, self._lost, self._failure = anyio.Event(), anyio.Event(), None
        # Before there is a connection: the vendor's first message may come with the answer to the handshake.
        hello = self._codec.opened()
        with translated(self._endpoint.provider):
            socket = await dial(self._endpoint, self, timeout_sec)
            try:
                await self._agree(socket, hello, timeout_sec)
            except BaseException:
                socket.abort()
                raise
        return self._take_up(socket)

    async def stay_connected(self) -> None:
        """Until cancelled, or until the vendor is beyond repair, which the reader is told."""
        while True:
            await self._lost.wait()
            failure = self._failure
            assert failure is not None
            self._retries.lost()
            try:
                lost_ms = await self._retries.connect(lambda: self.connect(ATTEMPT_TIMEOUT_SEC), failure)
            except ProviderError as error:
                self._events.end(error)
                return
            self._events.put(Reconnected(lost_ms=lost_ms, message=failure.message))

    async def stay_alive(self, message: str | bytes) -> None:
        """Says it whenever no audio has come for a while."""
        while True:
            taken_bytes = self._taken_bytes
            await anyio.sleep(self._codec.idle_sec)
            if taken_bytes == self._taken_bytes and self._socket is not None:
                if isinstance(message, bytes):
                    self.feed(message)
                else:
                    self._socket.send(message)

    async def aclose(self) -> None:
        self._events.end()
        socket, self._socket = self._socket, None
        if socket is not None:
            if self._codec.farewell is not None:
                socket.send(self._codec.farewell)
            await socket.aclose()

    def _decode(self, message: str) -> Sequence[SttEvent]:
        try:
            events = self._codec.decode(message)
            _check(events)
        except UNREADABLE as error:
            raise unreadable(self._endpoint.provider) from error
        return events

    async def _agree(self, socket: WebSocket, hello: Sequence[str], timeout_sec: float) -> None:
        """Says what has to be said first, and waits until the vendor is ready for audio."""
        for message in hello:
            socket.send(message)
        if not self._codec.ready:
            with anyio.fail_after(timeout_sec):
                await self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def _take_up(self, socket: WebSocket) -> int:
        audio, lost_ms = self._unsettled.restart()
        for start in range(0, len(audio), REPLAY_CHUNK_BYTES):
            message = self._codec.encode(audio[start : start + REPLAY_CHUNK_BYTES])
            if message is not None:
                socket.send(message)
        self._socket = socket
        self._retries.connected()
        return lost_ms

    def _fail(self, error: ProviderError) -> None:
        """This connection is of no more use."""
        if self._failure is not None:
            return
        self._failure = error
        if self._socket is not None:
            self._unsettled.settle(self._codec.settled_ms)
            self._socket.abort()
            self._socket = None
        self._ready.set()
        self._lost.set()


def _check(events: Sequence[SttEvent]) -> None:
    """Raises:
    TypeError: a vendor has put something else where the words should be.
    """
    for event in events:
        if isinstance(event, Interim | Final | EagerEndOfTurn) and not isinstance(event.text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("words that are no text")
