"""How long a reply took, and which share of it was ours."""

from __future__ import annotations

from dataclasses import dataclass

from patter_mcp.events import TurnMeasured


@dataclass(frozen=True, slots=True, kw_only=True)
class Instants:
    """Monotonic seconds of one reply; None: did not happen."""

    user_stopped: float
    """The user's last sound."""
    committed: float
    """The turn was certainly over."""
    llm_started: float | None
    llm_first: float | None
    tts_fed: float | None
    tts_first: float | None
    sent: float
    """Our first audio left."""


def measured(at: Instants) -> TurnMeasured:
    """The timings the envelope reports.

    Overhead is what the vendors do not account for: from whichever came last, the end of the turn or the
    first audio, to the frame's leaving; plus, in a reply that was not begun early, the time it took us to ask
    the model once the turn was over.
    """
    ready = max(at.committed, at.tts_first or at.committed)
    overhead = at.sent - ready
    eager = at.llm_started is not None and at.llm_started < at.committed
    if at.llm_started is not None and not eager:
        overhead += at.llm_started - at.committed
    return TurnMeasured(
        response_ms=_ms(at.user_stopped, at.sent),
        endpointing_ms=_ms(at.user_stopped, at.committed),
        llm_ttft_ms=_ms(at.llm_started, at.llm_first),
        tts_ttfb_ms=_ms(at.tts_fed, at.tts_first),
        overhead_ms=round(overhead * 1000, 2),
        eager=eager,
    )


def _ms(start: float | None, end: float | None) -> int | None:
    if start is None or end is None:
        return None
    return max(0, round((end - start) * 1000))
