"""What a write may do to a call, decided without I/O; shared by the stores that decide in Python.

Every function looks at the row as it is inside the caller's atomic step and says what is to be done.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from patter_mcp.store.base import Beat, Finish, Limits, NewCall, Refused, Write
from patter_mcp.types import CallRecord, CallState

Clock = Callable[[], float]
"""Seconds since 1970, the same for every node of a store."""

DAY_SEC = 86_400.0
UNDELIVERED_HOLD_SEC = 600.0
"""How long a finished call whose result nobody fetched keeps its idempotency key."""
QUARANTINE_LEASES = 2
"""How many lease lengths a node that has just joined judges nobody: until then live nodes have beaten again."""
FIRST_BEAT_SEC = 15.0
"""How long a call of a node without any lease is left alone: the node may not have come to its first beat yet."""

_RANKS: Mapping[CallState, int] = {
    CallState.QUEUED: 0,
    CallState.DIALING: 1,
    CallState.RINGING: 2,
    CallState.IN_PROGRESS: 3,
    CallState.ENDED: 4,
}


@dataclass(frozen=True, slots=True)
class Lease:
    """Until when a node counts as alive, and from when on it may take over from others."""

    until: float
    judges_from: float


def new_node() -> str:
    """A name for this process that no other one has."""
    return f"{os.getpid()}-{secrets.token_hex(6)}"


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def event_id(position: int) -> str:
    """Sorts as text in the order of writing; positions count from 1."""
    return f"{position:09d}"


def position(event_id: str) -> int:
    return int(event_id or 0)


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def first_record(call: NewCall, owner: str, now: float) -> CallRecord:
    return CallRecord(
        call_id=call.call_id,
        request=call.request,
        carrier=call.carrier,
        state=CallState.QUEUED,
        owner=owner,
        epoch=1,
        carrier_id=None,
        created_at=instant(now),
        deadline_at=instant(now + call.lifetime_sec),
    )


def holds_key(record: CallRecord, ended_at: float | None, now: float, hold_sec: float) -> bool:
    """Whether the same request still means this call."""
    return ended_at is None or (not record.delivered and now - ended_at < hold_sec)


def refusal(limits: Limits, counts: Mapping[str, int]) -> Refused | None:
    """The first limit reached; `counts` is keyed by the fields of `Limits`."""
    for field in fields(limits):
        limit: int | None = getattr(limits, field.name)
        if limit is not None and counts[field.name] >= limit:
            return Refused(field.name, limit)
    return None


def on_append(record: CallRecord | None, epoch: int) -> Write:
    if record is None:
        return Write.GONE
    if record.state is CallState.ENDED or record.epoch != epoch:
        return Write.FENCED
    return Write.OK


def on_attach(record: CallRecord | None, epoch: int, carrier_id: str) -> Write:
    """An ended call may still learn its carrier id: a dial under way can be answered after the call was closed."""
    if record is None:
        return Write.GONE
    if record.epoch != epoch:
        return Write.FENCED
    return Write.OK if record.carrier_id in (None, carrier_id) else Write.STALE


def on_status(record: CallRecord | None, state: CallState) -> Write:
    if record is None:
        return Write.GONE
    rises = _RANKS[record.state] < _RANKS[state] < _RANKS[CallState.ENDED]
    return Write.OK if rises else Write.STALE


def on_finish(record: CallRecord | None, epoch: int | None) -> Finish:
    if record is None:
        return Finish.GONE
    if record.state is CallState.ENDED:
        return Finish.DUPLICATE
    return Finish.FIRST if epoch in (None, record.epoch) else Finish.FENCED


def on_restore(known: bool, record: CallRecord) -> Write:
    return Write.STALE if known or record.state is CallState.ENDED else Write.OK


def on_beat(lease: Lease | None, now: float, ttl_sec: float) -> tuple[Beat, Lease]:
    if lease is not None and lease.until >= now:
        return Beat.RENEWED, Lease(now + ttl_sec, lease.judges_from)
    return Beat.JOINED, Lease(now + ttl_sec, now + QUARANTINE_LEASES * ttl_sec)


def may_take_over(lease: Lease | None, owner: str, now: float) -> bool:
    """Whether a node with this lease may have the calls of another whose own has run out."""
    if lease is None or lease.until < now:
        return False
    return lease.judges_from <= now or process_is_gone(owner)


def process_is_gone(node: str) -> bool:
    """Whether there is no process on this machine that could be the node. One elsewhere may bear the same number."""
    process_id, _, rest = node.partition("-")
    if not rest or not process_id.isdecimal() or sys.platform == "win32":
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def is_abandoned(record: CallRecord, owner_lease: Lease | None, now: float) -> bool:
    """Of a live call: nobody looks after it any more."""
    if record.state is CallState.ENDED:
        return False
    if owner_lease is None:
        return record.created_at.timestamp() + FIRST_BEAT_SEC < now
    return owner_lease.until < now
