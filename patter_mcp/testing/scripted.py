"""Ears, minds and voices that do as they are told, and a line in memory: for tests of everything around them.

Latencies are exact under `testing.virtual_time`. For the vendors' wire formats see the fake servers instead.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import anyio

from patter_mcp.audio.frame import BYTES_PER_MS, FRAME_BYTES
from patter_mcp.conversation.leg import Ear
from patter_mcp.errors import ProviderError
from patter_mcp.llm.base import Chunk, DoneChunk, LlmOptions, Message, TextChunk, ToolCallChunk, ToolSpec
from patter_mcp.stt.base import SttEvent, SttOptions
from patter_mcp.tts.base import Speech, TtsOptions
from patter_mcp.types import EndReason

MS_PER_CHAR = 60
"""Length of scripted speech; about 150 English words a minute."""


class ScriptedStream:
    """A recogniser's stream; the test says what it recognises."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[SttEvent | ProviderError](1000)
        self.audio_sec = 0.0
        self.finalized_count = 0
        self.on_finalize: Callable[[], SttEvent | None] | None = None

    def emit(self, *events: SttEvent | ProviderError) -> None:
        for event in events:
            self._send.send_nowait(event)

    def feed(self, frame: bytes) -> None:
        self.audio_sec += len(frame) / BYTES_PER_MS / 1000

    def finalize(self) -> None:
        self.finalized_count += 1
        event = self.on_finalize() if self.on_finalize else None
        if event is not None:
            self.emit(event)

    def close(self) -> None:
        self._send.close()
        self._receive.close()

    async def __aiter__(self) -> AsyncIterator[SttEvent]:
        async for event in self._receive:
            if isinstance(event, ProviderError):
                raise event
            yield event


@dataclass(kw_only=True)
class ScriptedSTT:
    """Each call's stream is appended to `streams`."""

    provider: str = "scripted"
    model: str = "ear"
    end_of_turn: Literal["none", "silence", "semantic"] = "silence"
    streams: list[ScriptedStream] = field(default_factory=list[ScriptedStream])

    @asynccontextmanager
    async def open(self, options: SttOptions) -> AsyncGenerator[ScriptedStream]:
        stream = ScriptedStream()
        self.streams.append(stream)
        try:
            yield stream
        finally:
            stream.close()


@dataclass(frozen=True, slots=True)
class Say:
    """One completion: words, then tool calls (name, JSON arguments)."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()


@dataclass(kw_only=True)
class ScriptedLLM:
    """Answers the n-th request with the n-th entry; an exception is raised instead.

    `requests` keeps what it was asked, `cancelled_count` how many answers were not read to their end.
    """

    script: list[Say | Exception] = field(default_factory=list[Say | Exception])
    provider: str = "scripted"
    model: str = "mind"
    first_token_sec: float = 0.2
    token_sec: float = 0.01
    requests: list[list[Message]] = field(default_factory=list[list[Message]])
    cancelled_count: int = 0

    async def warmup(self) -> None:
        await anyio.lowlevel.checkpoint()

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: LlmOptions = LlmOptions()
    ) -> AsyncGenerator[Chunk]:
        self.requests.append(list(messages))
        entry = self.script.pop(0) if self.script else Say("I see.")
        complete = False
        try:
            await anyio.sleep(self.first_token_sec)
            if isinstance(entry, Exception):
                raise entry
            for token in _tokens(entry.text):
                yield TextChunk(text=token)
                await anyio.sleep(self.token_sec)
            for index, (name, arguments) in enumerate(entry.calls):
                yield ToolCallChunk(index=index, id=f"t{index}", name=name, arguments=arguments)
            yield DoneChunk(reason="tool_calls" if entry.calls else "stop")
            complete = True
        finally:
            self.cancelled_count += not complete


class ScriptedUtterance:
    """Speaks a constant byte, `MS_PER_CHAR` a character, each piece after the voice's first-byte latency."""

    def __init__(self, voice: ScriptedTTS, count: Callable[[int], None]) -> None:
        self._voice = voice
        self._count = count
        self._send, self._receive = anyio.create_memory_object_stream[str](math.inf)
        self._scope = anyio.CancelScope()

    def feed(self, text: str) -> None:
        self._count(len(text))
        self._send.send_nowait(text)

    def end(self) -> None:
        self._send.close()

    def cancel(self) -> None:
        self._send.close()
        self._scope.cancel()

    async def __aiter__(self) -> AsyncIterator[Speech]:
        spoken = 0
        with self._receive:
            while True:
                speech: Speech | None = None
                with self._scope:
                    try:
                        piece = await self._receive.receive()
                    except anyio.EndOfStream:
                        return
                    await anyio.sleep(self._voice.first_byte_sec)
                    spoken += len(piece)
                    speech = Speech(audio=b"\x00" * (len(piece) * MS_PER_CHAR * BYTES_PER_MS), text_chars=spoken)
                if speech is None:
                    return
                if self._voice.error is not None:
                    raise self._voice.error
                yield speech


class ScriptedVoiceStream:
    def __init__(self, voice: ScriptedTTS) -> None:
        self._voice = voice
        self.characters = 0

    def utterance(self) -> ScriptedUtterance:
        return ScriptedUtterance(self._voice, self._count)

    def _count(self, characters: int) -> None:
        self.characters += characters


@dataclass(kw_only=True)
class ScriptedTTS:
    provider: str = "scripted"
    model: str = "voice"
    first_byte_sec: float = 0.1
    error: ProviderError | None = None
    """Set in the middle of a call, it breaks the voice from the next piece on."""

    @asynccontextmanager
    async def open(self, options: TtsOptions) -> AsyncGenerator[ScriptedVoiceStream]:
        yield ScriptedVoiceStream(self)


class MemoryPlayout:
    """A line that plays what it is given at once and in real time, without a carrier's queue."""

    def __init__(self) -> None:
        self._written_ms = 0.0
        self._ends_at = -math.inf
        self._held = False
        self.first_sent_at: float | None = None
        self.cleared_count = 0
        self._moved = anyio.Event()

    @property
    def written_ms(self) -> float:
        return self._written_ms

    @property
    def heard_ms(self) -> float:
        return self._written_ms - max(0.0, (self._ends_at - anyio.current_time()) * 1000)

    def write(self, audio: bytes) -> None:
        if not audio:
            return
        now = anyio.current_time()
        if self._ends_at <= now:
            self.first_sent_at = now
        self._written_ms += len(audio) / BYTES_PER_MS
        self._ends_at = max(self._ends_at, now) + len(audio) / BYTES_PER_MS / 1000
        self._moved.set()

    def clear(self) -> float:
        self._written_ms = self.heard_ms
        self._ends_at = -math.inf
        self.first_sent_at = None
        self.cleared_count += 1
        self._moved.set()
        return self._written_ms

    def hold(self, held: bool) -> None:
        self._held = held

    async def drained(self) -> None:
        while (left_sec := self._ends_at - anyio.current_time()) > 1e-6:
            self._moved = anyio.Event()
            with anyio.move_on_after(left_sec):
                await self._moved.wait()


class MemoryLeg:
    """A phone line in memory. The test is the user: it speaks, is silent, hangs up."""

    def __init__(self) -> None:
        self.playout = MemoryPlayout()
        self.ear: Ear | None = None
        self.digits = ""
        self.listened_to = anyio.Event()

    def listen(self, ear: Ear) -> None:
        self.ear = ear
        self.listened_to.set()

    async def send_digits(self, digits: str) -> None:
        self.digits += digits

    async def speak(self, seconds: float, level: int = 0x00) -> None:
        """Sound for that long, frame by frame; `level` is the μ-law byte (0x00 loud, 0xFF silence)."""
        assert self.ear is not None
        for _ in range(round(seconds * 50)):
            self.ear.heard(bytes((level,)) * FRAME_BYTES)
            await anyio.sleep(0.02)

    async def quiet(self, seconds: float) -> None:
        await self.speak(seconds, 0xFF)

    def hang_up(self, reason: EndReason = EndReason.USER_HUNG_UP) -> None:
        assert self.ear is not None
        self.ear.line_ended(reason)


def _tokens(text: str) -> list[str]:
    """Words with the space before them, as models send them."""
    return [word if index == 0 else f" {word}" for index, word in enumerate(text.split())]
