"""Several language models as one: when the first does not answer, the next one does."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import anyio

from patter_mcp.errors import ProviderError, ProviderTimeout
from patter_mcp.llm.base import Chunk, Closable, LanguageModel, LlmOptions, Message, ToolSpec, served_by

logger = logging.getLogger(__name__)


class PassedOver(ProviderError):
    """Told of a model that was not asked, because it failed a short while ago. Never raised."""

    code = "passed-over"


class FallbackLLM:
    """Asks the models in their order until one begins to answer; a model that has begun must also end.

    A model that failed is asked last for a while.

    Args:
        primary: Whose name and model it goes by.
        others: In order of preference.
        first_token_sec: How long each but the last may take for its first chunk, besides its own time limits.
        sick_sec: How long a failure is remembered; what the vendor itself asks for (Retry-After) counts if longer.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        primary: LanguageModel,
        *others: LanguageModel,
        first_token_sec: float = 3.0,
        sick_sec: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = (primary, *others)
        self._first_token_sec = first_token_sec
        self._sick_sec = sick_sec
        self._clock = clock
        self._well_again_at = [float("-inf")] * len(self._models)
        self._why_sick: dict[int, PassedOver] = {}
        """One value for as long as it lasts, so that who has been told can know."""

    @property
    def provider(self) -> str:
        return self._models[0].provider

    @property
    def model(self) -> str:
        return self._models[0].model

    async def warmup(self) -> None:
        """Of all models at once; one that fails is known to be sick before anyone waits for it.

        Raises:
            ProviderError: none of them can be reached.
        """
        failures: list[ProviderError] = []
        async with anyio.create_task_group() as tasks:
            for number in range(len(self._models)):
                tasks.start_soon(self._warm, number, failures)
        if len(failures) == len(self._models):
            raise failures[0]

    async def _warm(self, number: int, failures: list[ProviderError]) -> None:
        try:
            await self._models[number].warmup()
        except ProviderError as error:
            self._note_failure(number, error)
            failures.append(error)

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: LlmOptions = LlmOptions()
    ) -> FallbackStream:
        return FallbackStream(self, messages, tools, options)

    async def attempts(
        self, stream: FallbackStream, messages: Sequence[Message], tools: Sequence[ToolSpec], options: LlmOptions
    ) -> AsyncGenerator[Chunk]:
        """The chunks of the first model that gives any; tells `stream` which one it is."""
        *ahead, last = self._order()
        stream.failures += [self._why_sick[number] for number in range((*ahead, last)[0])]
        for number in (*ahead, last):
            model = self._models[number]
            began = False
            async with aclosing(model.stream(messages, tools, options)) as chunks:
                try:
                    first = await self._first(chunks, model, None if number == last else self._first_token_sec)
                    began = True
                    stream.served_by = served_by(chunks, model)
                    if first is not None:
                        yield first
                    async for chunk in chunks:
                        yield chunk
                    return
                except ProviderError as error:
                    self._note_failure(number, error)
                    if began or number == last:
                        raise
                    stream.failures.append(error)

    def _order(self) -> list[int]:
        now = self._clock()
        return sorted(range(len(self._models)), key=lambda number: self._well_again_at[number] > now)

    async def _first(
        self, chunks: AsyncGenerator[Chunk], model: LanguageModel, timeout_sec: float | None
    ) -> Chunk | None:
        with anyio.move_on_after(timeout_sec):
            return await anext(chunks, None)
        raise ProviderTimeout(f"{model.provider} is slow to answer", provider=model.provider, retryable=True)

    def _note_failure(self, number: int, error: ProviderError) -> None:
        logger.warning("a language model failed", extra={"provider": error.provider, "code": error.code})
        wait_sec = max(self._sick_sec, getattr(error, "retry_after_sec", None) or 0.0)
        now = self._clock()
        if self._well_again_at[number] <= now:
            message = f"{self._models[number].model} was passed over: {error.message}"
            self._why_sick[number] = PassedOver(message, provider=error.provider, retryable=True)
        self._well_again_at[number] = now + wait_sec

    async def aclose(self) -> None:
        for model in self._models:
            if isinstance(model, Closable):
                await model.aclose()


class FallbackStream(AsyncGenerator[Chunk, None]):
    """The chunks, and where they come from."""

    def __init__(
        self, fallback: FallbackLLM, messages: Sequence[Message], tools: Sequence[ToolSpec], options: LlmOptions
    ) -> None:
        self.served_by: LanguageModel = fallback
        """Set with the first chunk; until then the `FallbackLLM` itself, which goes by its first model's name."""
        self.failures: list[ProviderError] = []
        """Of the models that come before it: those that were asked, and those that were known to fail."""
        self._chunks = fallback.attempts(self, messages, tools, options)

    async def asend(self, value: None) -> Chunk:
        return await self._chunks.asend(value)

    async def athrow(self, *args: Any) -> Chunk:
        return await self._chunks.athrow(*args)

    async def aclose(self) -> None:
        await self._chunks.aclose()
