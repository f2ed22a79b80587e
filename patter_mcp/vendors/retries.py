"""How stubbornly a connection is made, and made again in the middle of a call."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderStatusError

DELAYS_SEC = (0.0, 0.25, 1.0)
ATTEMPT_TIMEOUT_SEC = 2.5
"""For each attempt; less than at the beginning of a call, because somebody is waiting."""
OPENING_SEC = 2.0
"""At the beginning of a call no other attempt begins after that: it may be answered by then."""
LONGEST_PAUSE_SEC = 2.0
"""A vendor that asks for a longer one (Retry-After) does not get it."""
STEADY_SEC = 10.0
"""A connection that held this long gives the next one all its attempts back."""

T = TypeVar("T")


class Retries:
    """One call's patience with one vendor."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._delays = iter(DELAYS_SEC)
        self._connected_mono = 0.0
        self.failures: list[ProviderError] = []
        """Of all attempts."""

    def connected(self) -> None:
        self._connected_mono = time.monotonic()

    def lost(self) -> None:
        if time.monotonic() - self._connected_mono > STEADY_SEC:
            self.renew()

    def renew(self) -> None:
        """All attempts are there again."""
        self._delays = iter(DELAYS_SEC)

    async def connect(
        self, attempt: Callable[[], Awaitable[T]], failure: ProviderError | None = None, *, limit_sec: float = math.inf
    ) -> T:
        """Attempts until one succeeds; with a `failure` that will not pass, not even once.

        Args:
            limit_sec: No other attempt begins later.

        Raises:
            ProviderError: the failure that was not worth another attempt, or the last one.
        """
        error, ends_at = failure, time.monotonic() + limit_sec
        while (error is None or error.retryable) and (delay_sec := next(self._delays, None)) is not None:
            pause_sec = max(delay_sec, _wanted_pause_sec(error))
            if time.monotonic() + pause_sec > ends_at:
                break
            await anyio.sleep(pause_sec)
            try:
                return await attempt()
            except ProviderError as another:
                error = another
                self.failures.append(another)
        raise error or ProviderConnectionError(
            f"{self._provider} keeps dropping the connection", provider=self._provider, retryable=True
        )


def _wanted_pause_sec(error: ProviderError | None) -> float:
    wanted_sec = error.retry_after_sec if isinstance(error, ProviderStatusError) else None
    return min(wanted_sec or 0.0, LONGEST_PAUSE_SEC)
