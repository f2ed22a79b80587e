"""How fast we answer, what a call costs, and how many of them one core holds.

    python -m tests.benchmarks                      at 1 and at 50 calls
    python -m tests.benchmarks --most               the largest number of calls that are answered in time

This process plays the carrier, the callees and the vendors, whose latencies are exact; the system has a process and a
core of its own. Needs the `sandbox` extra (for the callees' voice) and uvloop. Figures are worth nothing while this
process is more than a few milliseconds late: then it was held up, not the system. `--realtime` (as root) keeps other
programs away, and should not be used for long on a machine that is shared.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence

import anyio

from tests.benchmarks.process import settle_down
from tests.benchmarks.runs import Bench, Result, open_bench, run_floor
from tests.benchmarks.vendors import VENDORS_MS

MOST_LATE_MS = 100.0
"""p95 of our own time per turn, beyond which there are too many calls."""
RAMP = (50, 100, 150, 200, 250, 300)


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def spread(values: Sequence[float]) -> str:
    return f"{percentile(values, 50):8.1f} {percentile(values, 95):8.1f}   of {len(values)}"


def show(result: Result, *, eager: bool, floor: Result, floor_trips_ms: Sequence[float]) -> None:
    measured, beyond = result.measured, beyond_vendors_ms(result)
    print(f"\n{result.calls} calls, {'eager' if eager else 'not eager'}             p50      p95 ms")
    print(f"  voice to voice            {spread(measured.voice_to_voice)}")
    if not eager:
        print(f"  beyond the vendors' {VENDORS_MS}   {spread(beyond)}")
        print(f"    x echo's round trip     {percentile(beyond, 50) / percentile(floor_trips_ms, 50):8.1f}")
    print(f"  overhead, as we report it {spread(result.own['overhead_ms'])}, {result.own['eager']} eager")
    print(f"  greeting                  {spread(measured.greeting)}")
    print(f"  barge-in to clear         {spread(measured.barge_in)}")
    print(f"  queued at the carrier     {spread(measured.queued)}")
    print(f"  under-runs                {spread(measured.under_runs)}; {measured.lost} turns lost")
    print(f"  event loop's lag          {spread(result.lag_ms)}, longest {max(result.lag_ms):.0f}")
    print(f"  this process late         {spread(result.lateness_ms)}; core {result.load_cpu_sec / result.seconds:.0%}")
    cpu, least = result.cpu_sec_per_call_minute, floor.cpu_sec_per_call_minute
    print(
        f"  CPU s per call minute     {cpu:8.3f}, {cpu / least:.1f} x echo; core {result.cpu_sec / result.seconds:.0%}"
    )
    print(f"  MB per call               {result.mb_per_call:8.2f}, {result.mb_per_call / floor.mb_per_call:.1f} x echo")


def show_floor(result: Result, round_trips_ms: Sequence[float]) -> None:
    print(f"\n{result.calls} streams echoed")
    print(f"  there and back            {spread(round_trips_ms)}")
    print(f"  CPU s per call minute     {result.cpu_sec_per_call_minute:8.3f}")
    print(f"  MB per call               {result.mb_per_call:8.2f}", flush=True)


def beyond_vendors_ms(result: Result) -> list[float]:
    return [took_ms - VENDORS_MS for took_ms in result.measured.voice_to_voice]


async def find_most(bench: Bench, seconds: float) -> None:
    """Without eager generation, whose gain would hide our own time."""
    for calls in RAMP:
        result = await bench.run(calls, seconds)
        p95_ms = percentile(beyond_vendors_ms(result), 95)
        late_ms = percentile(result.lateness_ms, 95)
        print(
            f"{calls:4} calls: p95 {p95_ms:.1f} ms beyond the vendors, {len(result.measured.under_runs)} under-runs, "
            f"core {result.cpu_sec / result.seconds:.0%}, {result.cpu_sec_per_call_minute:.3f} CPU s per call minute; "
            f"this process late {late_ms:.1f} ms, core {result.load_cpu_sec / result.seconds:.0%}",
            flush=True,
        )
        if p95_ms >= MOST_LATE_MS or result.measured.under_runs or result.measured.lost:
            return


async def main(options: argparse.Namespace) -> None:
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    floors: dict[int, tuple[Result, list[float]]] = {}
    if not options.most:
        for calls in options.calls:
            floors[calls] = await run_floor(calls, options.seconds, options.cpu)
            show_floor(*floors[calls])
    for eager in [False] if options.most else options.eager:
        await measure(options, eager, floors)
    print(f"\nload of the machine after: {os.getloadavg()[0]:.1f}")


async def measure(
    options: argparse.Namespace, eager: bool, floors: Mapping[int, tuple[Result, Sequence[float]]]
) -> None:
    settings = {
        "eager": eager,
        "vad": not options.no_vad,
        "uvloop": options.uvloop,
        "rare_gc": options.rare_gc,
        "cpu": options.cpu,
        "profile": options.profile,
    }
    with tempfile.TemporaryDirectory() as directory:
        async with open_bench(options.settle, store=f"sqlite:{directory}/calls.db", **settings) as bench:
            if options.most:
                await find_most(bench, options.seconds)
            for calls, (floor, floor_trips_ms) in floors.items():
                result = await bench.run(calls, options.seconds)
                show(result, eager=eager, floor=floor, floor_trips_ms=floor_trips_ms)


def parse() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--calls", type=int, nargs="+", default=[1, 50], help="how many at once")
    add("--seconds", type=float, default=20.0, help="measured, for each number of calls")
    add("--settle", type=float, default=8.0, help="seconds between the last call's answer and the measurement")
    add("--most", action="store_true", help="find how many calls are too many")
    add("--eager", type=lambda word: word == "yes", nargs="+", default=[True, False], help="yes, no or both")
    add("--no-vad", action="store_true", help="tell voice from silence by loudness")
    add("--uvloop", action="store_true", help="the system's event loop")
    add("--rare-gc", action="store_true", help="the system's garbage collector looks seldom at what is old")
    add("--cpu", type=int, default=1, help="the system's core")
    add("--realtime", action="store_true", help="go before all other programs")
    add("--profile", default="", help="cProfile's statistics of the system go to this file")
    return parser.parse_args()


if __name__ == "__main__":
    given = parse()
    settle_down(0 if given.cpu else 1, realtime=given.realtime)
    anyio.run(main, given, backend_options={"use_uvloop": True})
