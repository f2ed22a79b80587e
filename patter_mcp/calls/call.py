"""A call as whoever asked for it sees it: a reader of its events, and a hand on the hang-up."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime

from patter_mcp.calls.fold import CallView, fold
from patter_mcp.errors import CallNotFound, StoreError
from patter_mcp.events import Event, Logged
from patter_mcp.store.base import CallStore
from patter_mcp.types import CallResult, Party

logger = logging.getLogger(__name__)

POLL_SEC = 5.0
"""How long a change may go unnoticed if every hint of it is lost."""


class Call:
    """A view on one call, whichever process runs it. Dropping it changes nothing: the call is not its caller's."""

    def __init__(
        self,
        call_id: str,
        store: CallStore,
        hang_up: Callable[[str, Party, str], Awaitable[None]],
        unrecorded: Callable[[str], Sequence[Event]],
        *,
        attached: bool,
    ) -> None:
        self.call_id = call_id
        self.attached = attached
        """The request met a call that was already there; nothing was dialed for it."""
        self._store = store
        self._hang_up = hang_up
        self._unrecorded = unrecorded
        self._view = CallView(call_id=call_id)

    async def view(self) -> CallView:
        """The call as it is now."""
        self._view = fold(self._view, await self._store.events(self.call_id, self._view.last_id))
        if self._view.created is None:
            raise CallNotFound(f"There is no call {self.call_id}.")
        if self._view.ended is None:
            # A store that would not take the end of a call does not keep it from whoever waits for it.
            return fold(self._view, [Logged("", event) for event in self._unrecorded(self.call_id)])
        return self._view

    async def changes(self, every_sec: float = POLL_SEC) -> AsyncIterator[CallView]:
        """The view now, again whenever it changed and at least every `every_sec`; the last one is of the ended call."""
        while True:
            view = await self.view()
            yield view
            if view.ended is not None:
                return
            await self._store.changed(self.call_id, every_sec, after=self._view.last_id)

    async def wait(self) -> CallResult:
        """The envelope, once there is one."""
        while (view := await self.view()).ended is None:
            await self._store.changed(self.call_id, POLL_SEC, after=self._view.last_id)
        return view.result()

    async def hang_up(self, by: Party = "caller", detail: str = "") -> None:
        """Ends the call; returns once the line is down and the books are closed."""
        await self._hang_up(self.call_id, by, detail)

    async def delivered(self) -> None:
        """The result reached whoever asked: the same request means a new call from now on."""
        try:
            await self._store.delivered(self.call_id)
        except StoreError as error:
            # No reason to keep the result back. The same request gets it once more, which does not dial.
            facts = {"call_id": self.call_id, "why": error.message}
            logger.error("it could not be recorded that a result was delivered", extra=facts)

    def elapsed_sec(self) -> float:
        """Talk time so far, as of the last view."""
        return self._view.duration_sec(datetime.now(UTC))
