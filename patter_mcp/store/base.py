"""Where calls are kept: one protocol, the same contract for memory, SQLite and whatever joins later.

A call belongs to one node at a time. Taking it over raises its epoch, and a write that carries an
older epoch is fenced off: whoever gets `FENCED` or `DUPLICATE` lets go of the call and does not
touch the line. State changes are durable when the method returns. Instants come from the store's own
clock, never from a node's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from patter_mcp.events import Created, Ended, Event, Logged
from patter_mcp.types import CallRecord, CallRequest, CallState


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    call_id: str
    request: CallRequest
    carrier: str
    created: Created
    lifetime_sec: float
    """From now to the instant after which anyone may close the call: ring timeout + max duration + a margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Checked in the same step that writes the row. None: no limit."""

    concurrent_calls: int | None = None
    calls_per_number_per_day: int | None = None
    calls_per_day: int | None = None
    """Of one principal."""


@dataclass(frozen=True, slots=True)
class Admitted:
    record: CallRecord


@dataclass(frozen=True, slots=True)
class Existing:
    """The same request is alive, or its result has not been delivered yet: attach to this call."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class Refused:
    rule: str
    """Name of the field of `Limits`, or what is wrong with the token."""
    limit: int | None = None


class Write(StrEnum):
    OK = "ok"
    STALE = "stale"
    """Would not move the call forward; ignore it."""
    FENCED = "fenced"
    """The call has changed hands; let go of it."""
    GONE = "gone"
    """No such call here (the store may have forgotten it: `restore`)."""


class Finish(StrEnum):
    FIRST = "first"
    DUPLICATE = "duplicate"
    FENCED = "fenced"
    GONE = "gone"


class Beat(StrEnum):
    JOINED = "joined"
    """First beat, or the lease had run out: judge nobody for a while."""
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Claim:
    """The media stream's token was good; the call is ours at this epoch."""

    record: CallRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSnapshot:
    """All a call's owner knows of it, to give back to a store that forgot."""

    record: CallRecord
    events: Sequence[Event] = field(default_factory=list[Event])


Listener = Callable[[str], Awaitable[None]]


class CallStore(Protocol):
    async def create(self, call: NewCall, idem_key: str, limits: Limits) -> Admitted | Existing | Refused:
        """Writes the row (`queued`, epoch 1, owned by this node) and its `created` event, unless the key is taken.

        `idem_key` is scoped to the principal. It is free again once the call's result was delivered.
        """
        ...

    async def attach(self, call_id: str, epoch: int, carrier_id: str) -> Write:
        """Notes the carrier's id; the first one stays."""
        ...

    async def carrier_status(self, call_id: str, state: CallState, events: Sequence[Event] = ()) -> Write:
        """Raises the call's state and appends the events in one step; from any node.

        What would not raise it is `STALE` and writes nothing, and so is `ENDED`: see `finish`.
        """
        ...

    async def mint_token(self, call_id: str, ttl_sec: float) -> str:
        """A one-time token for the media stream; only its SHA-256 is kept."""
        ...

    async def claim_media(self, token: str) -> Claim | Refused:
        """Uses the token up: epoch + 1, owner = this node, state `in-progress`.

        `Refused.rule` is `unknown-token` or `call-ended`.
        """
        ...

    async def append(self, call_id: str, epoch: int, events: Sequence[Event]) -> Write:
        """Adds events in order. May ride a later commit: not awaited for durability.

        `FENCED` also once the call has ended: nothing follows `ended`.
        """
        ...

    async def finish(self, call_id: str, ended: Ended, epoch: int | None, events: Sequence[Event] = ()) -> Finish:
        """Appends `events`, then `ended`, and closes the call; the first writer wins.

        `epoch` None: the writer does not own the call (sweeper, webhook).
        """
        ...

    async def delivered(self, call_id: str) -> None:
        """The result was given to whoever asked: the idempotency key is free again."""
        ...

    async def get(self, call_id: str) -> CallRecord | None: ...

    async def recent(
        self, *, limit: int = 50, principal: str | None = None, live: bool | None = None
    ) -> list[CallRecord]:
        """Newest first."""
        ...

    async def events(self, call_id: str, after: str = "") -> list[Logged]:
        """In order of writing; `after` is the id of the last one already known."""
        ...

    async def changed(self, call_id: str, timeout_sec: float, after: str | None = None) -> None:
        """Returns when something may have changed, or after the timeout. A hint: always re-read.

        With `after`, the id of the last event known, it returns at once if there are later ones: what happened
        between the caller's reading and its waiting is not slept over.
        """
        ...

    async def beat(self, ttl_sec: float) -> Beat:
        """Renews this node's lease."""
        ...

    async def take_over(self) -> list[CallRecord]:
        """Live calls of nodes whose lease ran out, now owned by this node at the next epoch.

        A node that has just joined takes over only from processes of this machine that are seen to be gone: others may
        have had no time to renew, after a sleep of the machine for instance.
        """
        ...

    async def is_lost(self, record: CallRecord) -> bool:
        """Whether the call lives in the books only: the lease of the node that ran it has run out."""
        ...

    async def overdue(self) -> list[CallRecord]:
        """Live calls past their deadline, whoever owns them."""
        ...

    async def restore(self, snapshot: CallSnapshot) -> Write:
        """Puts back a live call the store forgot; `STALE` when it knows it."""
        ...

    async def publish(self, uri: str) -> None:
        """Tells every listener, on every node, that the thing at `uri` changed."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Returns a function that ends the subscription."""
        ...

    async def aclose(self) -> None: ...
