"""How much of us strangers may take up: connections that say nothing, and things asked too often.

Anybody on the internet may reach the port. Who connects and says nothing, or says it a byte at a time, holds a file
descriptor that a call may need; who knows a call's status address may ask for work without end.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_SILENT = 100
"""Connections without a request at once; one more, and the one that has been silent longest has to go."""
REQUEST_SEC = 5.0
"""From connecting to the end of the request's header. Carriers take milliseconds."""


class Doorstep:
    """Those who have connected and not asked for anything yet."""

    def __init__(self, max_silent: int = MAX_SILENT, request_sec: float = REQUEST_SEC) -> None:
        self._max_silent = max_silent
        self._request_sec = request_sec
        self._silent: dict[Visitor, asyncio.TimerHandle] = {}

    def arrived(self, visitor: Visitor) -> None:
        if len(self._silent) >= self._max_silent:
            next(iter(self._silent)).turn_away()
        loop = asyncio.get_running_loop()
        self._silent[visitor] = loop.call_later(self._request_sec, visitor.turn_away)

    def left(self, visitor: Visitor) -> None:
        """It has asked, or gone."""
        timer = self._silent.pop(visitor, None)
        if timer is not None:
            timer.cancel()

    def meet(self, **uvicorns: Any) -> Visitor:
        """For uvicorn, as its `http`."""
        return Visitor(self, **uvicorns)


class Visitor(H11Protocol):
    """uvicorn's end of a connection, until a websocket takes it over."""

    def __init__(self, doorstep: Doorstep, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._doorstep = doorstep

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._doorstep.arrived(self)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._doorstep.left(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._doorstep.left(self)
        super().connection_lost(exc)

    def turn_away(self) -> None:
        self._doorstep.left(self)
        self.transport.abort()


class Rate:
    """So many a second of each key. Give it keys that only the entitled know: each is kept for a second."""

    def __init__(self, per_sec: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_sec = per_sec
        self._clock = clock
        self._second = 0
        self._counts: Counter[Hashable] = Counter()

    def allows(self, key: Hashable) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._counts = second, Counter()
        self._counts[key] += 1
        return self._counts[key] <= self._per_sec
