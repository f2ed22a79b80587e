"""A vendor's audio stream, read in the background, and audio to feed it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeVar

import anyio

from patter_mcp.audio.frame import FRAME_BYTES, silence
from patter_mcp.testing.speech import sing

E_co = TypeVar("E_co", covariant=True)
E = TypeVar("E")


class AudioStream(Protocol[E_co]):
    """Takes frames; tells what comes of them."""

    def feed(self, frame: bytes) -> None: ...
    def __aiter__(self) -> AsyncIterator[E_co]: ...


def voice(ms: int) -> bytes:
    """Loud audio; content is of no account, fake vendors hear by loudness."""
    return sing("a" * (ms // 60 + 1))[: ms * 8]


def feed(stream: AudioStream[Any], audio: bytes) -> None:
    """In frames, as a carrier would."""
    for start in range(0, len(audio), FRAME_BYTES):
        stream.feed(audio[start : start + FRAME_BYTES])


def say(stream: AudioStream[Any], ms: int = 600, pause_ms: int = 700) -> None:
    """One utterance and the silence that ends it."""
    feed(stream, voice(ms) + silence(pause_ms))


class StreamReader(Generic[E]):
    """Keeps what the stream tells."""

    def __init__(self, stream: AudioStream[E]) -> None:
        self.events: list[E] = []
        self.error: Exception | None = None
        self._source = stream
        self._changed = anyio.Event()

    async def run(self) -> None:
        try:
            async for event in self._source:
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

    def of(self, *kinds: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]
