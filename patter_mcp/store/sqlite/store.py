"""`CallStore` over one SQLite file that several processes may share.

Every operation is one transaction, run by the writer's thread. What this process writes wakes its waiters at
once; what others write is noticed by a look every `LOOK_SEC`, taken only while somebody here waits or listens.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from patter_mcp.errors import StoreError
from patter_mcp.events import Ended, Event, Logged
from patter_mcp.store import rules
from patter_mcp.store.base import (
    Admitted,
    Beat,
    CallSnapshot,
    Claim,
    Existing,
    Finish,
    Limits,
    Listener,
    NewCall,
    Refused,
    Write,
)
from patter_mcp.store.hints import Listeners, Wakes
from patter_mcp.store.sqlite.ledger import Ledger, News
from patter_mcp.store.sqlite.schema import open_database
from patter_mcp.store.sqlite.writer import Writer
from patter_mcp.types import CallRecord, CallState

logger = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_SEC = 0.15
"""How long another process's change may go unnoticed."""


class SqliteStore:
    """One process's access to the file; see `open`."""

    def __init__(self, ledger: Ledger, writer: Writer, tasks: TaskGroup, news: News) -> None:
        self.node = ledger.node
        self._ledger = ledger
        self._writer = writer
        self._tasks = tasks
        self._news = news
        self._wakes = Wakes()
        self._listeners = Listeners()
        self._looking = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: str | Path,
        node: str | None = None,
        clock: rules.Clock = time.time,
        *,
        undelivered_hold_sec: float = rules.UNDELIVERED_HOLD_SEC,
    ) -> AsyncGenerator[SqliteStore]:
        """The store in the file at `path`, which is made (mode 0600, its directory 0700) if it is not there.

        Args:
            path: On a local disk.
            node: Name of this process among those that share the file.
            clock: Seconds since 1970.
            undelivered_hold_sec: How long an undelivered result keeps its idempotency key.

        Raises:
            StoreError: the file cannot be used; the message says what to do.
        """
        path = Path(path)
        connection = await to_thread.run_sync(open_database, path)
        writer = Writer(connection, path)
        ledger = Ledger(connection, node or rules.new_node(), clock, undelivered_hold_sec)
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.serve)
            try:
                yield cls(ledger, writer, tasks, await writer.read(partial(ledger.news, 0)))
            except Exception as error:
                failure = error  # carried past the task group, which would wrap it
            finally:
                writer.stop()
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def create(self, call: NewCall, idem_key: str, limits: Limits) -> Admitted | Existing | Refused:
        return await self._writer.write(partial(self._ledger.create, call, idem_key, limits))

    async def attach(self, call_id: str, epoch: int, carrier_id: str) -> Write:
        return await self._change(call_id, partial(self._ledger.attach, call_id, epoch, carrier_id))

    async def carrier_status(self, call_id: str, state: CallState, events: Sequence[Event] = ()) -> Write:
        return await self._change(call_id, partial(self._ledger.carrier_status, call_id, state, events))

    async def mint_token(self, call_id: str, ttl_sec: float) -> str:
        return await self._writer.write(partial(self._ledger.mint_token, call_id, ttl_sec))

    async def claim_media(self, token: str) -> Claim | Refused:
        claim = await self._writer.write(partial(self._ledger.claim_media, token))
        if isinstance(claim, Claim):
            self._wakes.wake(claim.record.call_id)
        return claim

    async def append(self, call_id: str, epoch: int, events: Sequence[Event]) -> Write:
        """Shares its commit with whatever else is queued; `OK` means on disk."""
        return await self._change(call_id, partial(self._ledger.append, call_id, epoch, events))

    async def finish(self, call_id: str, ended: Ended, epoch: int | None, events: Sequence[Event] = ()) -> Finish:
        return await self._change(call_id, partial(self._ledger.finish, call_id, ended, epoch, events))

    async def delivered(self, call_id: str) -> None:
        await self._writer.write(partial(self._ledger.delivered, call_id))

    async def get(self, call_id: str) -> CallRecord | None:
        return await self._writer.read(partial(self._ledger.get, call_id))

    async def recent(
        self, *, limit: int = 50, principal: str | None = None, live: bool | None = None
    ) -> list[CallRecord]:
        return await self._writer.read(partial(self._ledger.recent, limit, principal, live))

    async def events(self, call_id: str, after: str = "") -> list[Logged]:
        return await self._writer.read(partial(self._ledger.events, call_id, after))

    async def changed(self, call_id: str, timeout_sec: float, after: str | None = None) -> None:
        with self._wakes.waiting(call_id) as woken, anyio.move_on_after(timeout_sec):
            self._look_out()
            if after is None or not await self._writer.read(partial(self._ledger.has_events, call_id, after)):
                await woken.wait()

    async def beat(self, ttl_sec: float) -> Beat:
        return await self._writer.write(partial(self._ledger.beat, ttl_sec))

    async def take_over(self) -> list[CallRecord]:
        taken = await self._writer.write(self._ledger.take_over)
        for record in taken:
            self._wakes.wake(record.call_id)
        return taken

    async def is_lost(self, record: CallRecord) -> bool:
        return await self._writer.read(partial(self._ledger.is_lost, record))

    async def overdue(self) -> list[CallRecord]:
        return await self._writer.read(self._ledger.overdue)

    async def restore(self, snapshot: CallSnapshot) -> Write:
        return await self._change(snapshot.record.call_id, partial(self._ledger.restore, snapshot))

    async def publish(self, uri: str) -> None:
        await self._writer.write(partial(self._ledger.publish, uri))
        await self._listeners.tell(uri)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        unsubscribe = self._listeners.add(listener)
        self._look_out()
        return unsubscribe

    async def aclose(self) -> None:
        """Finishes what is queued and lets go of the file. Leaving the block of `open` does the same."""
        self._writer.stop()
        await self._writer.stopped.wait()

    async def _change(self, call_id: str, work: Callable[[], T]) -> T:
        outcome = await self._writer.write(work)
        self._wakes.wake(call_id)
        return outcome

    def _look_out(self) -> None:
        if not self._looking and not self._writer.stopping:
            self._looking = True
            self._tasks.start_soon(self._look)

    async def _look(self) -> None:
        """Passes on what other processes write, as long as somebody here wants to know."""
        while (self._wakes or self._listeners) and not self._writer.stopping:
            try:
                await self._pass_on(await self._writer.read(partial(self._ledger.news, self._news.last_place)))
            except StoreError:
                logger.exception("looking for other processes' changes failed; trying again")
            await anyio.sleep(LOOK_SEC)
        self._looking = False

    async def _pass_on(self, news: News) -> None:
        if news.version != self._news.version:
            self._wakes.wake_all()
        self._news = news
        for uri in news.notices:
            await self._listeners.tell(uri)
