"""A voice over a websocket that is kept open for the length of a call; how a vendor talks, its `Connection` knows.

No turn waits for a connection: a lost or crowded one is replaced in the background, and an utterance that was cut
goes on over the new one where it is known what had been spoken.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderTimeout
from patter_mcp.mailbox import Mailbox
from patter_mcp.tts.base import Speech, TtsStream
from patter_mcp.tts.script import Script
from patter_mcp.vendors.access import Endpoint
from patter_mcp.vendors.failures import UNREADABLE, closed_error, unreadable
from patter_mcp.vendors.helpers import helpers
from patter_mcp.vendors.retries import ATTEMPT_TIMEOUT_SEC, OPENING_SEC, Retries
from patter_mcp.vendors.sockets import dial
from patter_mcp.websocket import Closed, WebSocket

STALL_SEC = 3.0
"""How long a vendor may owe us audio and send none; the first of it usually takes 0.1 to 0.4 s."""
CONFIRM_SEC = 1.0
"""How long it may take to confirm a cancellation that another utterance waits for."""


class SocketUtterance:
    """`Utterance`. Text waits here until a connection has room for it."""

    def __init__(self, voice: SocketVoice) -> None:
        self.script = Script()
        self.connection: Connection | None = None
        self.key = ""
        """Its name on the connection."""
        self.ended = False
        self._voice = voice
        self._speech = Mailbox[Speech]()
        self._expecting = False
        self._progress_mono = 0.0
        self.failures: list[ProviderError] = []
        """That were got over."""

    @property
    def over(self) -> bool:
        return self._speech.ended

    def feed(self, text: str) -> None:
        if text.strip() and not self.ended and not self.over:
            self.script.add(text)
            self._go_on()

    def end(self) -> None:
        if not self.ended and not self.over:
            self.ended = True
            self._go_on()

    def cancel(self) -> None:
        was_over = self.over
        self._speech.discard()
        if not was_over:
            self._voice.cancelled(self)

    def __aiter__(self) -> SocketUtterance:
        return self

    async def __anext__(self) -> Speech:
        while True:
            with anyio.move_on_after(self._patience_sec()):
                return await anext(self._speech)
            if self._expecting and self._patience_sec() <= 0:
                self._voice.stalled(self)

    def spoke(self, audio: bytes, text_chars: int | None) -> None:
        self._progress_mono = time.monotonic()
        self._expecting = self.ended
        self.script.exact = text_chars is not None
        self._speech.put(Speech(audio=audio, text_chars=text_chars))

    def finish(self, error: ProviderError | None = None) -> None:
        self._speech.end(error)

    def cut_off(self, error: ProviderError) -> None:
        """Another connection is to say the rest, and has as much time for it."""
        self.script.rewind()
        self.failures.append(error)
        self._progress_mono = time.monotonic()

    def _patience_sec(self) -> float:
        stall_sec = self._voice.stall_sec
        return stall_sec - (time.monotonic() - self._progress_mono) if self._expecting else stall_sec

    def _go_on(self) -> None:
        self._expecting = True
        self._progress_mono = time.monotonic()
        self._voice.proceed(self)


class Connection(ABC):
    """One websocket and the utterances spoken over it, each under a key of its own.

    A vendor's class says the words (`begin` to `cancel`) and understands the answers (`decode`), which it passes on
    by `spoke`, `finished` and `failed`.
    """

    capacity = 1
    """Utterances at once, cancelled ones that are not confirmed included."""
    keep_alive: str | None = None
    """Keeps the vendor from closing an idle connection, sent every `keep_alive_sec`."""
    keep_alive_sec = 60.0
    farewell: str | None = None
    """Said before the close."""

    def __init__(self, provider: str, voice: SocketVoice) -> None:
        self.provider = provider
        self.alive = True
        self._failure: ProviderError | None = None
        self._voice = voice
        self._socket: WebSocket | None = None
        self._utterances: dict[str, SocketUtterance] = {}
        self._key_count = 0

    # -- for the vendor's class -------------------------------------------------------------------

    @abstractmethod
    def begin(self, key: str) -> None: ...

    @abstractmethod
    def say(self, key: str, text: str) -> None: ...

    @abstractmethod
    def end(self, key: str) -> None: ...

    @abstractmethod
    def cancel(self, key: str) -> bool:
        """False: there will be no confirmation, the key is free at once."""

    @abstractmethod
    def decode(self, message: str | bytes) -> None: ...

    def send(self, message: str) -> None:
        if self._socket is not None:
            self._socket.send(message)

    def script(self, key: str) -> Script | None:
        """Of an utterance that still wants to be heard."""
        utterance = self._utterances.get(key)
        return None if utterance is None or utterance.over else utterance.script

    def spoke(self, key: str, audio: bytes, text_chars: int | None = None) -> None:
        utterance = self._utterances.get(key)
        if utterance is not None:
            utterance.spoke(audio, text_chars)

    def finished(self, key: str) -> None:
        """The vendor is done with the key, be it spoken or cancelled."""
        utterance = self._forget(key)
        if utterance is not None:
            self._voice.released(self, utterance)

    def failed(self, key: str | None, error: ProviderError) -> None:
        """One utterance cannot be spoken; without a key none of them can."""
        for lost in [key] if key is not None else list(self._utterances):
            utterance = self._forget(lost)
            if utterance is not None:
                utterance.finish(error)
                self._voice.released(self, utterance)

    # -- for the voice ----------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        return self.alive and len(self._utterances) < self.capacity

    @property
    def is_crowded(self) -> bool:
        """One more and it is full, and more than one is the rule: time for a fresh one."""
        return self.capacity > 1 and len(self._utterances) >= self.capacity - 1

    @property
    def is_silent(self) -> bool:
        """Nobody listens to what it may still say."""
        return all(utterance.over for utterance in self._utterances.values())

    async def open(self, endpoint: Endpoint, timeout_sec: float) -> None:
        self._socket = await dial(endpoint, self, timeout_sec)
        if self._failure is not None:
            self._socket.abort()
            raise self._failure

    async def aclose(self) -> None:
        self.alive = False
        if self._socket is not None:
            if self.farewell is not None:
                self.send(self.farewell)
            await self._socket.aclose()

    def take(self, utterance: SocketUtterance) -> None:
        self._key_count += 1
        utterance.connection, utterance.key = self, str(self._key_count)
        self._utterances[utterance.key] = utterance
        self.begin(utterance.key)
        self.carry_on(utterance)

    def carry_on(self, utterance: SocketUtterance) -> None:
        """Gives the vendor what is new: text, or that no more will come."""
        if utterance.script.has_unsent:
            text = utterance.script.take_unsent()
            self._voice.characters += len(text)
            self.say(utterance.key, text)
        if utterance.ended:
            self.end(utterance.key)

    def drop(self, utterance: SocketUtterance) -> None:
        if not self.cancel(utterance.key):
            self.finished(utterance.key)

    # -- the socket's listener --------------------------------------------------------------------

    def received(self, message: str | bytes) -> None:
        try:
            self.decode(message)
        except UNREADABLE:
            self.lose(unreadable(self.provider))
        except ProviderError as error:
            self.lose(error)

    def closed(self, close: Closed) -> None:
        self.lose(closed_error(self.provider, close))

    def lose(self, error: ProviderError) -> None:
        if self._failure is not None:
            return
        self.alive = False
        self._failure = error
        if self._socket is not None:
            self._socket.abort()
        utterances = list(self._utterances.values())
        self._utterances.clear()
        self._voice.lost(self, utterances, error)

    def _forget(self, key: str) -> SocketUtterance | None:
        utterance = self._utterances.pop(key, None)
        if utterance is not None:
            utterance.connection = None
        return utterance


MakeConnection = Callable[["SocketVoice"], Connection]


@asynccontextmanager
async def open_voice(
    endpoint: Endpoint, make_connection: MakeConnection, *, stall_sec: float = STALL_SEC
) -> AsyncGenerator[TtsStream]:
    """Connects and keeps connected until the block is left. It rings meanwhile, so a first failure may pass.

    Args:
        stall_sec: How long the vendor may owe audio and send none.

    Raises:
        ProviderError: no connection could be made.
    """
    voice = SocketVoice(endpoint, make_connection, stall_sec)
    try:
        async with helpers() as tasks:
            await voice.open(tasks)
            yield voice
    finally:
        # Not before nothing connects any more.
        await voice.aclose()


class SocketVoice:
    """One call's voice; `TtsStream`. Of use from `open` to `aclose`."""

    _tasks: TaskGroup

    def __init__(self, endpoint: Endpoint, make_connection: MakeConnection, stall_sec: float) -> None:
        self.characters = 0
        self.stall_sec = stall_sec
        self._endpoint = endpoint
        self._make_connection = make_connection
        self._current: Connection | None = None
        self._retired: set[Connection] = set()
        self._waiting: deque[SocketUtterance] = deque()
        self._wanted = anyio.Event()
        """A new connection is."""
        self._retries = Retries(endpoint.provider)
        self._looking = False

    @property
    def failures(self) -> Sequence[ProviderError]:
        """Of attempts to connect."""
        return self._retries.failures

    def utterance(self) -> SocketUtterance:
        return SocketUtterance(self)

    # -- for utterances ---------------------------------------------------------------------------

    def proceed(self, utterance: SocketUtterance) -> None:
        """Something was added to it."""
        if utterance.connection is not None:
            utterance.connection.carry_on(utterance)
        elif utterance.script.has_unsent:
            if utterance not in self._waiting:
                self._waiting.append(utterance)
            self._admit()
        elif utterance.ended:
            utterance.finish()

    def cancelled(self, utterance: SocketUtterance) -> None:
        if utterance.connection is not None:
            utterance.connection.drop(utterance)
        elif utterance in self._waiting:
            self._waiting.remove(utterance)

    def stalled(self, utterance: SocketUtterance) -> None:
        """What its connection is worth, others need not find out."""
        provider = self._endpoint.provider
        error = ProviderTimeout(f"{provider} has stopped speaking", provider=provider, retryable=True)
        utterance.finish(error)
        if utterance.connection is not None:
            utterance.connection.lose(error)
        else:
            self.cancelled(utterance)

    # -- for connections --------------------------------------------------------------------------

    def released(self, connection: Connection, utterance: SocketUtterance) -> None:
        """The connection is done with the utterance; the utterance may have more to say."""
        if not utterance.over:
            self.proceed(utterance)
        self._admit()
        self._let_go(connection)

    def lost(self, connection: Connection, utterances: list[SocketUtterance], error: ProviderError) -> None:
        """Those that can go on elsewhere do, ahead of all others."""
        for utterance in reversed(utterances):
            utterance.connection = None
            if utterance.over:
                continue
            if error.retryable and utterance.script.exact:
                utterance.cut_off(error)
                self._waiting.appendleft(utterance)
            else:
                utterance.finish(error)
        self._retired.discard(connection)
        if connection is self._current:
            self._current = None
            self._retries.lost()
            self._wanted.set()
        else:
            self._admit()

    # -- life -------------------------------------------------------------------------------------

    async def open(self, tasks: TaskGroup) -> None:
        """Connects, and stays connected as long as the tasks live.

        Raises:
            ProviderError: no connection could be made.
        """
        self._tasks = tasks
        await self._retries.connect(lambda: self.connect(self._endpoint.timeout_sec), limit_sec=OPENING_SEC)
        self._retries.renew()
        tasks.start_soon(self.stay_connected)
        tasks.start_soon(self.stay_alive)

    async def connect(self, timeout_sec: float) -> None:
        """Replaces the connection there may be.

        Raises:
            ProviderError: no connection could be made; the old one stays.
        """
        connection = self._make_connection(self)
        await connection.open(self._endpoint, timeout_sec)
        self._retries.connected()
        old, self._current = self._current, connection
        if old is not None:
            self._retired.add(old)
            self._let_go(old)
        self._admit()

    async def stay_connected(self) -> None:
        """Makes new connections as they are wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            if self._current is not None:
                self._retries.renew()
            try:
                await self._retries.connect(lambda: self.connect(ATTEMPT_TIMEOUT_SEC))
            except ProviderError as error:
                self._give_up(error)
            self._wanted = anyio.Event()
            self._admit()

    async def stay_alive(self) -> None:
        connection = self._current
        while connection is not None and connection.keep_alive is not None:
            await anyio.sleep(connection.keep_alive_sec)
            if self._current is not None:
                self._current.send(connection.keep_alive)

    async def aclose(self) -> None:
        """To be called when its tasks have ended."""
        connections = [connection for connection in (self._current, *self._retired) if connection is not None]
        provider = self._endpoint.provider
        error = ProviderConnectionError(f"{provider} was let go", provider=provider, retryable=True)
        self._current = None
        self._retired.clear()
        while self._waiting:
            self._waiting.popleft().finish(error)
        for connection in connections:
            connection.failed(None, error)
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as closing:
                for connection in connections:
                    closing.start_soon(connection.aclose)

    def _give_up(self, error: ProviderError) -> None:
        """For now; the next utterance has all attempts again."""
        self._retries.renew()
        while self._waiting and self._current is None:
            self._waiting.popleft().finish(error)

    def _admit(self) -> None:
        """Gives waiting utterances to the connection, in their order, as far as it has room."""
        while self._waiting and self._current is not None and self._current.has_room:
            self._current.take(self._waiting.popleft())
        if self._current is not None and self._current.is_crowded:
            self._wanted.set()
        if self._waiting and self._current is None:
            self._wanted.set()
        elif self._waiting and not self._looking:
            self._looking = True
            self._tasks.start_soon(self._look_again)

    async def _look_again(self) -> None:
        """Where only cancelled utterances are in the way, a new connection is the way around them."""
        await anyio.sleep(CONFIRM_SEC)
        self._looking = False
        if self._waiting and self._current is not None and self._current.is_silent:
            self._wanted.set()
        elif self._waiting:
            self._admit()

    def _let_go(self, connection: Connection) -> None:
        """A retired connection is closed as soon as nobody listens to it."""
        if connection in self._retired and connection.alive and connection.is_silent:
            self._tasks.start_soon(self._close, connection)

    async def _close(self, connection: Connection) -> None:
        # Until it is closed it is ours to close: the call may end before this task has begun.
        await connection.aclose()
        self._retired.discard(connection)
