"""Several voices as one: the first that can be had speaks, and the next one takes over when it fails.

What had not been said is said by whoever takes over, so one sentence may begin in one voice and end in another.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup, TaskStatus

from patter_mcp.audio.frame import duration_ms
from patter_mcp.errors import ProviderError, overcome
from patter_mcp.tts.base import Speech, TextToSpeech, TtsOptions, TtsStream, Utterance
from patter_mcp.tts.script import Script
from patter_mcp.vendors.helpers import helpers

MS_PER_CHAR = 75.0
"""Slow speech: where a vendor did not say how far it came, rather repeat a word than lose one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one provider did of a call; for the bill."""

    provider: str
    model: str
    characters: int


class FallbackTTS:
    """Text-to-speech by the first of several providers that works.

    `provider` and `model` are the first one's; what each really did is in the stream's `shares`.
    """

    def __init__(self, primary: TextToSpeech, *others: TextToSpeech) -> None:
        self._providers = (primary, *others)

    @property
    def provider(self) -> str:
        return self._providers[0].provider

    @property
    def model(self) -> str:
        return self._providers[0].model

    def open(self, options: TtsOptions) -> AbstractAsyncContextManager[FallbackVoice]:
        """Raises:
        ProviderError: none of them could be opened; it is the last one's.
        """
        return _open(self._providers, options)


@asynccontextmanager
async def _open(providers: Sequence[TextToSpeech], options: TtsOptions) -> AsyncGenerator[FallbackVoice]:
    async with helpers() as tasks:
        voice = FallbackVoice(providers, options, tasks)
        await voice.start()
        yield voice


class FallbackVoice:
    """One call's voice; `TtsStream`. Each provider's stream lives in a task of its own."""

    def __init__(self, providers: Sequence[TextToSpeech], options: TtsOptions, tasks: TaskGroup) -> None:
        self._providers = providers
        self._options = options
        self._tasks = tasks
        self._serving = 0
        self._stream: TtsStream
        self._leave = anyio.Event()
        self._changing = anyio.Lock()
        self._streams: list[tuple[TextToSpeech, TtsStream]] = []
        self.failures: list[ProviderError] = []
        """Of providers that could not be opened."""

    def utterance(self) -> FallbackUtterance:
        return FallbackUtterance(self)

    @property
    def characters(self) -> int:
        return sum(stream.characters for _, stream in self._streams)

    @property
    def shares(self) -> Sequence[Share]:
        """What each provider was given, in the order in which they served."""
        return [
            Share(provider=provider.provider, model=provider.model, characters=stream.characters)
            for provider, stream in self._streams
        ]

    @property
    def stream(self) -> TtsStream:
        """Whoever serves now."""
        return self._stream

    @property
    def attempts(self) -> int:
        """How many providers an utterance may be tried on."""
        return len(self._providers)

    async def start(self) -> None:
        """Raises:
        ProviderError: nobody could be opened.
        """
        await self._open_from(0, len(self._providers))

    async def take_over(self, failed: TtsStream, error: ProviderError) -> None:
        """Makes another provider serve, unless that has been done since `failed` did.

        Raises:
            ProviderError: there is no other.
        """
        async with self._changing:
            if self._stream is not failed:
                return
            if len(self._providers) == 1:
                raise error
            leave = self._leave
            await self._open_from(self._serving + 1, len(self._providers) - 1)
            leave.set()

    async def _open_from(self, first: int, count: int) -> None:
        """Opens the first of `count` providers that can be opened, going around."""
        error: ProviderError | None = None
        for number in range(first, first + count):
            index = number % len(self._providers)
            try:
                await self._tasks.start(self._serve, self._providers[index])
            except ProviderError as failure:
                error = failure
                self.failures.append(failure)
            else:
                self._serving = index
                return
        assert error is not None
        raise error

    async def _serve(self, provider: TextToSpeech, *, task_status: TaskStatus[None]) -> None:
        leave = anyio.Event()
        async with provider.open(self._options) as stream:
            self._streams.append((provider, stream))
            self._stream, self._leave = stream, leave
            task_status.started()
            await leave.wait()


class FallbackUtterance:
    """`Utterance`. Keeps its text until it is spoken."""

    def __init__(self, voice: FallbackVoice) -> None:
        self._voice = voice
        self._script = Script()
        self._ended = False
        self._cancelled = False
        self._stream = voice.stream
        self._utterance: Utterance = self._stream.utterance()
        self._base = 0
        """Where in the text the present provider began."""
        self._unplaced_ms = 0.0
        """Audio since the last word of how far it came."""
        self._failures: list[ProviderError] = []

    @property
    def failures(self) -> Sequence[ProviderError]:
        """That were got over, by another provider or by one's own strength."""
        return [*self._failures, *overcome(self._utterance)]

    def feed(self, text: str) -> None:
        if text.strip() and not self._ended:
            self._script.add(text)
            self._utterance.feed(text)

    def end(self) -> None:
        self._ended = True
        self._utterance.end()

    def cancel(self) -> None:
        self._cancelled = True
        self._utterance.cancel()

    def __aiter__(self) -> AsyncIterator[Speech]:
        return self._speech()

    async def _speech(self) -> AsyncGenerator[Speech]:
        for attempt in range(1, self._voice.attempts + 1):
            try:
                async for speech in self._utterance:
                    yield self._placed(speech)
                return
            except ProviderError as error:
                if attempt == self._voice.attempts:
                    raise
                await self._voice.take_over(self._stream, error)
                self._failures += [*overcome(self._utterance), error]
            if self._cancelled:
                return
            self._start_over()

    def _placed(self, speech: Speech) -> Speech:
        if speech.text_chars is None:
            self._unplaced_ms += duration_ms(speech.audio)
            return speech
        self._unplaced_ms = 0.0
        self._script.spoken = self._base + speech.text_chars
        return Speech(audio=speech.audio, text_chars=self._script.spoken)

    def _start_over(self) -> None:
        """Gives what was not spoken to whoever serves now."""
        script = self._script
        script.spoken = min(len(script.text), script.spoken + int(self._unplaced_ms / MS_PER_CHAR))
        script.rewind()
        self._unplaced_ms = 0.0
        rest = script.take_unsent()
        self._base = len(script.text.rstrip()) - len(rest)
        self._stream = self._voice.stream
        self._utterance = self._stream.utterance()
        self._utterance.feed(rest)
        if self._ended:
            self._utterance.end()
