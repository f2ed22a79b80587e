"""A model's stream, read in the background."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from stream_reader import StreamReader

from patter_mcp.realtime.base import (
    RealtimeEvent,
    RealtimeOptions,
    RealtimeStream,
    ResponseAudio,
    ResponseDone,
    ResponseWords,
    SpeechToSpeech,
)
from patter_mcp.vendors.helpers import helpers


class Reader(StreamReader[RealtimeEvent]):
    """Reads a model's stream."""

    def __init__(self, stream: RealtimeStream) -> None:
        super().__init__(stream)
        self.stream = stream

    async def first(self, kind: type[Any], nth: int = 0) -> Any:
        await self.until(lambda: len(self.of(kind)) > nth)
        return self.of(kind)[nth]

    async def done(self, response: str) -> ResponseDone:
        await self.until(lambda: any(event.response == response for event in self.of(ResponseDone)))
        return next(event for event in self.of(ResponseDone) if event.response == response)

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
