"""A store that lasts as long as its objects: for tests, and for calls nobody needs to look up later."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio

from patter_mcp.errors import CallNotFound
from patter_mcp.events import Ended, Event, Logged
from patter_mcp.store import rules
from patter_mcp.store.base import (
    Admitted,
    Beat,
    CallSnapshot,
    Claim,
    Existing,
    Finish,
    Limits,
    Listener,
    NewCall,
    Refused,
    Write,
)
from patter_mcp.store.hints import Listeners, Wakes
from patter_mcp.types import CallRecord, CallRequest, CallState


@dataclass(slots=True)
class _Call:
    record: CallRecord
    idem_key: str | None
    log: list[Event]
    ended_at: float | None = None


@dataclass(slots=True)
class _Shared:
    """What all nodes of one store have in common: the server side."""

    clock: rules.Clock
    calls: dict[str, _Call] = field(default_factory=dict[str, _Call])
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    """Digest -> call id and expiry."""
    leases: dict[str, rules.Lease] = field(default_factory=dict[str, rules.Lease])
    wakes: Wakes = field(default_factory=Wakes)
    listeners: Listeners = field(default_factory=Listeners)


class MemoryStore:
    """One node of a store in memory. Its methods never suspend, so each is one step.

    Args:
        node: Name of this node.
        clock: Seconds since 1970.
        undelivered_hold_sec: How long an undelivered result keeps its idempotency key.
    """

    def __init__(
        self,
        node: str | None = None,
        clock: rules.Clock = time.time,
        *,
        undelivered_hold_sec: float = rules.UNDELIVERED_HOLD_SEC,
    ) -> None:
        self.node = node or rules.new_node()
        self._hold_sec = undelivered_hold_sec
        self._shared = _Shared(clock)

    @classmethod
    @asynccontextmanager
    async def open(cls, node: str | None = None, clock: rules.Clock = time.time) -> AsyncGenerator[MemoryStore]:
        """The same shape as the stores that have something to close."""
        yield cls(node, clock)

    def peer(self, node: str | None = None) -> MemoryStore:
        """Another node of the same store."""
        peer = MemoryStore(node, undelivered_hold_sec=self._hold_sec)
        peer._shared = self._shared
        return peer

    async def create(self, call: NewCall, idem_key: str, limits: Limits) -> Admitted | Existing | Refused:
        now = self._shared.clock()
        holder = self._holder(call, idem_key, now)
        if holder is not None:
            return Existing(holder)
        refused = rules.refusal(limits, self._counts(call.request, now))
        if refused is not None:
            return refused
        record = rules.first_record(call, self.node, now)
        self._shared.calls[call.call_id] = _Call(record, idem_key, [call.created])
        return Admitted(record)

    async def attach(self, call_id: str, epoch: int, carrier_id: str) -> Write:
        verdict = rules.on_attach(await self.get(call_id), epoch, carrier_id)
        if verdict is Write.OK:
            call = self._shared.calls[call_id]
            call.record = replace(call.record, carrier_id=carrier_id)
            self._shared.wakes.wake(call_id)
        return verdict

    async def carrier_status(self, call_id: str, state: CallState, events: Sequence[Event] = ()) -> Write:
        verdict = rules.on_status(await self.get(call_id), state)
        if verdict is Write.OK:
            call = self._shared.calls[call_id]
            call.record = replace(call.record, state=state)
            self._log(call, events)
        return verdict

    async def mint_token(self, call_id: str, ttl_sec: float) -> str:
        if call_id not in self._shared.calls:
            raise CallNotFound(f"There is no call {call_id}.")
        token = secrets.token_urlsafe(32)
        self._shared.tokens[rules.token_digest(token)] = (call_id, self._shared.clock() + ttl_sec)
        return token

    async def claim_media(self, token: str) -> Claim | Refused:
        call_id, expires_at = self._shared.tokens.pop(rules.token_digest(token), ("", 0.0))
        call = self._shared.calls.get(call_id)
        if call is None or expires_at < self._shared.clock():
            return Refused("unknown-token")
        if call.ended_at is not None:
            return Refused("call-ended")
        call.record = replace(call.record, owner=self.node, epoch=call.record.epoch + 1, state=CallState.IN_PROGRESS)
        self._shared.wakes.wake(call_id)
        return Claim(call.record)

    async def append(self, call_id: str, epoch: int, events: Sequence[Event]) -> Write:
        verdict = rules.on_append(await self.get(call_id), epoch)
        if verdict is Write.OK:
            self._log(self._shared.calls[call_id], events)
        return verdict

    async def finish(self, call_id: str, ended: Ended, epoch: int | None, events: Sequence[Event] = ()) -> Finish:
        verdict = rules.on_finish(await self.get(call_id), epoch)
        if verdict is Finish.FIRST:
            call = self._shared.calls[call_id]
            call.record = replace(call.record, state=CallState.ENDED)
            call.ended_at = self._shared.clock()
            self._log(call, [*events, ended])
        return verdict

    async def delivered(self, call_id: str) -> None:
        call = self._shared.calls.get(call_id)
        if call is not None and call.ended_at is not None:
            call.record = replace(call.record, delivered=True)

    async def get(self, call_id: str) -> CallRecord | None:
        call = self._shared.calls.get(call_id)
        return None if call is None else call.record

    async def recent(
        self, *, limit: int = 50, principal: str | None = None, live: bool | None = None
    ) -> list[CallRecord]:
        found = [
            call.record
            for call in reversed(self._shared.calls.values())
            if principal in (None, call.record.request.principal) and live in (None, call.ended_at is None)
        ]
        return found[:limit]

    async def events(self, call_id: str, after: str = "") -> list[Logged]:
        call = self._shared.calls.get(call_id)
        known = rules.position(after)
        log = [] if call is None else call.log[known:]
        return [Logged(rules.event_id(known + index), event) for index, event in enumerate(log, 1)]

    async def changed(self, call_id: str, timeout_sec: float, after: str | None = None) -> None:
        if after is not None and await self.events(call_id, after):
            return
        with self._shared.wakes.waiting(call_id) as woken, anyio.move_on_after(timeout_sec):
            await woken.wait()

    async def beat(self, ttl_sec: float) -> Beat:
        leases = self._shared.leases
        beat, leases[self.node] = rules.on_beat(leases.get(self.node), self._shared.clock(), ttl_sec)
        return beat

    async def take_over(self) -> list[CallRecord]:
        now, lease = self._shared.clock(), self._shared.leases.get(self.node)
        abandoned = [
            call
            for call in self._live()
            if call.record.owner != self.node
            and await self.is_lost(call.record)
            and rules.may_take_over(lease, call.record.owner, now)
        ]
        for call in abandoned:
            call.record = replace(call.record, owner=self.node, epoch=call.record.epoch + 1)
            self._shared.wakes.wake(call.record.call_id)
        return [call.record for call in abandoned]

    async def is_lost(self, record: CallRecord) -> bool:
        return rules.is_abandoned(record, self._shared.leases.get(record.owner), self._shared.clock())

    async def overdue(self) -> list[CallRecord]:
        now = rules.instant(self._shared.clock())
        return [call.record for call in self._live() if call.record.deadline_at <= now]

    async def restore(self, snapshot: CallSnapshot) -> Write:
        record = snapshot.record
        verdict = rules.on_restore(record.call_id in self._shared.calls, record)
        if verdict is Write.OK:
            self._shared.calls[record.call_id] = _Call(record, None, list(snapshot.events))
        return verdict

    async def publish(self, uri: str) -> None:
        await self._shared.listeners.tell(uri)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        return self._shared.listeners.add(listener)

    async def aclose(self) -> None:
        """Nothing to do: the calls stay as long as a peer is left."""

    def _log(self, call: _Call, events: Iterable[Event]) -> None:
        call.log.extend(events)
        self._shared.wakes.wake(call.record.call_id)

    def _live(self) -> list[_Call]:
        return [call for call in self._shared.calls.values() if call.ended_at is None]

    def _holder(self, new: NewCall, idem_key: str, now: float) -> CallRecord | None:
        for call in self._shared.calls.values():
            if call.record.call_id == new.call_id:
                return call.record
            same = call.idem_key == idem_key and call.record.request.principal == new.request.principal
            if same and rules.holds_key(call.record, call.ended_at, now, self._hold_sec):
                return call.record
        return None

    def _counts(self, request: CallRequest, now: float) -> dict[str, int]:
        since = rules.instant(now - rules.DAY_SEC)
        today = [call.record.request for call in self._shared.calls.values() if call.record.created_at > since]
        return {
            "concurrent_calls": sum(call.record.deadline_at > rules.instant(now) for call in self._live()),
            "calls_per_number_per_day": sum(earlier.to_number == request.to_number for earlier in today),
            "calls_per_day": sum(earlier.principal == request.principal for earlier in today),
        }
