"""The way a call's events take to the store: an outbox, so that nobody on the line waits for a disk."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio

from patter_mcp.errors import StoreError
from patter_mcp.events import Event
from patter_mcp.store.base import CallStore, Write

logger = logging.getLogger(__name__)

RETRY_SEC = 0.5
"""Pause before a store that failed is tried again; the call goes on meanwhile."""


class CallJournal:
    """One call's outbox. `write` from anywhere in the loop; `run` in a task of the call's group."""

    def __init__(self, store: CallStore, call_id: str, epoch: int) -> None:
        self.epoch = epoch
        """Raised by whoever claims the media stream; a write under the old one is repeated under the new."""
        self._store = store
        self._call_id = call_id
        self._unsent: list[Event] = []
        self._unsent_carrier_id: str | None = None
        self._wake = anyio.Event()

    def write(self, event: Event) -> None:
        self._unsent.append(event)
        self._wake.set()

    def attach(self, carrier_id: str) -> None:
        """The carrier's id for the call, by which another process can still hang it up."""
        self._unsent_carrier_id = carrier_id
        self._wake.set()

    async def run(self) -> None:
        """Carries events to the store until cancelled; what is left then comes out of `take_rest`."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            if not await self._send():
                await anyio.sleep(RETRY_SEC)
                self._wake.set()

    def take_rest(self) -> list[Event]:
        """Events the store has not got, for the call's last write."""
        rest, self._unsent = self._unsent, []
        return rest

    async def _send(self) -> bool:
        # Shielded: what we have is either written or still ours, never in doubt.
        with anyio.CancelScope(shield=True):
            if await self._send_carrier_id() and await self._send_events():
                return True
        return False

    async def _send_carrier_id(self) -> bool:
        carrier_id = self._unsent_carrier_id
        if carrier_id is not None and await self._written(
            lambda epoch: self._store.attach(self._call_id, epoch, carrier_id)
        ):
            self._unsent_carrier_id = None
        return self._unsent_carrier_id is None

    async def _send_events(self) -> bool:
        batch, self._unsent = self._unsent, []
        if not batch or await self._written(lambda epoch: self._store.append(self._call_id, epoch, batch)):
            return True
        self._unsent = batch + self._unsent
        return False

    async def _written(self, write: Callable[[int], Awaitable[Write]]) -> bool:
        """False: not written, try again."""
        epoch = self.epoch
        try:
            written = await write(epoch)
        except StoreError as error:
            facts = {"call_id": self._call_id, "why": error.message}
            logger.error("the store did not take news of a call; trying again", extra=facts)
            return False
        if written is Write.FENCED and await self._claimed_since(epoch):
            return False
        if written is not Write.OK:
            logger.warning("news of a call were refused", extra={"call_id": self._call_id, "why": written.value})
        return True

    async def _claimed_since(self, epoch: int) -> bool:
        """The claim of the media stream reaches the store a moment before we hear of it."""
        if self.epoch == epoch:
            await anyio.sleep(RETRY_SEC)
        return self.epoch != epoch
