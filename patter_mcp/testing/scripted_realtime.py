"""A speech-to-speech model that does as it is told, in memory: for tests of the conversation around it.

It hears by silence (0xFF) and sound, and speaks a constant byte, `MS_PER_CHAR` a character. Latencies are exact
under `testing.virtual_time`. For OpenAI's wire format see the fake server instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import anyio
from anyio.abc import TaskGroup

from patter_mcp.audio.frame import BYTES_PER_MS, ULAW_SILENCE
from patter_mcp.errors import ProviderError
from patter_mcp.mailbox import Mailbox
from patter_mcp.realtime.base import (
    Past,
    RealtimeEvent,
    RealtimeOptions,
    RealtimeUsage,
    Reconnected,
    ResponseAudio,
    ResponseDone,
    ResponseItem,
    ResponseStarted,
    ResponseWords,
    ToolCall,
    UserItem,
    UserStarted,
    UserStopped,
    UserWords,
)
from patter_mcp.testing.scripted import MS_PER_CHAR, Say

ONSET_MS = 60
"""Sound that counts as speech."""
SILENCE_MS = 500
"""Silence that ends a turn."""
KEPT_FRAMES = 5
"""Before somebody speaks; the onset is in them."""


@dataclass(slots=True)
class Remembered:
    """An item of the model's conversation."""

    item: str
    role: str
    text: str = ""
    audio_ms: float = 0.0
    whole: bool = False
    """All that was to be said has been made."""
    cut_ms: int | None = None
    """Where it was truncated."""


@dataclass(slots=True)
class _Response:
    name: str
    say: str | None = None
    aside: bool = False
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class ScriptedModelStream:
    """One call's. `will_hear` tells it what the user is going to say."""

    def __init__(self, model: ScriptedRealtime, options: RealtimeOptions, tasks: TaskGroup) -> None:
        self._model = model
        self._tasks = tasks
        self._events = Mailbox[RealtimeEvent]()
        self._numbers = count(1)
        self._asked: deque[_Response] = deque()
        self._active: _Response | None = None
        self._held = False
        self._asides: list[_Response] = []
        self._texts: deque[str] = deque()
        self._heard_ms = 0.0
        self._loud_ms = 0.0
        self._quiet_ms = 0.0
        self._speaking: str | None = None
        self._is_connected = True
        self._kept: list[bytes] = []
        """Frames a new connection would have to hear."""
        self._wordless: dict[str, str] = {}
        """Turns of the user's that are neither in words nor answered, and their words."""
        self._connection = 0
        self.options = options
        self.usage = RealtimeUsage()
        self.memory: list[Remembered] = []
        self.answers: list[tuple[str, str]] = []
        """What tools answered: call, output."""
        self.told: list[str] = []
        self.said: list[str | None] = []
        """What it was asked to say; None: to answer."""
        self.pasts: list[Sequence[Past]] = []
        """What it was told when it had forgotten everything."""

    # What the test does.

    def will_hear(self, *texts: str) -> None:
        self._texts.extend(texts)

    def emit(self, *events: RealtimeEvent) -> None:
        for event in events:
            self._events.put(event)

    def lose_connection(self) -> None:
        """It breaks, and is there again at once; turns it had not understood are heard again."""
        if not self._is_connected:
            return
        active = [*([self._active] if self._active else []), *self._asides]
        for response in active:
            response.scope.cancel()
            self.emit(ResponseDone(response=response.name, status="lost"))
        self._connection += 1
        self._texts.extendleft(reversed(self._wordless.values()))
        self._wordless.clear()
        self._active, self._asides, self._speaking = None, [], None
        self._is_connected = False
        self.memory.clear()
        self._tasks.start_soon(self._reconnect)

    def hold(self) -> None:
        """From now on it begins nothing it is asked for."""
        self._held = True

    def fail(self, error: ProviderError) -> None:
        """It is gone for good."""
        self._events.end(error)

    # RealtimeStream.

    async def connected(self) -> None:
        """From the beginning."""

    def feed(self, frame: bytes) -> None:
        self._kept.append(frame)
        if self._is_connected:
            self._hear(frame)

    def ask(self, *, say: str | None = None, aside: bool = False) -> str:
        response = _Response(f"ask-{next(self._numbers)}", say, aside)
        self.said.append(say)
        if aside:
            self._asides.append(response)
            self._begin(response)
        else:
            self._asked.append(response)
            self._next()
        return response.name

    def cancel(self, response: str) -> None:
        self._asked = deque(other for other in self._asked if other.name != response)
        if self._active is not None and self._active.name == response:
            self._stop(self._active)

    def truncate(self, item: str, heard_ms: int) -> None:
        for remembered in self._find(item):
            assert 0 < heard_ms <= remembered.audio_ms
            remembered.cut_ms, remembered.text = heard_ms, ""

    def forget(self, item: str) -> None:
        for remembered in self._find(item):
            self.memory.remove(remembered)

    def tell(self, text: str) -> None:
        self.told.append(text)

    def answer(self, call: ToolCall, output: str) -> None:
        self.answers.append((call.call, output))

    def renew(self) -> None:
        self.lose_connection()

    @property
    def makes_asides(self) -> bool:
        return True

    def __aiter__(self) -> AsyncIterator[RealtimeEvent]:
        return self._events

    # Hearing.

    def _hear(self, frame: bytes) -> None:
        ms = len(frame) / BYTES_PER_MS
        loud = sum(byte != ULAW_SILENCE for byte in frame) > len(frame) / 2
        self._heard_ms += ms
        self._loud_ms = self._loud_ms + ms if loud else 0.0
        self._quiet_ms = 0.0 if loud else self._quiet_ms + ms
        if self._speaking is None and self._loud_ms >= ONSET_MS:
            self._user_starts()
        elif self._speaking is not None and self._quiet_ms >= SILENCE_MS:
            self._user_stops(self._speaking)
        if self._speaking is None and not self._wordless:
            del self._kept[:-KEPT_FRAMES]

    def _user_starts(self) -> None:
        self._speaking = f"user-{next(self._numbers)}"
        self.emit(UserStarted())
        if self._active is not None:
            self._stop(self._active)

    def _user_stops(self, item: str) -> None:
        self._speaking = None
        self.usage.transcribed_sec += 1.0
        after = self.memory[-1].item if self.memory else None
        self.memory.append(Remembered(item, "user"))
        self.emit(UserStopped(silence_ms=self._quiet_ms), UserItem(item=item, after=after))
        self._wordless[item] = self._texts.popleft() if self._texts else ""
        self._tasks.start_soon(self._put_into_words, item, self._wordless[item])
        if self._active is None and self._model.answers_by_itself:
            self._active = _Response(f"own-{next(self._numbers)}")
            self._begin(self._active)

    async def _put_into_words(self, item: str, text: str) -> None:
        connection = self._connection
        await anyio.sleep(self._model.transcript_sec)
        if connection == self._connection:
            self._wordless.pop(item, None)
            self.emit(UserWords(item=item, text=text, final=True))

    # Speaking.

    def _next(self) -> None:
        if self._active is None and self._asked and self._is_connected and not self._held:
            self._active = self._asked.popleft()
            self._begin(self._active)

    def _begin(self, response: _Response) -> None:
        self.emit(ResponseStarted(response=response.name))
        self._tasks.start_soon(self._make, response)

    def _stop(self, response: _Response) -> None:
        response.scope.cancel()
        self._done(response, ResponseDone(response=response.name, status="cancelled"))

    def _done(self, response: _Response, event: ResponseDone) -> None:
        if response.aside:
            self._asides.remove(response)
        elif response is self._active:
            self._active = None
            if event.status == "completed":
                self._wordless.clear()
        self.emit(event)
        self._next()

    async def _make(self, response: _Response) -> None:
        with response.scope:
            entry = self._model.reply(response.say)
            await anyio.sleep(self._model.first_audio_sec)
            if isinstance(entry, Exception):
                self._done(response, ResponseDone(response=response.name, status="failed", message=str(entry)))
                return
            if entry.text:
                await self._speak(response, entry.text)
            self.usage.tokens["audio_output"] = self.usage.tokens.get("audio_output", 0) + len(entry.text)
            calls = [self._call(name, arguments) for name, arguments in entry.calls]
            self._done(response, ResponseDone(response=response.name, status="completed", calls=calls))

    async def _speak(self, response: _Response, text: str) -> None:
        item = Remembered(f"agent-{next(self._numbers)}", "agent")
        if not response.aside:
            self.memory.append(item)
            self.emit(ResponseItem(response=response.name, item=item.item))
        for index, word in enumerate(text.split()):
            piece = word if index == 0 else f" {word}"
            item.text += piece
            item.audio_ms += len(piece) * MS_PER_CHAR
            audio = b"\x00" * (len(piece) * MS_PER_CHAR * BYTES_PER_MS)
            self.emit(ResponseWords(response=response.name, text=piece))
            self.emit(ResponseAudio(response=response.name, audio=audio))
            await anyio.sleep(len(piece) * MS_PER_CHAR / 1000 / self._model.speed)
        item.whole = True

    def _call(self, name: str, arguments: str) -> ToolCall:
        item = Remembered(f"call-{next(self._numbers)}", "tool")
        self.memory.append(item)
        return ToolCall(item=item.item, call=item.item, name=name, arguments=arguments)

    async def _reconnect(self) -> None:
        await anyio.sleep(self._model.reconnect_sec)
        self._is_connected = True
        self.pasts.append(self.options.past())
        self.emit(Reconnected(lost_ms=0, message="the connection broke"))
        self._next()
        self._loud_ms = self._quiet_ms = 0.0
        missed, self._kept = self._kept, []
        for frame in missed:
            self.feed(frame)

    def _find(self, item: str) -> list[Remembered]:
        return [remembered for remembered in self.memory if remembered.item == item]


@dataclass(kw_only=True)
class ScriptedRealtime:
    """Answers the n-th turn with the n-th entry; an exception makes a response fail. Asked to say something, it does.

    Each call's stream is appended to `streams`.
    """

    script: list[Say | Exception] = field(default_factory=list[Say | Exception])
    provider: str = "scripted"
    model: str = "voice"
    transcriber: str = "scribe"
    first_audio_sec: float = 0.3
    transcript_sec: float = 0.4
    reconnect_sec: float = 0.2
    speed: float = 5.0
    """Seconds of audio made in a second."""
    answers_by_itself: bool = True
    """Once the user's turn is over."""
    slips: list[str] = field(default_factory=list[str])
    """Said instead of what it was asked to say, one after the other."""
    streams: list[ScriptedModelStream] = field(default_factory=list[ScriptedModelStream])

    def reply(self, say: str | None) -> Say | Exception:
        if say is not None:
            return Say(self.slips.pop(0) if self.slips else say)
        return self.script.pop(0) if self.script else Say("I see.")

    @asynccontextmanager
    async def open(self, options: RealtimeOptions) -> AsyncGenerator[ScriptedModelStream]:
        async with anyio.create_task_group() as tasks:
            stream = ScriptedModelStream(self, options, tasks)
            self.streams.append(stream)
            try:
                yield stream
            finally:
                tasks.cancel_scope.cancel()
