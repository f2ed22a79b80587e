"""The SQL of each operation. Every method runs inside a transaction that somebody else begins and commits."""

from __future__ import annotations

import dataclasses
import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patter_mcp import events as ev
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
    NewCall,
    Refused,
    Write,
)
from patter_mcp.types import CallRecord, CallRequest, CallState

KEPT_NOTICES = 1000
"""Notices kept for other processes; each looks for new ones several times a second."""

_REQUEST_FIELDS = {field.name for field in dataclasses.fields(CallRequest)}


@dataclass(frozen=True, slots=True)
class News:
    """What other processes did since the last look."""

    version: int
    """Differs from the last one when another process has written anything."""
    last_place: int
    """Of the newest notice seen."""
    notices: Sequence[str]


class Ledger:
    """`CallStore` without the waiting: one connection, one node."""

    def __init__(self, connection: sqlite3.Connection, node: str, clock: rules.Clock, hold_sec: float) -> None:
        self.node = node
        self._connection = connection
        self._clock = clock
        self._hold_sec = hold_sec

    def create(self, call: NewCall, idem_key: str, limits: Limits) -> Admitted | Existing | Refused:
        now = self._clock()
        holder = self._holder(call, idem_key, now)
        if holder is not None:
            return Existing(holder)
        refused = rules.refusal(limits, self._counts(call.request, now))
        if refused is not None:
            return refused
        record = rules.first_record(call, self.node, now)
        self._insert(record, idem_key)
        self._log(call.call_id, [call.created])
        return Admitted(record)

    def attach(self, call_id: str, epoch: int, carrier_id: str) -> Write:
        verdict = rules.on_attach(self.get(call_id), epoch, carrier_id)
        if verdict is Write.OK:
            self._connection.execute("UPDATE calls SET carrier_id = ? WHERE call_id = ?", (carrier_id, call_id))
        return verdict

    def carrier_status(self, call_id: str, state: CallState, events: Sequence[Event]) -> Write:
        verdict = rules.on_status(self.get(call_id), state)
        if verdict is Write.OK:
            self._connection.execute("UPDATE calls SET state = ? WHERE call_id = ?", (state, call_id))
            self._log(call_id, events)
        return verdict

    def mint_token(self, call_id: str, ttl_sec: float) -> str:
        if self.get(call_id) is None:
            raise CallNotFound(f"There is no call {call_id}.")
        now = self._clock()
        token = secrets.token_urlsafe(32)
        self._connection.execute("DELETE FROM tokens WHERE expires_at < ?", (now,))
        self._connection.execute(
            "INSERT INTO tokens VALUES (?, ?, ?)", (rules.token_digest(token), call_id, now + ttl_sec)
        )
        return token

    def claim_media(self, token: str) -> Claim | Refused:
        record = self._use_up(token)
        if record is None:
            return Refused("unknown-token")
        if record.state is CallState.ENDED:
            return Refused("call-ended")
        return Claim(self._hand_over(replace(record, state=CallState.IN_PROGRESS)))

    def append(self, call_id: str, epoch: int, events: Sequence[Event]) -> Write:
        verdict = rules.on_append(self.get(call_id), epoch)
        if verdict is Write.OK:
            self._log(call_id, events)
        return verdict

    def finish(self, call_id: str, ended: Ended, epoch: int | None, events: Sequence[Event]) -> Finish:
        verdict = rules.on_finish(self.get(call_id), epoch)
        if verdict is Finish.FIRST:
            self._connection.execute(
                "UPDATE calls SET state = ?, ended_at = ? WHERE call_id = ?",
                (CallState.ENDED, self._clock(), call_id),
            )
            self._log(call_id, [*events, ended])
        return verdict

    def delivered(self, call_id: str) -> None:
        self._connection.execute(
            "UPDATE calls SET delivered = 1 WHERE call_id = ? AND ended_at IS NOT NULL", (call_id,)
        )

    def get(self, call_id: str) -> CallRecord | None:
        row = self._row("SELECT * FROM calls WHERE call_id = ?", (call_id,))
        return None if row is None else _record(row)

    def recent(self, limit: int, principal: str | None, live: bool | None) -> list[CallRecord]:
        return self._records(
            "SELECT * FROM calls WHERE (:principal IS NULL OR principal = :principal)"
            " AND (:live IS NULL OR (ended_at IS NULL) = :live) ORDER BY place DESC LIMIT :limit",
            {"principal": principal, "live": live, "limit": limit},
        )

    def events(self, call_id: str, after: str) -> list[Logged]:
        rows = self._connection.execute(
            "SELECT position, event FROM events WHERE call_id = ? AND position > ? ORDER BY position",
            (call_id, rules.position(after)),
        )
        return [Logged(rules.event_id(row["position"]), ev.from_json(json.loads(row["event"]))) for row in rows]

    def has_events(self, call_id: str, after: str) -> bool:
        return self._last_position(call_id) > rules.position(after)

    def beat(self, ttl_sec: float) -> Beat:
        now = self._clock()
        beat, lease = rules.on_beat(self._lease(self.node), now, ttl_sec)
        self._connection.execute(
            "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?)", (self.node, lease.until, lease.judges_from)
        )
        if beat is Beat.JOINED:
            self._connection.execute("DELETE FROM nodes WHERE lease_until < ?", (now - rules.DAY_SEC,))
        return beat

    def take_over(self) -> list[CallRecord]:
        now, lease = self._clock(), self._lease(self.node)
        others = self._records("SELECT * FROM calls WHERE ended_at IS NULL AND owner != ?", (self.node,))
        return [
            self._hand_over(record)
            for record in others
            if self.is_lost(record) and rules.may_take_over(lease, record.owner, now)
        ]

    def is_lost(self, record: CallRecord) -> bool:
        return rules.is_abandoned(record, self._lease(record.owner), self._clock())

    def overdue(self) -> list[CallRecord]:
        return self._records("SELECT * FROM calls WHERE ended_at IS NULL AND deadline_at <= ?", (self._clock(),))

    def restore(self, snapshot: CallSnapshot) -> Write:
        record = snapshot.record
        verdict = rules.on_restore(self.get(record.call_id) is not None, record)
        if verdict is Write.OK:
            self._insert(record, None)
            self._log(record.call_id, snapshot.events)
        return verdict

    def publish(self, uri: str) -> None:
        place = self._connection.execute("INSERT INTO notices (node, uri) VALUES (?, ?)", (self.node, uri)).lastrowid
        assert place is not None
        self._connection.execute("DELETE FROM notices WHERE place <= ?", (place - KEPT_NOTICES,))

    def news(self, since: int) -> News:
        """What other processes have written; notices only those after the place `since`."""
        version = self._one("PRAGMA data_version")
        rows = self._connection.execute("SELECT * FROM notices WHERE place > ? ORDER BY place", (since,)).fetchall()
        return News(
            version=version,
            last_place=rows[-1]["place"] if rows else since,
            notices=[row["uri"] for row in rows if row["node"] != self.node],
        )

    def _holder(self, call: NewCall, idem_key: str, now: float) -> CallRecord | None:
        """The call that this request already is. Of those with its key only the newest can still hold it."""
        same = self.get(call.call_id)
        if same is not None:
            return same
        row = self._row(
            "SELECT * FROM calls WHERE principal = ? AND idem_key = ? ORDER BY place DESC LIMIT 1",
            (call.request.principal, idem_key),
        )
        if row is None:
            return None
        record = _record(row)
        return record if rules.holds_key(record, row["ended_at"], now, self._hold_sec) else None

    def _counts(self, request: CallRequest, now: float) -> dict[str, int]:
        since = now - rules.DAY_SEC
        return {
            "concurrent_calls": self._one(
                "SELECT count(*) FROM calls WHERE ended_at IS NULL AND deadline_at > ?", (now,)
            ),
            "calls_per_number_per_day": self._one(
                "SELECT count(*) FROM calls WHERE to_number = ? AND created_at > ?", (request.to_number, since)
            ),
            "calls_per_day": self._one(
                "SELECT count(*) FROM calls WHERE principal = ? AND created_at > ?", (request.principal, since)
            ),
        }

    def _insert(self, record: CallRecord, idem_key: str | None) -> None:
        self._connection.execute(
            "INSERT INTO calls (call_id, idem_key, principal, to_number, request, carrier, state, owner, epoch,"
            " carrier_id, created_at, deadline_at, delivered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.call_id,
                idem_key,
                record.request.principal,
                record.request.to_number,
                json.dumps(dataclasses.asdict(record.request)),
                record.carrier,
                record.state,
                record.owner,
                record.epoch,
                record.carrier_id,
                record.created_at.timestamp(),
                record.deadline_at.timestamp(),
                record.delivered,
            ),
        )

    def _log(self, call_id: str, events: Iterable[Event]) -> None:
        rows = enumerate((json.dumps(ev.to_json(event)) for event in events), self._last_position(call_id) + 1)
        self._connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?)", ((call_id, position, event) for position, event in rows)
        )

    def _last_position(self, call_id: str) -> int:
        return self._one("SELECT coalesce(max(position), 0) FROM events WHERE call_id = ?", (call_id,))

    def _hand_over(self, record: CallRecord) -> CallRecord:
        """The call is this node's from here on."""
        record = replace(record, owner=self.node, epoch=record.epoch + 1)
        self._connection.execute(
            "UPDATE calls SET owner = ?, epoch = ?, state = ? WHERE call_id = ?",
            (record.owner, record.epoch, record.state, record.call_id),
        )
        return record

    def _use_up(self, token: str) -> CallRecord | None:
        digest = rules.token_digest(token)
        row = self._row("SELECT * FROM tokens WHERE digest = ?", (digest,))
        if row is None:
            return None
        self._connection.execute("DELETE FROM tokens WHERE digest = ?", (digest,))
        return self.get(row["call_id"]) if row["expires_at"] >= self._clock() else None

    def _lease(self, node: str) -> rules.Lease | None:
        row = self._row("SELECT * FROM nodes WHERE node = ?", (node,))
        return None if row is None else rules.Lease(row["lease_until"], row["judges_from"])

    def _records(self, sql: str, parameters: tuple[Any, ...] | Mapping[str, Any]) -> list[CallRecord]:
        return [_record(row) for row in self._connection.execute(sql, parameters).fetchall()]

    def _row(self, sql: str, parameters: tuple[Any, ...]) -> sqlite3.Row | None:
        return self._connection.execute(sql, parameters).fetchone()

    def _one(self, sql: str, parameters: tuple[Any, ...] = ()) -> int:
        """The first column of the only row."""
        return self._connection.execute(sql, parameters).fetchone()[0]


def _record(row: sqlite3.Row) -> CallRecord:
    return CallRecord(
        call_id=row["call_id"],
        request=_request(json.loads(row["request"])),
        carrier=row["carrier"],
        state=CallState(row["state"]),
        owner=row["owner"],
        epoch=row["epoch"],
        carrier_id=row["carrier_id"],
        created_at=rules.instant(row["created_at"]),
        deadline_at=rules.instant(row["deadline_at"]),
        delivered=bool(row["delivered"]),
    )


def _request(data: Mapping[str, Any]) -> CallRequest:
    """A newer version on this machine may have written fields that this one does not know."""
    return CallRequest(**{name: value for name, value in data.items() if name in _REQUEST_FIELDS})
