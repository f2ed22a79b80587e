"""Leaves a tool alone that keeps failing, so that a call does not wait for it again and again.

Closed, it lets everything through; after `FAILURES` failures in a row it is open and lets nothing
through for `PAUSE_SEC`; then one attempt decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from patter_mcp.errors import CircuitOpen, ToolError, ToolTimeout
from patter_mcp.tools.retry import ToolFailed

FAILURES = 3
PAUSE_SEC = 30.0

Clock = Callable[[], float]
"""Monotonic seconds."""


class CircuitBreaker:
    """For one tool."""

    def __init__(self, name: str, clock: Clock = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._failures = 0
        self._open_until_mono: float | None = None
        self._trying = False

    @contextmanager
    def watch(self) -> Generator[None]:
        """Lets the block run and learns from how it ends: `ToolFailed` and `ToolTimeout` count against the tool.

        Raises:
            CircuitOpen: the block does not run.
        """
        self._admit()
        try:
            yield
        except (ToolFailed, ToolTimeout):
            self._failed()
            raise
        except ToolError:
            self._worked()
            raise
        else:
            self._worked()
        finally:
            self._trying = False

    def _admit(self) -> None:
        if self._open_until_mono is None:
            return
        if self._trying or self._clock() < self._open_until_mono:
            raise CircuitOpen(f"{self._name} keeps failing and is left alone for a while.")
        self._trying = True

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._open_until_mono = self._clock() + PAUSE_SEC

    def _worked(self) -> None:
        self._failures = 0
        self._open_until_mono = None


class Breakers:
    """One breaker per tool name; shared by all calls of an agent, so that they learn from each other."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[str, CircuitBreaker] = {}

    def of(self, name: str) -> CircuitBreaker:
        return self._breakers.setdefault(name, CircuitBreaker(name, self._clock))
