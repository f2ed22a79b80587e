"""Audio to feed and ears to read, for tests of recognisers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from patter_mcp.audio.frame import FRAME_BYTES, silence
from patter_mcp.stt.base import Final, SpeechToText, SttEvent, SttOptions, SttStream
from patter_mcp.testing.speech import sing
from patter_mcp.vendors.helpers import helpers


def voice(ms: int) -> bytes:
    """Loud audio; content is of no account, fake recognisers hear by loudness."""
    return sing("a" * (ms // 60 + 1))[: ms * 8]


def feed(stream: SttStream, audio: bytes) -> None:
    """In frames, as a carrier would."""
    for start in range(0, len(audio), FRAME_BYTES):
        stream.feed(audio[start : start + FRAME_BYTES])


def say(stream: SttStream, ms: int = 600, pause_ms: int = 700) -> None:
    """One utterance and the silence that ends it."""
    feed(stream, voice(ms) + silence(pause_ms))


class Ear:
    """Reads a stream in the background."""

    def __init__(self, stream: SttStream) -> None:
        self.stream = stream
        self.events: list[SttEvent] = []
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

    async def until(self, condition: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while not condition():
                self._changed = anyio.Event()
                await self._changed.wait()

    async def turns(self, count: int) -> Sequence[str]:
        """The first turns, as soon as that many have ended."""
        await self.until(lambda: len(self._ended_turns()) >= count)
        return self._ended_turns()

    def of(self, *kinds: type[SttEvent]) -> list[SttEvent]:
        return [event for event in self.events if isinstance(event, kinds)]

    def _ended_turns(self) -> list[str]:
        turns: list[str] = []
        parts: list[str] = []
        for event in self.events:
            if isinstance(event, Final):
                parts.append(event.text)
                if event.end_of_turn:
                    turns.append(" ".join(part for part in parts if part))
                    parts = []
        return turns


@asynccontextmanager
async def listening(stt: SpeechToText, options: SttOptions | None = None) -> AsyncGenerator[Ear]:
    """Opens a stream and reads it."""
    async with stt.open(options or SttOptions()) as stream, helpers() as tasks:
        ear = Ear(stream)
        tasks.start_soon(ear.run)
        yield ear
