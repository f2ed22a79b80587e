"""What the carrier and the program that hosts the callees say to each other; `worker` has the envelope."""

from __future__ import annotations

import json
from dataclasses import dataclass

from patter_mcp.types import CallState, EndReason
from patter_mcp.worker import FIRST_KIND

DIAL = FIRST_KIND
"""To the host: place the call that was ordered."""
HANG_UP = FIRST_KIND + 1
"""To the host: the agent's side ends the call."""
PRESS = FIRST_KIND + 2
"""To the host: the agent presses these keys, out of band."""
NEWS = FIRST_KIND + 3
"""From the host: `pack` says what; ENDED comes last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A call to be placed; as JSON it opens the call's channel, and `DIAL` follows."""

    carrier_id: str
    scenario_path: str
    stream_url: str
    ring_timeout_sec: float
    time_limit_sec: float
    speech: str
    """`module:name` of the callees' `Speech`."""
    speed: float
    """How many seconds of the call pass in one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """How a call stands."""

    state: CallState
    reason: EndReason | None = None
    """With ENDED only."""
    detail: str = ""


def pack(news: News) -> bytes:
    return json.dumps({"state": news.state, "reason": news.reason, "detail": news.detail}).encode()


def unpack(payload: bytes) -> News:
    fields = json.loads(payload)
    reason = EndReason(fields["reason"]) if fields["reason"] else None
    return News(state=CallState(fields["state"]), reason=reason, detail=fields["detail"])
