"""What was measured, as text. Medians and 95th percentiles, in milliseconds unless it says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.runs import FirstTurn, Result
from tests.benchmarks.vendors import VENDORS_MS


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def beyond_vendors_ms(result: Result) -> list[float]:
    return [took_ms - VENDORS_MS for took_ms in result.measured.voice_to_voice]


def show_bare(bare: Result) -> None:
    print(f"\n{bare.calls} calls, a bare loop             p50      p95")
    print(f"  beyond the vendors' {VENDORS_MS}   {_spread(beyond_vendors_ms(bare))}; {bare.measured.lost} turns lost")
    print(f"  CPU s per call minute     {bare.cpu_sec_per_call_minute:8.3f}")
    print(f"  MB per call               {bare.mb_per_call:8.2f}", flush=True)


def show(result: Result, *, eager: bool, bare: Result) -> None:
    measured = result.measured
    print(f"\n{result.calls} calls, {'eager' if eager else 'not eager'}             p50      p95")
    print(f"  voice to voice            {_spread(measured.voice_to_voice)}")
    if not eager:
        _show_overhead(result, bare)
    print(f"  overhead, as we report it {_spread(result.own['overhead_ms'])}, {result.own['eager']} eager")
    print(f"  greeting                  {_spread(measured.greeting)}")
    print(f"  barge-in to clear         {_spread(measured.barge_in)}")
    print(f"  queued at the carrier     {_spread(measured.queued)}")
    print(f"  under-runs                {_spread(measured.under_runs)}; {measured.lost} turns lost")
    print(f"  event loop's lag          {_spread(result.lag_ms)}")
    print(f"  garbage collections       {_spread(result.gc_ms)}")
    print(f"  this process late         {_spread(result.lateness_ms)}; core {result.load_cpu_sec / result.seconds:.0%}")
    cpu, core = result.cpu_sec_per_call_minute, result.cpu_sec / result.seconds
    print(f"  CPU s per call minute     {cpu:8.3f}, {cpu / bare.cpu_sec_per_call_minute:.1f} x bare; core {core:.0%}")
    print(f"  MB per call               {result.mb_per_call:8.2f}, {result.mb_per_call / bare.mb_per_call:.1f} x bare")


def show_step(result: Result) -> None:
    """One line of the search for the most calls."""
    measured = result.measured
    print(
        f"{result.calls:4} calls: p95 {percentile(beyond_vendors_ms(result), 95):.1f} ms beyond the vendors in "
        f"{len(measured.voice_to_voice)} turns, {measured.lost} lost, {len(measured.under_runs)} under-runs, "
        f"core {result.cpu_sec / result.seconds:.0%}, {result.cpu_sec_per_call_minute:.3f} CPU s per call minute; "
        f"this process late {percentile(result.lateness_ms, 95):.1f} ms, "
        f"core {result.load_cpu_sec / result.seconds:.0%}",
        flush=True,
    )


def show_first(turns: Sequence[FirstTurn]) -> None:
    print("\ncalls of a new process, one after the other")
    for number, turn in enumerate(turns, 1):
        print(
            f"  {number:2}: dialled after {turn.dialled_ms:6.1f}, greeting {turn.greeting_ms:5.1f}, "
            f"first reply {turn.voice_to_voice_ms - VENDORS_MS:5.1f} beyond the vendors"
        )


def show_batch(number: int, result: Result, rss_mb: float) -> None:
    print(f"batch {number}: {result.calls} calls, {rss_mb:.1f} MB once they are over", flush=True)


def _show_overhead(result: Result, bare: Result) -> None:
    ours, least = beyond_vendors_ms(result), beyond_vendors_ms(bare)
    more = [percentile(ours, percent) - percentile(least, percent) for percent in (50, 95)]
    print(f"  beyond the vendors' {VENDORS_MS}   {_spread(ours)}")
    print(f"    more than a bare loop   {more[0]:8.1f} {more[1]:8.1f}")


def _spread(values: Sequence[float]) -> str:
    longest = f", longest {max(values):.0f}" if values else ""
    return f"{percentile(values, 50):8.1f} {percentile(values, 95):8.1f}   of {len(values)}{longest}"
