from __future__ import annotations

from patter_mcp.store.hints import Wakes


def test_only_the_waiters_of_a_call_are_woken() -> None:
    wakes = Wakes()
    with wakes.waiting("one") as first, wakes.waiting("one") as second, wakes.waiting("two") as other:
        wakes.wake("one")
        wakes.wake("nobody")
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
        wakes.wake_all()
        assert other.is_set()


def test_nobody_is_waited_for_once_all_have_left() -> None:
    wakes = Wakes()
    with wakes.waiting("one"):
        with wakes.waiting("one"), wakes.waiting("two"):
            assert wakes
        assert wakes
    assert not wakes
