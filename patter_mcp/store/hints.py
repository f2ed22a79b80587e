"""Telling those inside this process that something may have changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager

import anyio

from patter_mcp.store.base import Listener

logger = logging.getLogger(__name__)


class Wakes:
    """Who waits for which call. True while anybody waits."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[anyio.Event]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @contextmanager
    def waiting(self, call_id: str) -> Generator[anyio.Event]:
        """The event is set at the call's next change."""
        woken = anyio.Event()
        waiters = self._waiting.setdefault(call_id, set())
        waiters.add(woken)
        try:
            yield woken
        finally:
            waiters.discard(woken)
            if not waiters:
                self._waiting.pop(call_id, None)

    def wake(self, call_id: str) -> None:
        for woken in self._waiting.get(call_id, ()):
            woken.set()

    def wake_all(self) -> None:
        for call_id in self._waiting:
            self.wake(call_id)


class Listeners:
    """Who wants to hear what was published. True while anybody does."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def add(self, listener: Listener) -> Callable[[], None]:
        key = object()
        self._listeners[key] = listener

        def remove() -> None:
            self._listeners.pop(key, None)

        return remove

    async def tell(self, uri: str) -> None:
        """One listener's failure is its own: neither the others nor the calls may suffer from it."""
        for listener in list(self._listeners.values()):
            try:
                await listener(uri)
            except Exception:
                logger.exception("a listener failed")
