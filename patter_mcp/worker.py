"""Engines that must not run in this process: one helper program for all calls of the event loop.

A C library that may crash, hold the interpreter for long, or carry another licence lives in a program of
its own. Above: the providers that need one. Below: a Unix socket pair. Each call has a numbered channel
on it; what the messages mean is between a provider and its `Session`.

Wire, both ways: length of the payload (4 bytes, big-endian), channel (4), kind (1), payload.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import anyio
from anyio.lowlevel import RunVar

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderTimeout
from patter_mcp.types import Json

_HEADER = struct.Struct(">IIB")
_OPEN, _CLOSE, _READY, _FAILED = range(4)
FIRST_KIND = 16
"""Message kinds from here on belong to the provider."""

_OPEN_TIMEOUT_SEC = 10.0
_EXIT_TIMEOUT_SEC = 2.0
_MAX_BACKLOG_BYTES = 1 << 20
"""A helper that leaves so much unread (two minutes of μ-law) has hung."""
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All a helper gets to see of ours: it has no business with keys."""


class _Frames:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            length, channel, kind = _HEADER.unpack_from(self._buffer)
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield channel, kind, payload


def _message(channel: int, kind: int, payload: bytes) -> bytes:
    return _HEADER.pack(len(payload), channel, kind) + payload


# ---------------------------------------------------------------------------------------------- our side


class Listener(Protocol):
    """The provider's half of a channel. Called in the event loop; must not block."""

    def received(self, kind: int, payload: bytes) -> None: ...

    def lost(self, error: ProviderError) -> None:
        """Nothing more will come. Called at most once."""
        ...


class Channel:
    """One call's line to the helper."""

    def __init__(self, number: int, program: _Program, listener: Listener) -> None:
        self.number = number
        self._program = program
        self._listener: Listener | None = listener
        self._opened = anyio.Event()
        self._error: ProviderError | None = None

    def send(self, kind: int, payload: bytes = b"") -> None:
        """Never waits; sending on a lost channel does nothing."""
        if self._listener is not None:
            self._program.send(self.number, kind, payload)

    async def opened(self) -> None:
        await self._opened.wait()
        if self._error is not None:
            raise self._error

    def received(self, kind: int, payload: bytes) -> None:
        if kind == _READY:
            self._opened.set()
        elif kind == _FAILED:
            self.lost(ProviderError(payload.decode(), provider=self._program.provider))
        elif self._listener is not None:
            self._listener.received(kind, payload)

    def lost(self, error: ProviderError) -> None:
        listener, self._listener = self._listener, None
        self._error = error
        self._opened.set()
        if listener is not None:
            listener.lost(error)

    def close(self) -> None:
        self.send(_CLOSE)
        self._listener = None


class _Program(asyncio.Protocol):
    """A running helper and the channels on it."""

    def __init__(self, process: subprocess.Popen[bytes], provider: str) -> None:
        self.provider = provider
        self.alive = True
        self.users = 0
        self._process = process
        self._channels: dict[int, Channel] = {}
        self._numbers = itertools.count(1)
        self._frames = _Frames()
        self._transport: asyncio.WriteTransport | None = None

    def attach(self, listener: Listener) -> Channel:
        if not self.alive:
            raise self._death()
        channel = Channel(next(self._numbers), self, listener)
        self._channels[channel.number] = channel
        return channel

    def detach(self, channel: Channel) -> None:
        channel.close()
        self._channels.pop(channel.number, None)

    def send(self, channel: int, kind: int, payload: bytes) -> None:
        if self._transport is None or not self.alive:
            return
        self._transport.write(_message(channel, kind, payload))
        if self._transport.get_write_buffer_size() > _MAX_BACKLOG_BYTES:
            self._transport.abort()

    async def end(self) -> None:
        """Hangs up, which tells the program to leave, and sees it out."""
        self.alive = False
        if self._transport is not None:
            self._transport.abort()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_see_out, self._process, limiter=anyio.CapacityLimiter(1))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        for number, kind, payload in self._frames.feed(data):
            if channel := self._channels.get(number):
                channel.received(kind, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.lost(self._death())

    def _death(self) -> ProviderConnectionError:
        return ProviderConnectionError("The helper program died.", provider=self.provider, retryable=True)


@dataclass
class _Programs:
    """The helpers of one event loop; the lock keeps two openers from starting two."""

    running: list[_Program] = field(default_factory=list[_Program])
    starting: anyio.Lock = field(default_factory=anyio.Lock)


class Helper:
    """A helper program, shared: the first channel starts it, the last one to close ends it.

    Args:
        module: What to run, as in `python -m module`; it calls `serve`.
        provider: Name for errors.
        channels_each: A program that has so many is full, and another one is started,
        limit: up to so many; then they share.
    """

    def __init__(self, module: str, *, provider: str, channels_each: int = 1000, limit: int = 1) -> None:
        self._module = module
        self._provider = provider
        self._channels_each = channels_each
        self._limit = limit
        self._programs: RunVar[_Programs] = RunVar(f"helpers of {module}")

    @contextlib.asynccontextmanager
    async def open(self, options: Json, listener: Listener) -> AsyncGenerator[Channel]:
        """A channel whose session in the helper was opened with `options`.

        Raises:
            ProviderError: the session cannot be had; the message is the session's own.
            ProviderConnectionError: the program cannot be started or died.
        """
        async with self._program() as program:
            channel = program.attach(listener)
            try:
                channel.send(_OPEN, json.dumps(options).encode())
                await self._until_opened(channel)
                yield channel
            finally:
                program.detach(channel)

    async def _until_opened(self, channel: Channel) -> None:
        try:
            with anyio.fail_after(_OPEN_TIMEOUT_SEC):
                await channel.opened()
        except TimeoutError as error:
            raise ProviderTimeout("The helper program does not answer.", provider=self._provider) from error

    @contextlib.asynccontextmanager
    async def _program(self) -> AsyncGenerator[_Program]:
        programs = self._of_this_loop()
        async with programs.starting:
            program = self._roomiest(programs.running)
            if program is None:
                program = await self._start()
                programs.running.append(program)
            program.users += 1
        try:
            yield program
        finally:
            program.users -= 1
            if program.users == 0:
                programs.running.remove(program)
                await program.end()

    def _of_this_loop(self) -> _Programs:
        programs = self._programs.get(None)
        if programs is None:
            programs = _Programs()
            self._programs.set(programs)
        return programs

    def _roomiest(self, running: list[_Program]) -> _Program | None:
        """None: start another."""
        alive = [program for program in running if program.alive]
        best = min(alive, key=lambda program: program.users, default=None)
        if best is not None and best.users >= self._channels_each and len(alive) < self._limit:
            return None
        return best

    async def _start(self) -> _Program:
        try:
            process, link = _spawn(self._module)
        except OSError as error:
            message = f"The helper program did not start: {error}"
            raise ProviderConnectionError(message, provider=self._provider) from error
        program = _Program(process, self._provider)
        try:
            await asyncio.get_running_loop().create_connection(lambda: program, sock=link)
        except BaseException:
            link.close()
            await program.end()
            raise
        return program


def _spawn(module: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The helper with the socket as its stdin. Its stdout is closed off: ours may be somebody's protocol."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=_environment(),
                process_group=0,  # Ctrl-C is for us to hear; we decide when it leaves
            )
        except BaseException:
            ours.close()
            raise
    ours.setblocking(False)
    return process, ours


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    search_path = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return {**kept, "PYTHONPATH": search_path, "OPENBLAS_NUM_THREADS": "1"}


def _see_out(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_EXIT_TIMEOUT_SEC)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# ---------------------------------------------------------------------------------------- in the helper


class Session(Protocol):
    """A channel's half in the helper; any exception it raises ends this channel alone."""

    def receive(self, kind: int, payload: bytes) -> None:
        """Takes note of a message; the time-consuming part is for `work`."""
        ...

    def work(self) -> bool:
        """Does one small piece of work, so that the others get their turn; False: there was none."""
        ...


Send = Callable[[int, bytes], None]
"""Sends a message of this kind to our side; from any thread of the helper."""


class Refused(Exception):
    """A session cannot be opened; the message goes to whoever asked."""


def serve(open_session: Callable[[Json, Send], Session]) -> None:
    """Runs the helper until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as link, contextlib.suppress(ConnectionError):
        _Server(link, open_session).run()


class _Server:
    """Takes in all that has come, then gives every session its turn, and so on."""

    def __init__(self, link: socket.socket, open_session: Callable[[Json, Send], Session]) -> None:
        self._link = link
        self._open_session = open_session
        self._to_open: dict[int, Json] = {}
        self._sessions: dict[int, Session] = {}
        self._frames = _Frames()
        self._sending = threading.Lock()

    def run(self) -> None:
        busy = False
        while self._read(wait=not busy):
            worked = [self._guarded(channel, session.work) for channel, session in list(self._sessions.items())]
            busy = self._open_next() or True in worked

    def _read(self, *, wait: bool) -> bool:
        """Takes in what has come; False: the other side is gone."""
        if not wait and not select.select([self._link], [], [], 0)[0]:
            return True
        data = self._link.recv(1 << 18)
        for message in self._frames.feed(data):
            self._dispatch(*message)
        return bool(data)

    def _dispatch(self, channel: int, kind: int, payload: bytes) -> None:
        if kind == _OPEN:
            self._to_open[channel] = json.loads(payload)
        elif kind == _CLOSE:
            self._to_open.pop(channel, None)
            self._sessions.pop(channel, None)
        elif session := self._sessions.get(channel):
            self._guarded(channel, lambda: session.receive(kind, payload))

    def _open_next(self) -> bool:
        """Opens one session at most, since that may take a while and the others have calls to attend to."""
        channel = next(iter(self._to_open), None)
        if channel is None:
            return False
        options = self._to_open.pop(channel)
        self._guarded(channel, lambda: self._open(channel, options))
        return True

    def _open(self, channel: int, options: Json) -> None:
        self._sessions[channel] = self._open_session(options, functools.partial(self._send, channel))
        self._send(channel, _READY, b"")

    def _guarded(self, channel: int, function: Callable[[], Any]) -> Any:
        """One call's fault must not silence the others."""
        try:
            return function()
        except Refused as refusal:
            self._fail(channel, str(refusal))
        except ConnectionError:
            raise
        except Exception as error:
            self._fail(channel, f"The helper program failed: {error!r}")

    def _fail(self, channel: int, message: str) -> None:
        self._sessions.pop(channel, None)
        self._send(channel, _FAILED, message.encode())

    def _send(self, channel: int, kind: int, payload: bytes) -> None:
        with self._sending:
            self._link.sendall(_message(channel, kind, payload))
