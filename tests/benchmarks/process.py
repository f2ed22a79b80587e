"""Two processes: commands as lines of JSON on stdin, answers on stdout; each on a core of its own."""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

MAX_LINE_BYTES = 50_000_000


def be_punctual() -> None:
    """Nothing is looked through for garbage any more: the process lives for minutes."""
    gc.collect()
    gc.disable()


def settle_down(cpu: int, *, realtime: bool = False) -> None:
    """Stays on that core from now on, where the system can do it; in real time, nothing else comes between."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # who has started us has settled down too
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[cpu % len(cores)]})
        if realtime:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def usage() -> dict[str, float]:
    """What this process has taken so far: `cpu_sec` and `rss_bytes`."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        pages = int(statm.read().split()[1])
    return {"cpu_sec": time.process_time(), "rss_bytes": pages * resource.getpagesize()}


async def answer_commands(servant: object) -> None:
    """Calls the servant's methods as told, until stdin ends."""
    _answer({"ready": True})
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        command = json.loads(line)
        _answer(await getattr(servant, command.pop("do"))(**command))


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


class Remote:
    """The other process, command by command."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self._process = process
        self._answers = BufferedByteReceiveStream(process.stdout)

    async def do(self, command: str, **arguments: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        await self._process.stdin.send(json.dumps({"do": command, **arguments}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        return json.loads(await self._answers.receive_until(b"\n", MAX_LINE_BYTES))


@asynccontextmanager
async def remote(module: str, *arguments: str) -> AsyncGenerator[Remote]:
    command = [sys.executable, "-m", module, *arguments]
    async with await anyio.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None) as process:
        other = Remote(process)
        await other.answer()
        yield other
        assert process.stdin is not None
        await process.stdin.aclose()
        await process.wait()
