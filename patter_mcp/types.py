"""What stays of a call: the request that asked for it, the record kept of it, the result given back.

Imports nothing of the package; everyone may import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

Json = dict[str, Any]

Role = Literal["agent", "user"]
CallStatus = Literal["completed", "no-answer", "busy", "failed", "timeout"]
"""How the line ended, as the envelope says it. A sixth word, `in-progress`, exists on the MCP wire only."""

AnsweredBy = Literal["human", "voicemail", "ivr", "unknown"]
GoalMet = Literal["yes", "no", "unknown"]
Party = Literal["agent", "user", "carrier", "caller", "system"]
"""Who did something: our voice, the person on the line, the phone network, whoever asked for the call, this program."""

DEFAULT_MAX_DURATION_SEC = 180
MIN_MAX_DURATION_SEC = 5
MAX_MAX_DURATION_SEC = 1800


class EndReason(StrEnum):
    """Why a call is over. `calls.states` says which status each one becomes."""

    AGENT_HUNG_UP = "agent-hung-up"
    USER_HUNG_UP = "user-hung-up"
    MAX_DURATION = "max-duration"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    CANCELED = "canceled"
    """Whoever asked for the call stopped it."""
    SILENCE = "silence"
    """Answered, but nobody spoke although we asked again."""
    DIAL_FAILED = "dial-failed"
    """The carrier refused to place the call."""
    DIAL_LOST = "dial-lost"
    """The carrier did not say whether it places the call, and nothing was heard of it since."""
    MEDIA_LOST = "media-lost"
    """The line or its media stream broke without a hang-up."""
    NO_MEDIA = "no-media"
    """Answered, but the carrier never opened the media stream."""
    PROVIDER_FAILED = "provider-failed"
    INTERNAL_ERROR = "internal-error"
    SHUTDOWN = "shutdown"
    """This program was stopped."""
    INTERRUPTED = "interrupted"
    """Found unfinished after a crash and closed."""


class CallState(StrEnum):
    """Where a call is. Its rank only ever rises (`calls.states`)."""

    QUEUED = "queued"
    DIALING = "dialing"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A call somebody asks for. Already validated: see `guardrails.dialing`."""

    to_number: str
    """E.164."""
    goal: str = ""
    first_message: str = ""
    max_duration_sec: int = DEFAULT_MAX_DURATION_SEC
    """From answer to the latest hang-up."""
    principal: str = "local"
    """Who asks; calls of one principal are invisible to another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """The row kept of a call, apart from its events."""

    call_id: str
    request: CallRequest
    carrier: str
    state: CallState
    owner: str
    """Node that runs the call now."""
    epoch: int
    """Rises by one each time the call changes hands; writes of an older epoch are fenced off."""
    carrier_id: str | None
    created_at: datetime
    deadline_at: datetime
    """After this instant anyone may hang the call up and close it."""
    delivered: bool = False
    """Somebody has been given the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    role: Role
    text: str

    def to_json(self) -> Json:
        return {"role": self.role, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """The envelope: six fields that never change. Everything else lives in `metrics`."""

    call_id: str
    status: CallStatus
    duration_seconds: float
    """From answer to end; 0.0 when nobody answered."""
    cost_usd: float
    """See `metrics["cost_status"]`: `final`, `estimated` or `unknown`."""
    transcript: Sequence[TranscriptLine] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> Json:
        """The wire shape, the same in MCP, library and command line."""
        return {
            "call_id": self.call_id,
            "status": self.status,
            "duration_seconds": self.duration_seconds,
            "cost_usd": self.cost_usd,
            "transcript": [line.to_json() for line in self.transcript],
            "metrics": dict(self.metrics),
        }

    to_dict = to_json
