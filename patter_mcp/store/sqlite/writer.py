"""The one thread that touches the database, and the commits its jobs share.

Whatever is queued while a commit is under way goes into the next one together. A job is answered once it
is on disk; jobs run in the order of queuing, so a read sees every write queued before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import anyio
from anyio import from_thread
from anyio.lowlevel import EventLoopToken, current_token

from patter_mcp.errors import StoreError
from patter_mcp.store.sqlite.failures import store_error

MAX_BATCH = 500
"""Jobs in one commit at most: bounds how long other processes wait for the file."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    writes: bool
    done: anyio.Event = field(default_factory=anyio.Event)
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs work on one connection. `serve` in a task; then `read` and `write` from the same event loop."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._crash: Exception | None = None
        self.stopping = False
        self.stopped = anyio.Event()

    async def serve(self) -> None:
        """Until `stop`; what was queued before is still done."""
        # A daemon: a program whose event loop is left standing (`run_until_complete`, and no `stop`) has to end too.
        thread = Thread(target=self._work_off, args=[current_token()], name="call database", daemon=True)
        thread.start()
        # Shielded: only the thread itself can close the connection cleanly.
        with anyio.CancelScope(shield=True):
            await self.stopped.wait()
        if self._crash is not None:
            raise self._crash

    def stop(self) -> None:
        """Takes nothing more; `stopped` is set once all is done."""
        if not self.stopping:
            self.stopping = True
            self._jobs.put(None)

    async def read(self, work: Callable[[], T]) -> T:
        return await self._run(_Job(work, writes=False))

    async def write(self, work: Callable[[], T]) -> T:
        """Returns once the work is committed, to disk and not merely to the system."""
        return await self._run(_Job(work, writes=True))

    async def _run(self, job: _Job) -> Any:
        if self.stopping:
            raise StoreError(f"The call database {self._path} is closed.")
        self._jobs.put(job)
        # Shielded: a write under way is not called back, so whoever asked for it learns how it went.
        with anyio.CancelScope(shield=True):
            await job.done.wait()
        if isinstance(job.error, sqlite3.Error):
            raise store_error(job.error, self._path) from job.error
        if job.error is not None:
            raise job.error
        return job.result

    def _work_off(self, loop: EventLoopToken) -> None:
        # An event loop that has ended has nobody left who waits for an answer.
        with suppress(anyio.RunFinishedError):
            try:
                while batch := self._next_batch():
                    self._commit(batch)
                    from_thread.run_sync(_answer, batch, token=loop)
            except Exception as error:
                self._crash = error
            finally:
                self._connection.close()
                from_thread.run_sync(self.stopped.set, token=loop)

    def _next_batch(self) -> list[_Job]:
        """Waits for a job and takes what else is there; empty at the end."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == MAX_BATCH:
                return batch
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return batch
        if batch:
            self._jobs.put(None)
        return batch

    def _commit(self, batch: list[_Job]) -> None:
        try:
            self._transact(batch)
        except sqlite3.Error as error:
            self._connection.rollback()
            for job in batch:
                job.error = error
            self._read_again([job for job in batch if not job.writes])

    def _read_again(self, reads: list[_Job]) -> None:
        """What could not be written (the disk is full) is no reason to hide what is there."""
        for job in reads:
            try:
                job.result, job.error = job.work(), None
            except sqlite3.Error as error:
                job.error = error

    def _transact(self, batch: list[_Job]) -> None:
        writes = any(job.writes for job in batch)
        self._connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        for job in batch:
            self._run_alone(job)
        self._connection.execute("COMMIT")

    def _run_alone(self, job: _Job) -> None:
        """A job that fails takes back its own writes and nobody else's."""
        self._connection.execute("SAVEPOINT job")
        try:
            job.result = job.work()
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite has given up the whole transaction: a full disk, an I/O error
            job.error = error
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")


def _answer(batch: list[_Job]) -> None:
    for job in batch:
        job.done.set()
