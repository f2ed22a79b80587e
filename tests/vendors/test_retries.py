from __future__ import annotations

import anyio
import pytest

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderStatusError
from patter_mcp.vendors.retries import DELAYS_SEC, Retries

pytestmark = pytest.mark.anyio


class Door:
    """Opens at the given knock, and says until then why not."""

    def __init__(self, opens_at: int, *, retryable: bool = True) -> None:
        self.knocks = 0
        self._opens_at = opens_at
        self._retryable = retryable

    async def knock(self) -> str:
        self.knocks += 1
        if self.knocks < self._opens_at:
            raise ProviderError(f"knock {self.knocks}", provider="acme", retryable=self._retryable)
        return "come in"


def lasting() -> ProviderError:
    return ProviderError("never", provider="acme", retryable=False)


async def test_a_connection_is_tried_until_it_is_there() -> None:
    door = Door(opens_at=2)
    assert await Retries("acme").connect(door.knock) == "come in"
    assert door.knocks == 2


async def test_after_the_last_attempt_the_last_failure_counts() -> None:
    door = Door(opens_at=99)
    with pytest.raises(ProviderError, match=f"knock {len(DELAYS_SEC)}"):
        await Retries("acme").connect(door.knock)


async def test_what_will_not_pass_is_not_tried() -> None:
    door = Door(opens_at=1)
    with pytest.raises(ProviderError, match="never"):
        await Retries("acme").connect(door.knock, lasting())
    assert door.knocks == 0


async def test_a_refusal_for_good_ends_the_attempts() -> None:
    door = Door(opens_at=99, retryable=False)
    with pytest.raises(ProviderError, match="knock 1"):
        await Retries("acme").connect(door.knock)


async def test_connections_that_do_not_hold_use_up_the_attempts() -> None:
    retries, door = Retries("acme"), Door(opens_at=1)
    for _ in DELAYS_SEC:
        await retries.connect(door.knock)
        retries.connected()
        retries.lost()
    with pytest.raises(ProviderConnectionError, match="keeps dropping"):
        await retries.connect(door.knock)
    retries.renew()
    assert await retries.connect(door.knock) == "come in"


async def test_what_was_got_over_is_kept() -> None:
    retries = Retries("acme")
    await retries.connect(Door(opens_at=3).knock)
    assert [str(failure) for failure in retries.failures] == ["knock 1", "knock 2"]


async def test_no_attempt_begins_once_it_is_too_late() -> None:
    door = Door(opens_at=99)
    with pytest.raises(ProviderError, match="knock 2"):
        await Retries("acme").connect(door.knock, limit_sec=0.5)


async def test_vendor_that_asks_for_a_pause_gets_it() -> None:
    busy = ProviderStatusError("busy", provider="acme", status=429, retryable=True, retry_after_sec=0.3)
    before = anyio.current_time()
    await Retries("acme").connect(Door(opens_at=1).knock, busy)
    assert anyio.current_time() - before >= 0.3


async def test_vendor_that_asks_for_a_pause_longer_than_anybody_waits_is_asked_no_more() -> None:
    busy, door = ProviderStatusError("busy", provider="acme", status=429, retryable=True, retry_after_sec=60), Door(1)
    with pytest.raises(ProviderStatusError, match="busy"):
        await Retries("acme").connect(door.knock, busy, limit_sec=1.0)
    assert door.knocks == 0
