"""The soak test runs, and finds nothing in two small batches."""

from __future__ import annotations

import sys

import pytest
from soak import soak

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


async def test_calls_leave_nothing_behind() -> None:
    first, second = await soak(calls=8, at_once=4)
    assert second.calls == 8
    # A conversation that stayed would be well over a hundred.
    assert (second.objects - first.objects).total() < 20
