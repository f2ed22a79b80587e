"""A recogniser's stream, read in the background."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from stream_reader import StreamReader

from patter_mcp.stt.base import Final, SpeechToText, SttEvent, SttOptions, SttStream
from patter_mcp.vendors.helpers import helpers


class Ear(StreamReader[SttEvent]):
    """Reads a recogniser's stream."""

    def __init__(self, stream: SttStream) -> None:
        super().__init__(stream)
        self.stream = stream

    async def turns(self, count: int) -> Sequence[str]:
        """The first turns, as soon as that many have ended."""
        await self.until(lambda: len(self._ended_turns()) >= count)
        return self._ended_turns()

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
