"""A vendor's failure as the call's record tells it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TypeVar

from patter_mcp.conversation.engine import Journal
from patter_mcp.errors import ProviderError, ProviderStatusError, overcome
from patter_mcp.events import CostPart, ProviderTrouble

BUSY_PAUSE_SEC = 0.3
"""Left to a vendor that refuses us for the moment and does not say for how long."""
LONGEST_PAUSE_SEC = 4.0
"""Nobody on a phone waits longer only to be let ask again."""

T = TypeVar("T")


def trouble(part: CostPart, error: ProviderError, *, recovered: bool) -> ProviderTrouble:
    return ProviderTrouble(
        part=part, provider=error.provider, code=error.code, message=error.message, recovered=recovered
    )


class Troubles:
    """What one part of a call gets over by itself. Each is put down once, however many requests come upon it."""

    def __init__(self, journal: Journal, part: CostPart) -> None:
        self._journal = journal
        self._part: CostPart = part
        self._told: set[ProviderError] = set()

    def note(self, source: object) -> None:
        for error in overcome(source):
            if error not in self._told:
                self._told.add(error)
                self._journal.write(trouble(self._part, error, recovered=True))

    @contextmanager
    def noted(self, source: object) -> Generator[None]:
        """The same at the block's end."""
        try:
            yield
        finally:
            self.note(source)


@asynccontextmanager
async def opened(part: CostPart, stream: AbstractAsyncContextManager[T], journal: Journal) -> AsyncGenerator[T]:
    """Has the record say which part could not be had, or only with difficulty."""
    try:
        async with stream as source:
            Troubles(journal, part).note(source)
            yield source
    except ProviderError as error:
        journal.write(trouble(part, error, recovered=False))
        raise


def pause_before_retry_sec(error: ProviderError) -> float | None:
    """How long to wait before a vendor is asked once more; None: that is no use."""
    if not error.retryable:
        return None
    if not isinstance(error, ProviderStatusError):
        return 0.0
    wanted_sec = BUSY_PAUSE_SEC if error.retry_after_sec is None else error.retry_after_sec
    return wanted_sec if wanted_sec <= LONGEST_PAUSE_SEC else None
