"""How stubbornly a lost connection is made again, in the middle of a call."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from patter_mcp.errors import ProviderConnectionError, ProviderError

DELAYS_SEC = (0.0, 0.25, 1.0)
ATTEMPT_TIMEOUT_SEC = 2.5
"""For each attempt; less than at the beginning of a call, because somebody is waiting."""
STEADY_SEC = 10.0
"""A connection that held this long gives the next one all its attempts back."""

T = TypeVar("T")


class Retries:
    """One call's patience with one vendor."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._delays = iter(DELAYS_SEC)
        self._connected_mono = 0.0

    def connected(self) -> None:
        self._connected_mono = time.monotonic()

    def lost(self) -> None:
        if time.monotonic() - self._connected_mono > STEADY_SEC:
            self.renew()

    def renew(self) -> None:
        """All attempts are there again."""
        self._delays = iter(DELAYS_SEC)

    async def connect(self, attempt: Callable[[], Awaitable[T]], failure: ProviderError | None = None) -> T:
        """Attempts until one succeeds; with a `failure` that will not pass, not even once.

        Raises:
            ProviderError: the failure that was not worth another attempt, or the last one.
        """
        error = failure
        while (error is None or error.retryable) and (delay_sec := next(self._delays, None)) is not None:
            await anyio.sleep(delay_sec)
            try:
                return await attempt()
            except ProviderError as another:
                error = another
        raise error or ProviderConnectionError(
            f"{self._provider} keeps dropping the connection", provider=self._provider, retryable=True
        )
