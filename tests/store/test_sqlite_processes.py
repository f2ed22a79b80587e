"""Several processes on one file: real ones, some of them killed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from subprocess import PIPE

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from sqlite_worker import TRIPLES
from store_nodes import admitted, words

from patter_mcp.store.sqlite import SqliteStore
from patter_mcp.types import CallState

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
START_SEC = 20
"""Bound for a process to start on a busy machine."""

_TRIPLES = [[f"{number}a", f"{number}b", f"{number}c"] for number in range(TRIPLES)]
WHOLE_LOGS = [
    *(["created", *chain.from_iterable(_TRIPLES[:number])] for number in range(TRIPLES + 1)),
    ["created", *chain.from_iterable(_TRIPLES), "bye", "ended"],
]
"""What may be found of a streamed call, by the number of its writes after the first."""


class Worker:
    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = BufferedByteReceiveStream(process.stdout)

    async def line(self) -> str:
        return (await self._stdout.receive_until(b"\n", 10_000)).decode()

    async def rest(self) -> list[str]:
        """Every line until the process is gone."""
        lines: list[str] = []
        try:
            while True:
                lines.append(await self.line())
        except (anyio.EndOfStream, anyio.IncompleteRead):
            return lines

    async def tell(self, *words: str) -> None:
        await self._stdin.send("\n".join(words).encode())
        await self._stdin.aclose()

    def kill(self) -> None:
        self._process.kill()


@asynccontextmanager
async def worker(command: str, path: Path) -> AsyncGenerator[Worker]:
    """A process that has opened the store."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
    program = [sys.executable, str(HERE / "sqlite_worker.py"), command, str(path)]
    with anyio.fail_after(START_SEC):
        process = await anyio.open_process(program, stdin=PIPE, stdout=PIPE, stderr=None, env=environment)
    async with process:
        try:
            worker = Worker(process)
            with anyio.fail_after(START_SEC):
                assert await worker.line() == "ready"
            yield worker
        finally:
            if process.returncode is None:
                process.kill()


async def test_racing_processes_make_one_call_per_key(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    keys = [f"key-{number}" for number in range(40)]
    answers: list[str] = []

    async def race(racer: Worker) -> None:
        await racer.tell(*keys)
        answers.extend(await racer.rest())

    async with worker("create", path) as one, worker("create", path) as two, worker("create", path) as three:
        with anyio.fail_after(START_SEC):
            async with anyio.create_task_group() as tasks:
                for racer in (one, two, three):
                    tasks.start_soon(race, racer)
    outcomes = Counter(tuple(answer.split()[:2]) for answer in answers)
    assert outcomes == {(key, "Admitted"): 1 for key in keys} | {(key, "Existing"): 2 for key in keys}
    assert len({answer.split()[2] for answer in answers}) == len(keys)


async def test_a_change_made_by_another_process_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    async with SqliteStore.open(path) as store, worker("close", path) as other:
        record = await admitted(store)
        (last,) = await store.events(record.call_id)
        with anyio.fail_after(START_SEC):
            await other.tell(record.call_id)
            while not await store.events(record.call_id, last.id):
                await store.changed(record.call_id, 600, after=last.id)
        assert words(await store.events(record.call_id)) == ["created", "ended"]


@pytest.mark.parametrize("lines", [1, 40, 200, 500])
async def test_a_killed_process_loses_nothing_it_was_told_is_written(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "calls.db"
    async with worker("stream", path) as victim:
        with anyio.fail_after(START_SEC):
            acknowledged = [await victim.line() for _ in range(lines)]
            victim.kill()
            acknowledged += await victim.rest()
    promised = {call_id: int(number) for call_id, number in map(str.split, acknowledged)}
    async with SqliteStore.open(path) as store:
        kept = {record.call_id: record for record in await store.recent(limit=10_000)}
        assert promised.keys() <= kept.keys()
        for call_id, record in kept.items():
            texts = words(await store.events(call_id))
            assert texts in WHOLE_LOGS[promised.get(call_id, -1) + 1 :]
            assert (record.state is CallState.ENDED) == (texts == WHOLE_LOGS[-1])
