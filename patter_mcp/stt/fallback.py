"""Several recognisers as one: the first that can be had listens, and the next one takes over when it fails."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from anyio.abc import TaskGroup, TaskStatus

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.errors import ProviderError
from patter_mcp.mailbox import Mailbox
from patter_mcp.stt.base import Final, Reconnected, SpeechToText, SttEvent, SttOptions, SttStream, hears
from patter_mcp.vendors.helpers import helpers

REPLAY_MS = 10_000
"""Audio kept for whoever takes over."""
OVERLAP_MS = 300
"""Kept even after a final: it comes that much later than the sound it settles."""
STEADY_SEC = 10.0
"""Whoever fails sooner than that after taking over has not helped; once around, and we give up."""

Reliance = Literal["none", "silence", "semantic"]
_RELIANCE: tuple[Reliance, ...] = ("none", "silence", "semantic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one provider did of a call; for the bill."""

    provider: str
    model: str
    audio_sec: float


class FallbackSTT:
    """Speech-to-text by the first of several providers that works.

    `provider` and `model` are the first one's; what each really did is in the stream's `shares`.
    """

    def __init__(self, primary: SpeechToText, *others: SpeechToText) -> None:
        self._providers = (primary, *others)

    @property
    def provider(self) -> str:
        return self._providers[0].provider

    @property
    def model(self) -> str:
        return self._providers[0].model

    @property
    def end_of_turn(self) -> Reliance:
        """What can be relied on whoever listens."""
        return _RELIANCE[min(_RELIANCE.index(provider.end_of_turn) for provider in self._providers)]

    def open(self, options: SttOptions) -> AbstractAsyncContextManager[FallbackStream]:
        """Raises:
        ProviderError: none of them could be opened; it is the last one's.
        """
        return _open(self._providers, options)


@asynccontextmanager
async def _open(providers: Sequence[SpeechToText], options: SttOptions) -> AsyncGenerator[FallbackStream]:
    async with helpers() as tasks:
        stream = FallbackStream(providers, options, tasks)
        await stream.start()
        yield stream


class FallbackStream:
    """One call's ear; `SttStream`. Each provider's stream lives in a task of its own."""

    def __init__(self, providers: Sequence[SpeechToText], options: SttOptions, tasks: TaskGroup) -> None:
        self._providers = providers
        self._options = options
        self._tasks = tasks
        self._events = Mailbox[SttEvent]()
        self._serving = 0
        self._stream: SttStream | None = None
        self._recent = bytearray()
        self._lost_bytes = 0
        self._taken_bytes = 0
        self._failures = 0
        self._streams: list[tuple[SpeechToText, SttStream]] = []
        self.failures: list[ProviderError] = []
        """Of providers that could not be opened."""

    def feed(self, frame: bytes) -> None:
        self._taken_bytes += len(frame)
        self._keep(frame)
        if self._stream is not None:
            self._stream.feed(frame)

    def finalize(self) -> None:
        if self._stream is not None:
            self._stream.finalize()

    @property
    def audio_sec(self) -> float:
        return self._taken_bytes / BYTES_PER_MS / 1000

    @property
    def shares(self) -> Sequence[Share]:
        """What each provider took, in the order in which they served."""
        return [
            Share(provider=provider.provider, model=provider.model, audio_sec=stream.audio_sec)
            for provider, stream in self._streams
        ]

    @property
    def hears(self) -> bool:
        return self._stream is not None and hears(self._stream)

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self._events

    async def start(self) -> None:
        """Raises:
        ProviderError: nobody could be opened.
        """
        await self._open_from(0, len(self._providers))

    async def _open_from(self, first: int, count: int) -> None:
        """Opens the first of `count` providers that can be opened, going around."""
        error: ProviderError | None = None
        for number in range(first, first + count):
            self._serving = number % len(self._providers)
            try:
                await self._tasks.start(self._serve, self._providers[self._serving])
            except ProviderError as failure:
                error = failure
                self.failures.append(failure)
            else:
                return
        assert error is not None
        raise error

    async def _serve(self, provider: SpeechToText, *, task_status: TaskStatus[None]) -> None:
        since_mono = time.monotonic()
        async with provider.open(self._options) as stream:
            self._streams.append((provider, stream))
            self._take_up(stream)
            task_status.started()
            try:
                async for event in stream:
                    self._pass_on(event)
                return
            except ProviderError as failure:
                self._stream = None
                error = failure
        if time.monotonic() - since_mono > STEADY_SEC:
            self._failures = 0
        self._tasks.start_soon(self._replace, error)

    async def _replace(self, error: ProviderError) -> None:
        self._failures += 1
        others = len(self._providers) - 1
        if self._failures > others:
            self._events.end(error)
            return
        lost_ms = self._lost_bytes // BYTES_PER_MS
        try:
            await self._open_from(self._serving + 1, others)
        except ProviderError as last:
            self._events.end(last)
        else:
            name = self._providers[self._serving].provider
            self._events.put(Reconnected(lost_ms=lost_ms, message=f"{error.message}; {name} has taken over"))

    def _take_up(self, stream: SttStream) -> None:
        if self._recent:
            stream.feed(bytes(self._recent))
        self._stream = stream

    def _pass_on(self, event: SttEvent) -> None:
        if isinstance(event, Final):
            del self._recent[: max(0, len(self._recent) - OVERLAP_MS * BYTES_PER_MS)]
            self._lost_bytes = 0
        self._events.put(event)

    def _keep(self, frame: bytes) -> None:
        self._recent += frame
        too_much = len(self._recent) - REPLAY_MS * BYTES_PER_MS
        if too_much > 0:
            del self._recent[:too_much]
            self._lost_bytes += too_much
