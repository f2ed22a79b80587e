"""How fast we answer, what a call costs, and how many of them one core holds.

    python -m tests.benchmarks                      at 1, 10 and 100 calls, with eager generation and without
    python -m tests.benchmarks --most               the largest number of calls that are answered in time
    python -m tests.benchmarks --first 10           the first calls of a new process, one by one
    python -m tests.benchmarks --batches 8          the memory that calls leave behind

This process plays the carrier, the callees and the vendors, whose latencies are exact; the system has a process and a
core of its own, set up as `patter-mcp serve` sets it up. Needs the `dev` extra. Figures are worth nothing while this
process is more than a few milliseconds late: then it was held up, not the system. `--realtime` (as root) keeps other
programs away, and should not be used for long on a machine that is shared.

Nothing is taken off the figures. A bare loop from one vendor to the next is measured in the same minutes, by the same
vendors, whose clocks are as coarse for it: what a turn takes more with us is what we cost.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import anyio

from patter_mcp.cli.process import open_many_files
from tests.benchmarks.process import be_punctual, settle_down
from tests.benchmarks.report import (
    beyond_vendors_ms,
    percentile,
    show,
    show_bare,
    show_batch,
    show_first,
    show_step,
)
from tests.benchmarks.runs import Bench, Result, open_bench, run_bare
from tests.benchmarks.system import Setup

MOST_LATE_MS = 100.0
"""p95 of our own time per turn, beyond which there are too many calls."""
FEW_CALLS, LONGER = 4, 4
"""As so few calls take few turns, they are looked at for so many times as long."""
CALLS, RAMP = (1, 10, 100), (50, 100, 150, 200, 225, 250, 275, 300)


async def main(options: argparse.Namespace) -> None:
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    if options.most:
        async with bench(options, eager=False, warm=True) as opened:  # eager generation would hide our own time
            await find_most(opened, options.calls or RAMP, options.seconds)
    elif options.first:
        # Another process, so that what this one does for the first time is not the system's.
        async with bench(options, eager=False, warm=True):
            pass
        async with bench(options, eager=False, warm=False) as opened:
            show_first([await opened.first_turn() for _ in range(options.first)])
    elif options.batches:
        async with bench(options, eager=True, warm=True) as opened:
            await see_memory(opened, max(options.calls or CALLS), options)
    else:
        await measure(options)
    print(f"\nload of the machine after: {os.getloadavg()[0]:.1f}")


async def measure(options: argparse.Namespace) -> None:
    sizes = {calls: options.seconds * (LONGER if calls < FEW_CALLS else 1) for calls in options.calls or CALLS}
    bare: dict[int, Result] = {}
    for calls, seconds in sizes.items():
        bare[calls] = await run_bare(calls, seconds, options.settle, options.cpu)
        show_bare(bare[calls])
    for eager in options.eager:
        async with bench(options, eager=eager, warm=not options.cold) as opened:
            for calls, seconds in sizes.items():
                show(await opened.run(calls, seconds), eager=eager, bare=bare[calls])


async def find_most(opened: Bench, steps: Sequence[int], seconds: float) -> None:
    for calls in steps:
        result = await opened.run(calls, seconds)
        show_step(result)
        late = percentile(beyond_vendors_ms(result), 95) >= MOST_LATE_MS
        if late or result.measured.under_runs or result.measured.lost:
            return


async def see_memory(opened: Bench, calls: int, options: argparse.Namespace) -> None:
    for number in range(1, options.batches + 1):
        show_batch(number, await opened.run(calls, options.seconds), await opened.rss_mb())


@asynccontextmanager
async def bench(options: argparse.Namespace, *, eager: bool, warm: bool) -> AsyncGenerator[Bench]:
    with tempfile.TemporaryDirectory() as directory:
        setup = Setup(
            store=f"sqlite:{directory}/calls.db",
            eager=eager,
            vad=not options.no_vad,
            uvloop=not options.asyncio,
            rare_gc=not options.plain_gc,
            cpu=options.cpu,
            profile=options.profile,
        )
        async with open_bench(setup, options.settle, options.connect_ms, warm=warm) as opened:
            yield opened


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--calls", type=int, nargs="+", help="how many at once")
    add("--seconds", type=float, default=20.0, help="measured, for each number of calls")
    add("--settle", type=float, default=8.0, help="seconds between the last call's answer and the measurement")
    add("--most", action="store_true", help="find how many calls are too many")
    add("--first", type=int, default=0, metavar="N", help="look at the first N calls of a process")
    add("--batches", type=int, default=0, metavar="N", help="look at the memory after each of N batches of calls")
    add("--eager", type=lambda word: word == "yes", nargs="+", default=[True, False], help="yes, no or both")
    add("--connect-ms", type=float, default=0.0, help="what a new connection to a speech vendor costs")
    add("--no-vad", action="store_true", help="tell voice from silence by loudness")
    add("--asyncio", action="store_true", help="Python's own event loop for the system, not uvloop")
    add("--plain-gc", action="store_true", help="the system's garbage collector as it comes")
    add("--cold", action="store_true", help="hold no call before those that are measured")
    add("--cpu", type=int, default=1, help="the system's core")
    add("--realtime", action="store_true", help="go before all other programs")
    add("--profile", default="", help="cProfile's statistics of the system go to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    given = parse()
    settle_down(0 if given.cpu else 1, realtime=given.realtime)
    be_punctual()
    open_many_files()
    anyio.run(main, given, backend_options={"use_uvloop": True})
