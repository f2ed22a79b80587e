"""All calls of this process: admits them, runs each as one task group, and closes what others left behind."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields, replace
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from patter_mcp import events as ev
from patter_mcp.calls.call import Call
from patter_mcp.calls.live import CARRIER_MARGIN_SEC, Line, LiveCall
from patter_mcp.calls.tracing import find_line
from patter_mcp.carriers.base import Carrier, CarrierReport
from patter_mcp.config import CallSettings
from patter_mcp.conversation.engine import Engine
from patter_mcp.errors import CallNotFound, CallRefused, CarrierError, PatterError
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.store.base import Admitted, CallStore, Claim, Limits, NewCall, Refused
from patter_mcp.types import CallRecord, CallRequest, CallState, EndReason, Party

logger = logging.getLogger(__name__)

LEASE_SEC = 6.0
"""A process that has not been heard of for this long is taken to be dead."""
BEAT_SEC = 2.0
CLOSING_MARGIN_SEC = 120.0
"""After its limits a call has this long to be closed by its owner; then anyone may."""


class MediaGate(Protocol):
    """Where carriers reach us; `media` implements it."""

    async def ready(self) -> None:
        """Opens the endpoint if it is not open yet.

        Raises:
            ConfigError: it cannot be opened.
        """
        ...

    def line(self, call_id: str, token: str) -> Line: ...


class CallManager:
    """Give it a store, a carrier, an engine and a gate; enter `run`; then `place` calls."""

    def __init__(
        self,
        *,
        store: CallStore,
        carrier: Carrier,
        engine: Engine,
        gate: MediaGate,
        settings: CallSettings,
        policy: DialingPolicy | None = None,
        from_number: str | None = None,
    ) -> None:
        self.store = store
        self._carrier = carrier
        self._engine = engine
        self._gate = gate
        self._settings = settings
        self._policy = policy or DialingPolicy.sandbox()
        self._from_number = from_number
        self._live: dict[str, LiveCall] = {}
        self._unrecorded: dict[str, LiveCall] = {}
        """Over, but the store would not take it."""
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[CallManager]:
        """Calls live inside this block; leaving it hangs every one up."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._beat)
            tasks.start_soon(self._keep_house)
            try:
                yield self
            finally:
                self._tasks = None
                tasks.cancel_scope.cancel()

    async def ready(self) -> None:
        """Opens the media endpoint now rather than at the first call.

        Raises:
            ConfigError: it cannot be opened.
        """
        await self._gate.ready()

    async def place(self, request: CallRequest, engine: Engine | None = None) -> Call:
        """Starts a call, or finds the same one already alive or not yet reported.

        Raises:
            CallRefused: the dialing policy says no or a limit is reached; nothing was dialed.
            ConfigError: the media endpoint cannot be opened.
            StoreError: the call could not be recorded; nothing was dialed.
        """
        self._policy.check(request.to_number)
        await self._gate.ready()
        # Shielded: a row that is written has its task, or it would ring nobody for ever.
        with _shielded():
            return await self._admit(request, engine or self._engine)

    async def find(self, call_id: str, principal: str = "local") -> Call:
        """Raises:
        CallNotFound: no such call, or somebody else's; the two look alike.
        """
        record = await self.store.get(call_id)
        if record is None or record.request.principal != principal:
            raise CallNotFound(f"There is no call {call_id}.")
        return self._handle(call_id, attached=True)

    async def claim(self, token: str) -> LiveCall | None:
        """The call a media stream's token belongs to; None if it is not good, or not any more."""
        claim = await self.store.claim_media(token)
        if not isinstance(claim, Claim):
            logger.warning("a media stream was refused", extra={"why": claim.rule})
            return None
        live = self._live.get(claim.record.call_id)
        if live is not None:
            live.claimed(claim.record.epoch)
        return live

    async def reported(self, report: CarrierReport) -> None:
        """A carrier's webhook, for whichever call it names.

        Raises:
            WebhookRejected: it speaks of another call.
            StoreError: it could not be recorded; the carrier may try again.
        """
        live = self._live.get(report.call_id)
        if live is not None:
            await live.reported(report)
        elif report.state is not CallState.ENDED and report.carrier_id is not None:
            # The call was given up while nobody knew whether it rings. It does.
            await self._end_line(report.call_id, report.carrier_id)

    async def _admit(self, request: CallRequest, engine: Engine) -> Call:
        new = self._new_call(request, engine)
        limits = Limits(**{limit.name: getattr(self._settings, limit.name) for limit in fields(Limits)})
        admitted = await self.store.create(new, _idempotency_key(request), limits)
        if isinstance(admitted, Refused):
            raise CallRefused(_limit_sentence(admitted), rule=admitted.rule, retryable=True)
        record = admitted.record
        if isinstance(admitted, Admitted):
            await self._start(record, engine)
        return self._handle(record.call_id, attached=not isinstance(admitted, Admitted))

    async def _start(self, record: CallRecord, engine: Engine) -> None:
        if self._tasks is None:
            raise CallRefused("The phone is shutting down; no new calls are placed.", rule="shutdown")
        token = await self.store.mint_token(record.call_id, self._settings.ring_timeout_sec + 60)
        live = LiveCall(
            record,
            store=self.store,
            carrier=self._carrier,
            engine=engine,
            line=self._gate.line(record.call_id, token),
            settings=self._settings,
            from_number=self._from_number,
        )
        self._live[record.call_id] = live
        self._tasks.start_soon(self._run, live)

    async def _run(self, live: LiveCall) -> None:
        try:
            await live.run()
        finally:
            del self._live[live.call_id]
            if live.unrecorded:
                self._unrecorded[live.call_id] = live

    def _new_call(self, request: CallRequest, engine: Engine) -> NewCall:
        created = ev.Created(
            to_number=request.to_number,
            goal=request.goal,
            first_message=request.first_message,
            max_duration_sec=request.max_duration_sec,
            carrier=self._carrier.name,
            simulated=self._carrier.simulated,
            engine=engine.parts,
        )
        limit_sec = self._settings.ring_timeout_sec + request.max_duration_sec + CARRIER_MARGIN_SEC
        return NewCall(
            call_id=f"call_{secrets.token_hex(16)}",
            request=request,
            carrier=self._carrier.name,
            created=created,
            lifetime_sec=limit_sec + CLOSING_MARGIN_SEC,
        )

    def _handle(self, call_id: str, *, attached: bool) -> Call:
        return Call(call_id, self.store, self._hang_up, self._unrecorded_events, attached=attached)

    def _unrecorded_events(self, call_id: str) -> Sequence[ev.Event]:
        call = self._unrecorded.get(call_id)
        return () if call is None else call.unrecorded

    async def _hang_up(self, call_id: str, by: Party, detail: str) -> None:
        live = self._live.get(call_id)
        if live is not None:
            live.end(EndReason.CANCELED, by, detail)
            await live.closed.wait()
            return
        record = await self.store.get(call_id)
        if record is not None and record.state is not CallState.ENDED:
            await self._close_orphan(record, ev.Ended(reason=EndReason.CANCELED, ended_by=by, detail=detail))

    async def _beat(self) -> None:
        """Says that we live; in a task of its own, for whoever falls silent loses its calls."""
        while True:
            try:
                await self.store.beat(LEASE_SEC)
            except PatterError as error:
                logger.error("the lease could not be renewed; trying again", extra={"why": error.message})
            await anyio.sleep(BEAT_SEC)

    async def _keep_house(self) -> None:
        """Closes the calls of processes that live no longer, and records what the store would not take before."""
        orphans: dict[str, CallRecord] = {}
        while True:
            try:
                for record in [*await self.store.take_over(), *await self.store.overdue()]:
                    if record.call_id not in self._live | self._unrecorded:
                        orphans[record.call_id] = record
            except PatterError as error:
                logger.error("looking for abandoned calls failed; trying again", extra={"why": error.message})
            for record in list(orphans.values()):
                if await self._is_closed(record):
                    del orphans[record.call_id]
            for live in list(self._unrecorded.values()):
                if await live.record_end():
                    del self._unrecorded[live.call_id]
            await anyio.sleep(BEAT_SEC)

    async def _is_closed(self, orphan: CallRecord) -> bool:
        try:
            await self._close_orphan(orphan, ev.Ended(reason=EndReason.INTERRUPTED, ended_by="system"))
        except (PatterError, TimeoutError) as error:
            facts = {"call_id": orphan.call_id, "why": str(error)}
            logger.error("an abandoned call could not be closed; trying again", extra=facts)
            return False
        return True

    async def _end_line(self, call_id: str, carrier_id: str) -> None:
        try:
            with anyio.move_on_after(self._settings.hang_up_timeout_sec):
                await self._carrier.hang_up(call_id, carrier_id)
        except CarrierError:
            logger.exception("a call that nobody waits for could not be hung up", extra={"call_id": call_id})

    async def _close_orphan(self, record: CallRecord, ended: ev.Ended) -> None:
        """Line down first: a row may only be closed once nobody is left ringing or talking."""
        with anyio.CancelScope(shield=True), anyio.fail_after(self._settings.hang_up_timeout_sec):
            found = await self._put_down(record)
            await self.store.finish(record.call_id, replace(ended, detail=ended.detail or found), None)

    async def _put_down(self, record: CallRecord) -> str:
        """Ends what is left of a call whose process is gone; a sentence on what that was."""
        if record.state is CallState.QUEUED:
            return "Nothing had been dialed."
        if record.carrier != self._carrier.name:
            return f"Its line was left to {record.carrier}, whose own time limit ends it."
        carrier_id = record.carrier_id or await find_line(
            self._carrier,
            self.store,
            to_number=record.request.to_number,
            from_number=self._from_number,
            since=record.created_at,
        )
        await self._carrier.hang_up(record.call_id, carrier_id)
        if carrier_id is None:
            return "Whether the phone rang is unknown; the carrier has no such call under way."
        return "The line was closed afterwards."


@contextmanager
def _shielded() -> Generator[None]:
    with anyio.CancelScope(shield=True):
        yield


def _idempotency_key(request: CallRequest) -> str:
    """Two requests with one key are one call: same number, same words."""
    words = json.dumps([request.to_number, request.goal, request.first_message])
    return hashlib.sha256(words.encode()).hexdigest()


def _limit_sentence(refused: Refused) -> str:
    if refused.rule == "concurrent_calls":
        return (
            f"{refused.limit} calls are already under way, which is the limit. Wait for one to end, or raise "
            "`calls.concurrent_calls`."
        )
    of = "this number" if refused.rule == "calls_per_number_per_day" else "all numbers"
    return (
        f"{refused.limit} calls to {of} in 24 hours is the limit, and it is reached. Nothing was dialed. Call again "
        f"later, or raise `calls.{refused.rule}`."
    )
