"""A model's stream, read in the background, and audio to feed it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio

from patter_mcp.audio.frame import FRAME_BYTES, silence
from patter_mcp.realtime.base import (
    RealtimeEvent,
    RealtimeOptions,
    RealtimeStream,
    ResponseAudio,
    ResponseDone,
    ResponseWords,
    SpeechToSpeech,
)
from patter_mcp.testing.speech import sing
from patter_mcp.vendors.helpers import helpers


def feed(stream: RealtimeStream, audio: bytes) -> None:
    """In frames, as a carrier would."""
    for start in range(0, len(audio), FRAME_BYTES):
        stream.feed(audio[start : start + FRAME_BYTES])


def voice(ms: int) -> bytes:
    return sing("a" * (ms // 60 + 1))[: ms * 8]


def say(stream: RealtimeStream, ms: int = 600, pause_ms: int = 700) -> None:
    """One utterance and the silence that ends it."""
    feed(stream, voice(ms) + silence(pause_ms))


class Reader:
    """Keeps what the model tells."""

    def __init__(self, stream: RealtimeStream) -> None:
        self.stream = stream
        self.events: list[RealtimeEvent] = []
        self.error: Exception | None = None
        self._changed = anyio.Event()

    async def run(self) -> None:
        try:
            async for event in self.stream:
                self.events.append(event)
                self._changed.set()
        except Exception as error:
            self.error = error
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        with anyio.fail_after(5):
            while not condition():
                self._changed = anyio.Event()
                await self._changed.wait()

    async def first(self, kind: type[Any], nth: int = 0) -> Any:
        await self.until(lambda: len(self.of(kind)) > nth)
        return self.of(kind)[nth]

    async def done(self, response: str) -> ResponseDone:
        await self.until(lambda: any(event.response == response for event in self.of(ResponseDone)))
        return next(event for event in self.of(ResponseDone) if event.response == response)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def text(self, response: str) -> str:
        return "".join(event.text for event in self.of(ResponseWords) if event.response == response)

    def audio(self, response: str) -> bytes:
        return b"".join(event.audio for event in self.of(ResponseAudio) if event.response == response)


@asynccontextmanager
async def talking(model: SpeechToSpeech, options: RealtimeOptions | None = None) -> AsyncGenerator[Reader]:
    """Opens a stream and reads it."""
    async with model.open(options or RealtimeOptions(instructions="Be brief.")) as stream, helpers() as tasks:
        reader = Reader(stream)
        tasks.start_soon(reader.run)
        yield reader
