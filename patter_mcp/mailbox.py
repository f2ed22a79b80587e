"""Between a callback that must not wait and the task that iterates."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Items in order, then the end or an error. One reader; unbounded, since what vendors send of one call is."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._ended = False
        self._error: Exception | None = None
        self._wake = anyio.Event()

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def empty(self) -> bool:
        """Whoever asked for an item would have to wait, or come to the end."""
        return not self._items

    def put(self, item: T) -> None:
        """Does nothing once the mailbox has ended."""
        if not self._ended:
            self._items.append(item)
            self._wake.set()

    def end(self, error: Exception | None = None) -> None:
        """After the items that are there the reader comes to its end, or to the error. The first end counts."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._wake.set()

    def discard(self) -> None:
        """Ends it, and what was not read is gone."""
        self._items.clear()
        self._ended = True
        self._error = None
        self._wake.set()

    def __aiter__(self) -> Mailbox[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._wake = anyio.Event()
            await self._wake.wait()
        return self._items.popleft()
