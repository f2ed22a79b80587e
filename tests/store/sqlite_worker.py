"""A process of its own on a call database: `sqlite_worker.py COMMAND PATH`; see `test_sqlite_processes`.

It prints a line when it is ready and one for everything it was told is on disk.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from itertools import count

import anyio
from anyio import to_thread
from store_nodes import NO_LIMITS, admitted, ended, new_call, said

from patter_mcp.store.base import Finish, Refused, Write
from patter_mcp.store.sqlite import SqliteStore

TRIPLES = 8
"""Appends of three events in one streamed call."""


async def lines() -> list[str]:
    return (await to_thread.run_sync(sys.stdin.read)).split()


async def create(store: SqliteStore) -> None:
    """Makes a call for each key on stdin."""
    for key in await lines():
        outcome = await store.create(new_call(), key, NO_LIMITS)
        assert not isinstance(outcome, Refused)
        print(key, type(outcome).__name__, outcome.record.call_id, flush=True)


async def close(store: SqliteStore) -> None:
    """Ends every call named on stdin."""
    for call_id in await lines():
        print(call_id, await store.finish(call_id, ended(), None), flush=True)


async def stream(store: SqliteStore) -> None:
    """Holds one call after another, four at a time, until killed."""
    async with anyio.create_task_group() as tasks:
        for line in "1234":
            tasks.start_soon(hold_calls, store, line)


async def hold_calls(store: SqliteStore, line: str) -> None:
    for turn in count():
        record = await admitted(store, f"{line}-{turn}")
        for number in range(TRIPLES):
            assert await store.append(record.call_id, 1, said(f"{number}a", f"{number}b", f"{number}c")) is Write.OK
            print(record.call_id, number, flush=True)
        assert await store.finish(record.call_id, ended(), 1, said("bye")) is Finish.FIRST
        print(record.call_id, TRIPLES, flush=True)


COMMANDS: dict[str, Callable[[SqliteStore], Awaitable[None]]] = {"create": create, "close": close, "stream": stream}


async def main(command: str, path: str) -> None:
    async with SqliteStore.open(path) as store:
        print("ready", flush=True)
        await COMMANDS[command](store)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
