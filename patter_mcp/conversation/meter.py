"""What a call's providers used, for the bill."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from patter_mcp.llm.base import Message, UsageChunk

logger = logging.getLogger(__name__)

CHARS_PER_TOKEN = 4
"""Stands in where a vendor sends no usage; English text runs at three to five characters a token."""


@dataclass(slots=True)
class RequestMeter:
    """One request to a model."""

    prompt_chars: int
    text_chars: int = 0
    reported: UsageChunk | None = None

    def text(self, text: str) -> None:
        self.text_chars += len(text)

    def usage(self, chunk: UsageChunk) -> None:
        self.reported = chunk


@dataclass(slots=True)
class LlmMeter:
    """All requests of a call, those cut off or thrown away included: they are billed too."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    estimated: bool = False
    _warned: bool = field(default=False, repr=False)

    def quantities(self) -> dict[str, float]:
        """For the record."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_creation_tokens": self.cache_creation_tokens,
        }

    @contextmanager
    def request(self, messages: Sequence[Message]) -> Generator[RequestMeter]:
        """Counts one request, however it ends."""
        meter = RequestMeter(sum(len(message["content"]) for message in messages))
        complete = False
        try:
            yield meter
            complete = True
        finally:
            self._count(meter, complete)

    def _count(self, meter: RequestMeter, complete: bool) -> None:
        usage = meter.reported
        if usage is None:
            if complete and not self._warned:
                self._warned = True
                logger.warning("a model reported no usage; tokens are estimated from characters")
            self.estimated = True
            usage = UsageChunk(
                input_tokens=-(-meter.prompt_chars // CHARS_PER_TOKEN),
                output_tokens=-(-meter.text_chars // CHARS_PER_TOKEN),
            )
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cache_read_tokens += usage.cache_read_tokens
        self.cache_creation_tokens += usage.cache_creation_tokens
