"""A call's list of events, folded into what people ask about it.

The envelope, the live transcript and progress are all read off a `CallView`; nothing else keeps them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from patter_mcp import events as ev
from patter_mcp.calls.states import SENTENCE_OF, STATUS_OF
from patter_mcp.types import CallResult, CallState, CallStatus, TranscriptLine

CostStatus = Literal["final", "estimated", "unknown"]
COST_PARTS: Sequence[ev.CostPart] = ("stt", "tts", "llm", "telephony")
MICROS_PER_USD = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """All that is known of a call after some of its events."""

    call_id: str
    state: CallState = CallState.QUEUED
    created: ev.Created | None = None
    answered_at: datetime | None = None
    ended: ev.Ended | None = None
    transcript: tuple[TranscriptLine, ...] = ()
    who_answered: ev.WhoAnswered | None = None
    outcome: ev.OutcomeStated | None = None
    turns: tuple[ev.TurnMeasured, ...] = ()
    usage: tuple[ev.Usage, ...] = ()
    tools: tuple[ev.ToolCalled, ...] = ()
    trouble: tuple[ev.ProviderTrouble, ...] = ()
    barge_in_count: int = 0
    digits_sent: str = ""
    last_id: str = field(default="", compare=False)
    """Of the last event folded in; read on from here."""

    @property
    def simulated(self) -> bool:
        return self.created is not None and self.created.simulated

    @property
    def status(self) -> CallStatus | None:
        """None while the call lives."""
        return None if self.ended is None else STATUS_OF[self.ended.reason]

    @property
    def how_it_ended(self) -> str:
        """One sentence for people; empty while the call lives."""
        if self.ended is None:
            return ""
        sentence = SENTENCE_OF[self.ended.reason]
        return f"{sentence} {self.ended.detail}" if self.ended.detail else sentence

    def duration_sec(self, now: datetime) -> float:
        """From answer to the end, or to `now` while the call lives; 0.0 before anybody answered."""
        if self.answered_at is None:
            return 0.0
        end = self.ended.at if self.ended else now
        return max(0.0, (end - self.answered_at).total_seconds())

    @property
    def cost_usd(self) -> float:
        return sum(usage.cost_micros or 0 for usage in self.usage) / MICROS_PER_USD

    @property
    def cost_status(self) -> CostStatus:
        """`unknown` as soon as one part has no price: a sum with a hole in it is no estimate."""
        if any(usage.cost_micros is None for usage in self.usage):
            return "unknown"
        if self.ended is None or any(not usage.final for usage in self.usage):
            return "estimated"
        return "final"

    def result(self) -> CallResult:
        """The envelope.

        Raises:
            ValueError: the call has not ended.
        """
        if self.ended is None or self.status is None:
            raise ValueError(f"call {self.call_id} has not ended")
        return CallResult(
            call_id=self.call_id,
            status=self.status,
            duration_seconds=round(self.duration_sec(self.ended.at), 3),
            cost_usd=round(self.cost_usd, 6),
            transcript=self.transcript,
            metrics=metrics(self),
        )


def metrics(view: CallView) -> dict[str, Any]:
    """The envelope's `metrics`; of an unfinished call, what is known so far."""
    created = view.created
    return {
        "p95_latency_ms": percentile([turn.response_ms for turn in view.turns if turn.response_ms is not None], 95),
        "cost": {part: _part_cost_usd(view, part) for part in COST_PARTS},
        "cost_status": view.cost_status,
        "simulated": view.simulated,
        "carrier": created.carrier if created else "",
        "engine": dict(created.engine) if created else {},
        "answered_by": view.who_answered.answered_by if view.who_answered else "unknown",
        "end_reason": view.ended.reason.value if view.ended else None,
        "ended_by": view.ended.ended_by if view.ended else None,
        "detail": view.how_it_ended,
        "outcome": _outcome(view),
        "turns": [_turn(turn) for turn in view.turns],
        "barge_ins": view.barge_in_count,
        "tools": [{"name": t.name, "ok": t.ok, "duration_ms": t.duration_ms} for t in view.tools],
        "digits_sent": view.digits_sent,
        "trouble": [
            {"part": t.part, "provider": t.provider, "code": t.code, "recovered": t.recovered} for t in view.trouble
        ],
    }


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Nearest-rank percentile; None of nothing."""
    if not values:
        return None
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def _part_cost_usd(view: CallView, part: ev.CostPart) -> float:
    return round(sum(u.cost_micros or 0 for u in view.usage if u.part == part) / MICROS_PER_USD, 6)


def _outcome(view: CallView) -> dict[str, str]:
    if view.outcome is None:
        return {"goal_met": "unknown", "summary": _left_open(view)}
    return {"goal_met": view.outcome.goal_met, "summary": view.outcome.summary}


def _left_open(view: CallView) -> str:
    """For a call whose agent never came to say how it went."""
    if view.ended is None:
        return ""
    if view.answered_at is None:
        return "Nobody was reached."
    last = next((line.text for line in reversed(view.transcript) if line.role == "user"), "")
    heard = f'They last said: "{last}".' if last else "They were not heard to say anything."
    return f"The call ended before the goal was settled. {heard}"


def _turn(turn: ev.TurnMeasured) -> dict[str, Any]:
    return {
        "response_ms": turn.response_ms,
        "endpointing_ms": turn.endpointing_ms,
        "llm_ttft_ms": turn.llm_ttft_ms,
        "tts_ttfb_ms": turn.tts_ttfb_ms,
        "overhead_ms": turn.overhead_ms,
        "eager": turn.eager,
    }


@functools.singledispatch
def _apply(event: ev.Event, view: CallView) -> CallView:
    return view


@_apply.register
def _(event: ev.Created, view: CallView) -> CallView:
    return replace(view, created=event)


@_apply.register
def _(event: ev.Dialing, view: CallView) -> CallView:
    return replace(view, state=CallState.DIALING)


@_apply.register
def _(event: ev.Ringing, view: CallView) -> CallView:
    return replace(view, state=CallState.RINGING)


@_apply.register
def _(event: ev.Answered, view: CallView) -> CallView:
    return replace(view, state=CallState.IN_PROGRESS, answered_at=event.at)


@_apply.register
def _(event: ev.WhoAnswered, view: CallView) -> CallView:
    return replace(view, who_answered=event)


@_apply.register
def _(event: ev.UserSaid, view: CallView) -> CallView:
    return replace(view, transcript=(*view.transcript, TranscriptLine(role="user", text=event.text)))


@_apply.register
def _(event: ev.AgentSaid, view: CallView) -> CallView:
    return replace(view, transcript=(*view.transcript, TranscriptLine(role="agent", text=event.text)))


@_apply.register
def _(event: ev.TurnMeasured, view: CallView) -> CallView:
    return replace(view, turns=(*view.turns, event))


@_apply.register
def _(event: ev.BargeIn, view: CallView) -> CallView:
    return replace(view, barge_in_count=view.barge_in_count + 1)


@_apply.register
def _(event: ev.ToolCalled, view: CallView) -> CallView:
    return replace(view, tools=(*view.tools, event))


@_apply.register
def _(event: ev.DigitsSent, view: CallView) -> CallView:
    return replace(view, digits_sent=view.digits_sent + event.digits)


@_apply.register
def _(event: ev.ProviderTrouble, view: CallView) -> CallView:
    return replace(view, trouble=(*view.trouble, event))


@_apply.register
def _(event: ev.Usage, view: CallView) -> CallView:
    return replace(view, usage=(*view.usage, event))


@_apply.register
def _(event: ev.OutcomeStated, view: CallView) -> CallView:
    return replace(view, outcome=event)


@_apply.register
def _(event: ev.Ended, view: CallView) -> CallView:
    return replace(view, state=CallState.ENDED, ended=event)


def fold(view: CallView, logged: Iterable[ev.Logged]) -> CallView:
    """`view` with more of its call's events."""
    for entry in logged:
        view = replace(_apply(entry.event, view), last_id=entry.id)
    return view


def summary(view: CallView, to_number: str) -> str:
    """The finished call in a few lines, for a person or a model to read."""
    lines = [f"Call to {to_number}: {view.status}. {view.how_it_ended}"]
    if view.simulated:
        lines.append("This was a simulated call: no phone rang.")
    if view.outcome:
        lines.append(f"Goal met: {view.outcome.goal_met}. {view.outcome.summary}".rstrip())
    elif view.answered_at:
        lines.append(f"Goal met: unknown. {_left_open(view)}".rstrip())
    return "\n".join(lines)
