"""When a failing tool is left alone, and when it is tried again."""

from __future__ import annotations

import pytest

from patter_mcp.errors import CircuitOpen, ToolError, ToolTimeout
from patter_mcp.tools.breaker import FAILURES, PAUSE_SEC, Breakers, CircuitBreaker
from patter_mcp.tools.retry import ToolFailed


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: CircuitBreaker, error: Exception | None = None) -> None:
    error = error or ToolFailed("down", may_have_acted=False)
    with pytest.raises(type(error)), breaker.watch():
        raise error


def succeed(breaker: CircuitBreaker) -> None:
    with breaker.watch():
        pass


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker("do", clock)
    for _ in range(FAILURES):
        fail(breaker)
    return breaker


def refuses(breaker: CircuitBreaker) -> bool:
    try:
        with breaker.watch():
            return False
    except CircuitOpen:
        return True


def test_failures_in_a_row_open_it() -> None:
    breaker = CircuitBreaker("do", Clock())
    for error in [
        ToolFailed("down", may_have_acted=True),
        ToolTimeout("slow"),
        ToolFailed("down", may_have_acted=True),
    ]:
        assert not refuses_without_learning(breaker)
        fail(breaker, error)
    assert refuses(breaker)


def refuses_without_learning(breaker: CircuitBreaker) -> bool:
    """Looks whether it is open in a way that tells it nothing."""
    try:
        with breaker.watch():
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        return False
    except CircuitOpen:
        return True


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = CircuitBreaker("do", Clock())
    for _ in range(FAILURES * 2):
        fail(breaker)
        succeed(breaker)
    assert not refuses(breaker)


def test_a_tool_that_says_no_is_not_failing() -> None:
    breaker = CircuitBreaker("do", Clock())
    for _ in range(FAILURES * 2):
        fail(breaker, ToolError("no table free"))
    assert not refuses(breaker)


def test_after_the_pause_one_attempt_decides() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_SEC - 0.1
    assert refuses(breaker)
    clock.now += 0.2
    with breaker.watch():
        assert refuses(breaker)
    assert not refuses(breaker)


def test_a_failed_attempt_after_the_pause_opens_it_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_SEC
    fail(breaker)
    assert refuses(breaker)
    clock.now += PAUSE_SEC
    assert not refuses(breaker)


def test_an_attempt_that_was_cancelled_says_nothing_and_leaves_the_next_one_free() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_SEC
    assert not refuses_without_learning(breaker)
    assert not refuses_without_learning(breaker)
    fail(breaker)
    assert refuses(breaker)


def test_each_tool_has_its_own() -> None:
    breakers = Breakers(Clock())
    for _ in range(FAILURES):
        fail(breakers.of("a"))
    assert refuses(breakers.of("a"))
    assert not refuses(breakers.of("b"))
