"""An event loop whose clock jumps: a call of three minutes is over in milliseconds, in the same order every time.

Everything in the package that measures or waits does so by the loop's own clock, so a test that runs in
this loop needs no other preparation. With pytest::

    @pytest.fixture
    def anyio_backend():
        return "asyncio", {"loop_factory": VirtualTimeLoop}

Not for tests with real sockets, subprocesses or threads (a sync hook runs in one): time does not wait for them.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class _NoWaitSelector(selectors.BaseSelector):
    """Looks for I/O without waiting, and tells the clock how long it would have waited."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
        self.slept_sec = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            # Nothing is scheduled: only another thread can wake the loop.
            return self._inner.select(None)
        ready = self._inner.select(0)
        if not ready:
            self.slept_sec += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 0.0 and advances only when there is nothing left to do at the present instant."""

    def __init__(self) -> None:
        self._clock = _NoWaitSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.slept_sec
