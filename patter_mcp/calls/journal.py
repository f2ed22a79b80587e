"""The way a call's events take to the store: an outbox, so that nobody on the line waits for a disk."""

from __future__ import annotations

import logging

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
        self._wake = anyio.Event()

    def write(self, event: Event) -> None:
        self._unsent.append(event)
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
        batch, self._unsent = self._unsent, []
        if not batch:
            return True
        # Shielded: a batch is either written or still ours, never in doubt.
        with anyio.CancelScope(shield=True):
            if await self._append(batch):
                return True
        self._unsent = batch + self._unsent
        return False

    async def _append(self, batch: list[Event]) -> bool:
        """False: not written, try again."""
        epoch = self.epoch
        try:
            write = await self._store.append(self._call_id, epoch, batch)
        except StoreError:
            logger.exception("the store did not take a call's events; trying again", extra={"call_id": self._call_id})
            return False
        if write is Write.FENCED and epoch != self.epoch:
            return False
        if write is not Write.OK:
            logger.warning("a call's events were refused", extra={"call_id": self._call_id, "why": write.value})
        return True
