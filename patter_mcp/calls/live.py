"""One call while it lives: dial, ring, answer, converse, hang up, close.

Everything that can end a call (the carrier, the conversation, a deadline, whoever asked, a crash)
comes through `LiveCall.end`; the first to speak decides, and the way out is the same for all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import anyio

from patter_mcp import events as ev
from patter_mcp import prices
from patter_mcp.calls.journal import CallJournal
from patter_mcp.calls.tracing import find_line
from patter_mcp.carriers.base import Carrier, CarrierReport, DialRequest
from patter_mcp.config import CallSettings
from patter_mcp.conversation.engine import Brief, Conversation, Engine, Parting
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.conversation.standing_in import StandIn
from patter_mcp.errors import (
    CarrierAuthError,
    CarrierError,
    DialFailed,
    MediaStreamError,
    ProviderError,
    StoreError,
    WebhookRejected,
)
from patter_mcp.store.base import CallStore, Finish, Write
from patter_mcp.types import CallRecord, CallState, EndReason, Party

logger = logging.getLogger(__name__)

CARRIER_MARGIN_SEC = 15.0
"""The carrier's own limit is this much longer than ours: ours says goodbye, the carrier's is a dead-man switch."""
RING_MARGIN_SEC = 3.0
"""How much longer than the carrier's ring timeout we wait for its word."""
STREAM_GRACE_SEC = 3.0
"""How long the media stream may outlive the carrier's word that the line is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Addresses the carrier is given for one call."""

    stream_url: str
    status_url: str


class LiveCall:
    """Owned by one task (`run`); the other methods may be called from any task of the same loop and never wait long."""

    def __init__(
        self,
        record: CallRecord,
        *,
        store: CallStore,
        carrier: Carrier,
        engine: Engine,
        line: Line,
        settings: CallSettings,
        from_number: str | None = None,
    ) -> None:
        self.call_id = record.call_id
        self.request = record.request
        self._store = store
        self._carrier = carrier
        self._engine = engine
        self._line = line
        self._settings = settings
        self._from_number = from_number
        self._dialing = anyio.CancelScope(shield=True)
        self._created_at = record.created_at
        self._dial_doubt = ""
        """Why we do not know whether anything rings."""
        self._carrier_id: str | None = None
        self._journal = CallJournal(store, record.call_id, record.epoch)
        self._ending: ev.Ended | None = None
        self._line_down: ev.Ended | None = None
        self._line_went_down = anyio.Event()
        self._answered = anyio.Event()
        self._answered_mono: float | None = None
        self._ended_mono: float | None = None
        self._leg_ready = anyio.Event()
        self._leg: CallLeg | None = None
        self._stand_in = StandIn(self._journal, engine.language)
        self._scope = anyio.CancelScope()
        self.unrecorded: tuple[ev.Event, ...] = ()
        """Of an ended call: what the store has not taken, the end last."""
        self.closed = anyio.Event()

    async def run(self) -> None:
        """Lives the call through; returns when the line is down and the row is closed."""
        try:
            with self._scope:
                await self._live()
        except Exception:
            logger.exception("a call failed inside the program", extra={"call_id": self.call_id})
            self.end(EndReason.INTERNAL_ERROR, "system")
        finally:
            self.end(EndReason.SHUTDOWN, "system")
            with anyio.CancelScope(shield=True):
                await self._close()

    def end(self, reason: EndReason, ended_by: Party, detail: str = "") -> None:
        """Ends the call whatever it is doing; only the first reason counts."""
        self._note_ending(reason, ended_by, detail)
        self._scope.cancel()

    def _note_ending(self, reason: EndReason, ended_by: Party, detail: str) -> None:
        if self._ending is None:
            self._ending = ev.Ended(reason=reason, ended_by=ended_by, detail=detail)
            self._ended_mono = anyio.current_time()

    async def reported(self, report: CarrierReport) -> None:
        """The carrier says how the call stands.

        Raises:
            WebhookRejected: it speaks of another call.
        """
        if report.carrier_id:
            if self._carrier_id not in (None, report.carrier_id):
                raise WebhookRejected("A status report speaks of another call than the one it came for.")
            self._note_carrier_id(report.carrier_id)
        if report.answered_by:
            self._journal.write(ev.WhoAnswered(answered_by=report.answered_by, source="carrier"))
        if report.state is CallState.ENDED:
            self._note_line_down(report.reason or EndReason.USER_HUNG_UP, report.detail)
        elif report.state is CallState.IN_PROGRESS:
            await self._note_answer()
        elif report.state is CallState.RINGING:
            await self._store.carrier_status(self.call_id, CallState.RINGING, [ev.Ringing()])

    def claimed(self, epoch: int) -> None:
        """A media stream has come with our token; from now on we write under that epoch."""
        self._journal.epoch = epoch

    def leg_connected(self, leg: CallLeg, carrier_id: str | None = None) -> None:
        """The media stream has begun. A later one (the carrier reconnected) is not taken.

        Raises:
            MediaStreamError: it is another call's.
        """
        if carrier_id is not None and self._carrier_id not in (None, carrier_id):
            raise MediaStreamError("A media stream came with another call's token.")
        if carrier_id is not None:
            self._note_carrier_id(carrier_id)
        if not self._answered.is_set():
            self._set_answered()
        self._journal.write(ev.MediaStarted())
        self._leg = leg
        self._leg_ready.set()

    def _note_line_down(self, reason: EndReason, detail: str) -> None:
        """A conversation under way learns it from its leg and closes its books first."""
        ended_by: Party = "user" if reason is EndReason.USER_HUNG_UP else "carrier"
        self._line_down = ev.Ended(reason=reason, ended_by=ended_by, detail=detail)
        self._line_went_down.set()

    async def _note_answer(self) -> None:
        if self._answered.is_set():
            return
        self._set_answered()
        # Without the event: where the media stream was claimed a moment ago this raises nothing, and writes nothing.
        await self._store.carrier_status(self.call_id, CallState.IN_PROGRESS)

    def _set_answered(self) -> None:
        self._answered.set()
        self._answered_mono = anyio.current_time()
        self._journal.write(ev.Answered())

    def _note_carrier_id(self, carrier_id: str) -> None:
        if self._carrier_id is None:
            self._carrier_id = carrier_id
            self._dialing.shield = False
            self._journal.attach(carrier_id)

    async def _live(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._journal.run)
            tasks.start_soon(self._dial)
            tasks.start_soon(self._watch_ring)
            tasks.start_soon(self._watch_line)
            tasks.start_soon(self._bridge_delay)
            await self._converse()
            tasks.cancel_scope.cancel()

    async def _dial(self) -> None:
        if await self._store.carrier_status(self.call_id, CallState.DIALING, [ev.Dialing()]) is not Write.OK:
            self.end(EndReason.CANCELED, "system", "It was closed elsewhere before it was dialed.")
            return
        request = DialRequest(
            call_id=self.call_id,
            to_number=self.request.to_number,
            stream_url=self._line.stream_url,
            status_url=self._line.status_url,
            ring_timeout_sec=self._settings.ring_timeout_sec,
            time_limit_sec=self.request.max_duration_sec + CARRIER_MARGIN_SEC,
            from_number=self._from_number,
        )
        try:
            # Shielded: a request under way may ring a phone, and its answer tells us what to hang up, unless a
            # report or the media stream has told us before.
            with self._dialing:
                self._note_carrier_id(await self._carrier.dial(request, self.reported))
        except (DialFailed, CarrierAuthError) as refused:
            self._note_line_down(EndReason.DIAL_FAILED, refused.message)
        except CarrierError as unknown:
            # Whether something rings is unknown: never dial again. A report or the media stream bearing our id
            # proves that it does; otherwise the ring timeout closes the call.
            self._dial_doubt = unknown.message
            self._journal.write(
                ev.ProviderTrouble(
                    part="telephony",
                    provider=self._carrier.name,
                    code=unknown.code,
                    message=unknown.message,
                    recovered=True,
                )
            )

    async def _watch_ring(self) -> None:
        with anyio.move_on_after(self._settings.ring_timeout_sec + RING_MARGIN_SEC):
            await self._answered.wait()
        if not self._answered.is_set() and self._carrier_id is None and self._dial_doubt:
            self.end(EndReason.DIAL_LOST, "system", self._dial_doubt)
        elif not self._answered.is_set():
            self.end(EndReason.NO_ANSWER, "system")
        with anyio.move_on_after(self._settings.media_timeout_sec):
            await self._leg_ready.wait()
        if not self._leg_ready.is_set():
            self.end(EndReason.NO_MEDIA, "system")

    async def _watch_line(self) -> None:
        await self._line_went_down.wait()
        if self._leg is not None:
            await anyio.sleep(STREAM_GRACE_SEC)
        if self._ending is not None:
            return  # the conversation knows, and is closing its books
        assert self._line_down is not None
        self.end(self._line_down.reason, self._line_down.ended_by, self._line_down.detail)

    async def _bridge_delay(self) -> None:
        await self._leg_ready.wait()
        assert self._leg is not None
        await self._stand_in.bridge(self._leg)

    async def _converse(self) -> None:
        try:
            async with self._engine.open(self._brief(), self._journal) as conversation:
                await self._stand_in.relieve()
                await self._leg_ready.wait()
                parting = await self._hold(conversation)
                # Only the record: cancelling here would cut the engine's last judgement and its accounts short.
                self._note_ending(parting.reason, parting.ended_by, parting.detail)
        except ProviderError as error:
            await self._excuse()
            self._note_ending(EndReason.PROVIDER_FAILED, "system", error.message)

    async def _excuse(self) -> None:
        """There is no conversation, for somebody who may have answered already."""
        await self._stand_in.relieve()
        if self._leg is not None:
            await self._stand_in.apologise(self._leg)

    async def _hold(self, conversation: Conversation) -> Parting:
        assert self._leg is not None
        with anyio.move_on_after(self.request.max_duration_sec):
            return await conversation.run(self._leg, self.request.max_duration_sec)
        return Parting(reason=EndReason.MAX_DURATION, ended_by="system")

    def _brief(self) -> Brief:
        return Brief(
            call_id=self.call_id,
            to_number=self.request.to_number,
            goal=self.request.goal,
            first_message=self.request.first_message,
            hints=self._carrier.hints(self.request.to_number),
        )

    async def _close(self) -> None:
        """Line down first, then the books; bounded, so that a stuck carrier or store cannot hold the program."""
        assert self._ending is not None
        try:
            if self._line_down is None:
                await self._hang_up()
            self._journal.write(self._telephony_usage())
            self.unrecorded = (*self._journal.take_rest(), self._ending)
            await self.record_end()
        finally:
            self.closed.set()

    async def record_end(self) -> bool:
        """False: the store did not take it, which is worth another try."""
        *rest, ending = self.unrecorded
        assert isinstance(ending, ev.Ended)
        try:
            outcome = await self._store.finish(self.call_id, ending, self._journal.epoch, rest)
        except StoreError as error:
            facts = {"call_id": self.call_id, "why": error.message}
            logger.error("the end of a call could not be recorded", extra=facts)
            return False
        if outcome is not Finish.FIRST:
            logger.warning("a call was closed by somebody else", extra={"call_id": self.call_id})
        self.unrecorded = ()
        return True

    async def _hang_up(self) -> None:
        """Tries; a carrier that cannot be told still has the call's time limit."""
        try:
            with anyio.fail_after(self._settings.hang_up_timeout_sec):
                if self._carrier_id is None and self._dial_doubt:
                    self._carrier_id = await self._find_line()
                await self._carrier.hang_up(self.call_id, self._carrier_id)
        except (CarrierError, StoreError, TimeoutError) as error:
            logger.error(
                "the carrier did not acknowledge a hang-up", extra={"call_id": self.call_id, "why": str(error)}
            )

    async def _find_line(self) -> str | None:
        return await find_line(
            self._carrier,
            self._store,
            to_number=self.request.to_number,
            from_number=self._from_number,
            since=self._created_at,
        )

    def _telephony_usage(self) -> ev.Usage:
        """What the carrier counts."""
        assert self._ended_mono is not None
        duration_sec = 0.0 if self._answered_mono is None else self._ended_mono - self._answered_mono
        return ev.Usage(
            part="telephony",
            provider=self._carrier.name,
            quantities={"duration_sec": round(duration_sec, 2)},
            cost_micros=self._line_cost_micros(duration_sec),
            final=self._carrier.simulated,
        )

    def _line_cost_micros(self, duration_sec: float) -> int | None:
        """An estimate; None where there is no price for that country. Calls that nobody answered are not billed."""
        if self._carrier.simulated or not duration_sec:
            return 0
        from patter_mcp.guardrails.numbers import facts_of  # noqa: PLC0415

        country = facts_of(self.request.to_number).region
        return prices.telephony_cost_micros(self._carrier.name, country or "", duration_sec)
