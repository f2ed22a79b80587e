"""What happens in a call, one frozen value per kind; a call *is* the list of them.

The envelope, the live transcript, progress and cost are folds of that list (`calls.fold`); nothing
is kept twice. Events cross process and version borders as JSON: a kind this version does not know
decodes to `Unknown` and is kept, never dropped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from patter_mcp.types import AnsweredBy, EndReason, GoalMet, Party

CostPart = Literal["stt", "tts", "llm", "telephony"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all. `at` is an aware UTC instant, set where the thing happened."""

    kind: ClassVar[str] = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Created(Event):
    kind: ClassVar[str] = "created"
    to_number: str
    goal: str = ""
    first_message: str = ""
    max_duration_sec: int
    carrier: str
    simulated: bool = False
    """No phone rings: the callee is a program."""
    engine: Mapping[str, str] = field(default_factory=dict[str, str])
    """What runs the conversation, e.g. {"stt": "deepgram/nova-3", "llm": "…", "tts": "…"}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialing(Event):
    kind: ClassVar[str] = "dialing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing(Event):
    kind: ClassVar[str] = "ringing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Event):
    kind: ClassVar[str] = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStarted(Event):
    kind: ClassVar[str] = "media-started"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoAnswered(Event):
    """A verdict on who picked up; a later one replaces an earlier one."""

    kind: ClassVar[str] = "who-answered"
    answered_by: AnsweredBy
    source: str
    """`carrier`, `audio` or `transcript`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSaid(Event):
    kind: ClassVar[str] = "user-said"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSaid(Event):
    """What the user has really heard of us; logged when it has been played out or cut off."""

    kind: ClassVar[str] = "agent-said"
    text: str
    interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMeasured(Event):
    """Timings of one reply, in milliseconds; a part that did not happen is None.

    `response_ms` runs from the user's last sound to our first; the others are parts of it.
    `overhead_ms` is what remains after the vendors' own waits: our share.
    """

    kind: ClassVar[str] = "turn-measured"
    response_ms: int | None = None
    endpointing_ms: int | None = None
    llm_ttft_ms: int | None = None
    tts_ttfb_ms: int | None = None
    overhead_ms: float | None = None
    eager: bool = False
    """The reply had been started before the user's turn was certainly over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeIn(Event):
    """The user took the floor; `heard_ms` of the cut utterance had been played."""

    kind: ClassVar[str] = "barge-in"
    heard_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled(Event):
    kind: ClassVar[str] = "tool-called"
    name: str
    arguments: str
    """JSON text, as the model wrote it."""
    result: str
    ok: bool
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsSent(Event):
    kind: ClassVar[str] = "digits-sent"
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitReceived(Event):
    kind: ClassVar[str] = "digit-received"
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailHit(Event):
    kind: ClassVar[str] = "guardrail-hit"
    name: str
    action: str
    """`blocked` or `replaced`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTrouble(Event):
    """A vendor failed; `recovered` says whether the call went on. `message` never holds speech or keys."""

    kind: ClassVar[str] = "provider-trouble"
    part: CostPart
    provider: str
    code: str
    message: str
    recovered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Event):
    """What one provider used. `cost_micros` is in millionths of a US dollar; None: price unknown."""

    kind: ClassVar[str] = "usage"
    part: CostPart
    provider: str
    model: str = ""
    quantities: Mapping[str, float] = field(default_factory=dict[str, float])
    """e.g. {"audio_sec": 61.2} or {"input_tokens": 812, "output_tokens": 41}."""
    cost_micros: int | None = None
    final: bool = False
    """The figure is the vendor's bill rather than our estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeStated(Event):
    """Whether the goal was met, by the agent's own account, given when it ends the call."""

    kind: ClassVar[str] = "outcome-stated"
    goal_met: GoalMet
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Event):
    """The one terminal event: nothing follows it."""

    kind: ClassVar[str] = "ended"
    reason: EndReason
    ended_by: Party
    detail: str = ""
    """One sentence for people; empty where the reason says it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Event):
    """An event written by another version; kept as it came."""

    kind: ClassVar[str] = "unknown"
    original_kind: str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


KINDS: Mapping[str, type[Event]] = {
    event.kind: event
    for event in (
        Created, Dialing, Ringing, Answered, MediaStarted, WhoAnswered, UserSaid, AgentSaid, TurnMeasured, BargeIn,
        ToolCalled, DigitsSent, DigitReceived, GuardrailHit, ProviderTrouble, Usage, OutcomeStated, Ended,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in its place in the list. `id` sorts in the order of writing within one call."""

    id: str
    event: Event


def to_json(event: Event) -> dict[str, Any]:
    """`{"kind", "at", …fields}` with plain JSON values."""
    if isinstance(event, Unknown):
        return {"kind": event.original_kind, "at": event.at.isoformat(), **event.data}
    fields = {f.name: _plain(getattr(event, f.name)) for f in dataclasses.fields(event)}
    return {"kind": event.kind, **fields}


def from_json(data: Mapping[str, Any]) -> Event:
    """The event `to_json` wrote; fields this version does not know make it `Unknown` rather than an error."""
    kind = str(data.get("kind", ""))
    at = datetime.fromisoformat(data["at"])
    fields = {name: value for name, value in data.items() if name not in ("kind", "at")}
    cls = KINDS.get(kind)
    if cls is None:
        return Unknown(original_kind=kind, data=fields, at=at)
    try:
        if cls is Ended:
            fields["reason"] = EndReason(fields["reason"])
        return cls(at=at, **fields)
    except (TypeError, ValueError):
        return Unknown(original_kind=kind, data=fields, at=at)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, EndReason):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    return value
