"""Calls from request to envelope, with a carrier that does as it is told and a line in memory, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from patter_mcp import events as ev
from patter_mcp.calls.live import Line
from patter_mcp.calls.manager import CallManager
from patter_mcp.carriers.base import CarrierReport, DialRequest, ReportSink, Webhook
from patter_mcp.config import CallSettings
from patter_mcp.conversation.engine import Brief, Journal, Parting
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.conversation.prerecorded import prerecorded
from patter_mcp.errors import CallNotFound, CallRefused, CarrierError, DialFailed, ProviderConnectionError, StoreError
from patter_mcp.store.base import CallSnapshot, Finish, Write
from patter_mcp.store.memory import MemoryStore
from patter_mcp.testing.scripted import MemoryLeg
from patter_mcp.testing.virtual_time import VirtualTimeLoop
from patter_mcp.types import CallRecord, CallRequest, CallState, EndReason

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return "asyncio", {"loop_factory": VirtualTimeLoop}


class Listener:
    """An ear that only wants to know how the line ended."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.reason: EndReason | None = None

    def heard(self, frame: bytes) -> None: ...

    def digit(self, digit: str) -> None: ...

    def line_ended(self, reason: EndReason) -> None:
        self.reason = reason
        self.ended.set()


@dataclass
class ScriptedEngine:
    """Talks for `talk_sec`, then parts as told; stops when the line does."""

    talk_sec: float = 10
    language: str = "en"
    judging_sec: float = 0
    """How long it thinks about the outcome once the line is down."""
    parting: Parting = field(default_factory=lambda: Parting(reason=EndReason.AGENT_HUNG_UP, ended_by="agent"))
    error: Exception | None = None
    open_sec: float = 0
    briefs: list[Brief] = field(default_factory=list[Brief])
    open_count: int = 0

    @property
    def parts(self) -> Mapping[str, str]:
        return {"llm": "scripted/engine"}

    @asynccontextmanager
    async def open(self, brief: Brief, journal: Journal) -> AsyncGenerator[ScriptedTalk]:
        await anyio.sleep(self.open_sec)
        if isinstance(self.error, ProviderConnectionError):
            raise self.error
        self.briefs.append(brief)
        self.open_count += 1
        try:
            yield ScriptedTalk(self, journal, brief)
            if self.judging_sec:
                await anyio.sleep(self.judging_sec)
                journal.write(ev.OutcomeStated(goal_met="yes", summary="Booked."))
        finally:
            self.open_count -= 1


@dataclass
class ScriptedTalk:
    engine: ScriptedEngine
    journal: Journal
    brief: Brief

    async def run(self, leg: CallLeg, time_left_sec: float) -> Parting:
        ear = Listener()
        leg.listen(ear)
        if self.engine.error is not None:
            raise self.engine.error
        self.journal.write(ev.AgentSaid(text=f"About: {self.brief.goal}"))
        with anyio.move_on_after(self.engine.talk_sec):
            await ear.ended.wait()
        if ear.reason is not None:
            return Parting(reason=ear.reason, ended_by="user")
        return self.engine.parting


@dataclass
class Exchange:
    """The phone network. `script` runs once per dialed call and plays what happens on its line."""

    script: Callable[[Exchange, DialRequest], Any]
    name: str = "exchange"
    simulated: bool = True
    needs_public_url: bool = False
    dialed: list[DialRequest] = field(default_factory=list[DialRequest])
    hung_up: list[str] = field(default_factory=list[str])
    hung_up_lines: list[str | None] = field(default_factory=list[str | None])
    strays: Sequence[str] = ()
    """Lines to whatever number that nobody owns up to."""
    deaf_count: int = 0
    """Hang-ups that go unanswered before one does not."""
    dial_sec: float = 0.1
    hang_up_sec: float = 0.0
    refusal: Exception | None = None
    reports: dict[str, ReportSink] = field(default_factory=dict[str, ReportSink])
    tasks: Any = None
    manager: Any = None

    def codec(self) -> Any:
        raise AssertionError("no media here")

    def check_stream(self, url: str, headers: Mapping[str, str]) -> None:
        raise AssertionError("no media here")

    def read_webhook(self, webhook: Webhook, call_id: str) -> CarrierReport:
        raise AssertionError("no webhooks here")

    def hints(self, to_number: str) -> list[str]:
        return ["haircut"]

    async def dial(self, request: DialRequest, report: ReportSink) -> str:
        self.dialed.append(request)
        await anyio.sleep(self.dial_sec)
        self.reports[request.call_id] = report
        if self.refusal is not None:
            if isinstance(self.refusal, DialFailed):
                raise self.refusal
            self.tasks.start_soon(self.script, self, request)
            raise self.refusal
        self.tasks.start_soon(self.script, self, request)
        return f"carrier-{len(self.dialed)}"

    async def under_way(self, to_number: str, from_number: str | None, since: datetime) -> Sequence[str]:
        return self.strays

    async def hang_up(self, call_id: str, carrier_id: str | None) -> None:
        await anyio.sleep(self.hang_up_sec)
        if self.deaf_count:
            self.deaf_count -= 1
            raise CarrierError("The carrier does not answer.")
        self.hung_up.append(call_id)
        self.hung_up_lines.append(carrier_id)

    async def send_digits(self, call_id: str, carrier_id: str, digits: str) -> bool:
        return True

    async def aclose(self) -> None: ...

    async def report(self, request: DialRequest, state: CallState, reason: EndReason | None = None) -> None:
        await self.reports[request.call_id](CarrierReport(call_id=request.call_id, state=state, reason=reason))

    async def connect(self, request: DialRequest) -> MemoryLeg:
        """The media stream comes, with the token from its URL."""
        live = await self.manager.claim(request.stream_url.rpartition("/")[2])
        assert live is not None
        leg = MemoryLeg()
        live.leg_connected(leg)
        return leg


async def answers(exchange: Exchange, request: DialRequest) -> None:
    await exchange.report(request, CallState.RINGING)
    await anyio.sleep(2)
    await exchange.report(request, CallState.IN_PROGRESS)
    await exchange.connect(request)


def ends(reason: EndReason, after_sec: float = 1) -> Callable[[Exchange, DialRequest], Any]:
    async def script(exchange: Exchange, request: DialRequest) -> None:
        await exchange.report(request, CallState.RINGING)
        await anyio.sleep(after_sec)
        await exchange.report(request, CallState.ENDED, reason)

    return script


async def rings_for_ever(exchange: Exchange, request: DialRequest) -> None:
    await exchange.report(request, CallState.RINGING)


async def answers_without_media(exchange: Exchange, request: DialRequest) -> None:
    await exchange.report(request, CallState.IN_PROGRESS)


@dataclass
class Gate:
    ready_count: int = 0

    async def ready(self) -> None:
        self.ready_count += 1

    def line(self, call_id: str, token: str) -> Line:
        return Line(stream_url=f"ws://gate/media/{token}", status_url=f"http://gate/status/{call_id}")


@dataclass
class Phone:
    manager: CallManager
    exchange: Exchange
    engine: ScriptedEngine
    store: MemoryStore

    async def call(self, to: str = "+12025550100", **more: Any) -> dict[str, Any]:
        call = await self.manager.place(CallRequest(to_number=to, **more))
        result = (await call.wait()).to_json()
        await call.delivered()
        return result


@asynccontextmanager
async def phone(
    script: Callable[[Exchange, DialRequest], Any] = answers,
    *,
    engine: ScriptedEngine | None = None,
    settings: CallSettings | None = None,
    store: MemoryStore | None = None,
    **exchange_settings: Any,
) -> AsyncGenerator[Phone]:
    engine = engine or ScriptedEngine()
    exchange = Exchange(script, **exchange_settings)
    store = store or MemoryStore()
    with anyio.fail_after(3600):
        async with anyio.create_task_group() as tasks:
            manager = CallManager(
                store=store, carrier=exchange, engine=engine, gate=Gate(), settings=settings or CallSettings()
            )
            exchange.tasks, exchange.manager = tasks, manager
            async with manager.run():
                yield Phone(manager, exchange, engine, store)
            tasks.cancel_scope.cancel()


async def test_answered_call_is_lived_through_and_hung_up() -> None:
    async with phone() as p:
        started_at = anyio.current_time()
        result = await p.call(goal="a haircut", first_message="Hello")
        assert anyio.current_time() - started_at == pytest.approx(12, abs=0.5)
        assert p.exchange.hung_up == [result["call_id"]]
        assert p.engine.open_count == 0
    assert result["status"] == "completed"
    assert result["transcript"] == [{"role": "agent", "text": "About: a haircut"}]
    assert result["metrics"]["end_reason"] == "agent-hung-up"
    assert result["metrics"]["simulated"] is True
    (brief,) = p.engine.briefs
    assert (brief.goal, brief.first_message, brief.hints) == ("a haircut", "Hello", ["haircut"])


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (EndReason.BUSY, "busy"),
        (EndReason.NO_ANSWER, "no-answer"),
        (EndReason.DIAL_FAILED, "failed"),
        (EndReason.CANCELED, "failed"),
    ],
)
async def test_line_that_ends_before_anyone_answers(reason: EndReason, status: str) -> None:
    async with phone(ends(reason)) as p:
        result = await p.call()
        assert p.exchange.hung_up == []
    assert (result["status"], result["duration_seconds"], result["transcript"]) == (status, 0.0, [])


async def test_ringing_without_end_is_ended_here() -> None:
    async with phone(rings_for_ever, settings=CallSettings(ring_timeout_sec=20)) as p:
        started_at = anyio.current_time()
        result = await p.call()
        assert anyio.current_time() - started_at == pytest.approx(23, abs=1)
        assert p.exchange.hung_up == [result["call_id"]]
    assert result["status"] == "no-answer"


async def test_answer_without_media_is_a_failure_that_says_so() -> None:
    async with phone(answers_without_media) as p:
        result = await p.call()
        assert len(p.exchange.hung_up) == 1
    assert (result["status"], result["metrics"]["end_reason"]) == ("failed", "no-media")


async def test_time_limit_cuts_a_conversation_that_does_not_end() -> None:
    async with phone(engine=ScriptedEngine(talk_sec=10_000)) as p:
        started_at = anyio.current_time()
        result = await p.call(max_duration_sec=30)
        assert anyio.current_time() - started_at == pytest.approx(32, abs=0.5)
        assert len(p.exchange.hung_up) == 1
    assert result["status"] == "timeout"


async def test_carrier_gets_its_own_limits() -> None:
    async with phone(settings=CallSettings(ring_timeout_sec=25)) as p:
        await p.call(max_duration_sec=60)
        (request,) = p.exchange.dialed
    assert request.ring_timeout_sec == 25
    assert 60 < request.time_limit_sec <= 90


async def test_refused_dial_is_a_failed_call_with_the_carriers_words() -> None:
    async with phone(refusal=DialFailed("Geographic permission is missing.")) as p:
        result = await p.call()
        assert p.exchange.hung_up == []
    assert result["status"] == "failed"
    assert "Geographic permission is missing." in result["metrics"]["detail"]


async def test_dial_whose_answer_was_lost_is_not_repeated_and_may_still_live() -> None:
    async with phone(refusal=CarrierError("No answer from the carrier.")) as p:
        result = await p.call()
        assert len(p.exchange.dialed) == 1
    assert result["status"] == "completed"


async def test_provider_gone_before_the_answer_stops_the_ringing() -> None:
    gone = ProviderConnectionError("The recogniser cannot be reached.", provider="ear")
    async with phone(engine=ScriptedEngine(error=gone)) as p:
        result = await p.call()
        assert len(p.exchange.hung_up) == 1
    assert result["metrics"]["end_reason"] == "provider-failed"


async def test_whoever_answers_before_the_conversation_is_there_is_asked_for_patience() -> None:
    async with phone(engine=ScriptedEngine(open_sec=7, talk_sec=3)) as p:
        result = await p.call(goal="x")
    moment = prerecorded("one_moment", "en").text
    # It is answered after two seconds; five of silence are broken twice, and the conversation waits for the words' end.
    assert [line["text"] for line in result["transcript"]] == [moment, moment, "About: x"]


async def test_whoever_has_answered_when_there_is_no_conversation_is_told_so() -> None:
    gone = ProviderConnectionError("The voice cannot be reached.", provider="voice")
    async with phone(engine=ScriptedEngine(open_sec=3, error=gone, language="de-AT")) as p:
        started_at = anyio.current_time()
        result = await p.call()
        words = prerecorded("trouble", "de")
        took_sec = anyio.current_time() - started_at
        assert took_sec == pytest.approx(3.1 + len(words.audio) / 8000, abs=0.5)
        assert len(p.exchange.hung_up) == 1
    assert [line["text"] for line in result["transcript"]] == [words.text]
    assert (result["status"], result["metrics"]["end_reason"]) == ("failed", "provider-failed")
    assert "The voice cannot be reached." in result["metrics"]["detail"]


async def test_crash_in_the_conversation_is_failed_and_hung_up(caplog: pytest.LogCaptureFixture) -> None:
    async with phone(engine=ScriptedEngine(error=RuntimeError("bug"))) as p:
        result = await p.call()
        assert len(p.exchange.hung_up) == 1
    assert (result["status"], result["metrics"]["end_reason"]) == ("failed", "internal-error")
    assert any(record.exc_info for record in caplog.records)


async def test_cancel_while_the_dial_is_under_way_still_hangs_up_what_it_started() -> None:
    async with phone(dial_sec=5) as p:
        call = await p.manager.place(CallRequest(to_number="+12025550100"))
        await anyio.sleep(1)
        await call.hang_up()
        assert len(p.exchange.dialed) == 1
        assert p.exchange.hung_up == [call.call_id]
        assert (await call.wait()).metrics["end_reason"] == "canceled"


async def test_user_hanging_up_ends_the_conversation_with_what_was_said() -> None:
    async def script(exchange: Exchange, request: DialRequest) -> None:
        leg = await exchange.connect(request)
        await anyio.sleep(3)
        leg.hang_up(EndReason.USER_HUNG_UP)
        await exchange.report(request, CallState.ENDED, EndReason.USER_HUNG_UP)

    async with phone(script, engine=ScriptedEngine(talk_sec=100)) as p:
        result = await p.call(goal="x")
    assert result["status"] == "completed"
    assert result["metrics"]["ended_by"] == "user"
    assert result["transcript"]


async def hung_up_on(exchange: Exchange, request: DialRequest) -> None:
    leg = await exchange.connect(request)
    await anyio.sleep(3)
    leg.hang_up(EndReason.USER_HUNG_UP)
    await exchange.report(request, CallState.ENDED, EndReason.USER_HUNG_UP)


async def test_outcome_is_thought_about_off_the_line_and_off_the_bill() -> None:
    async with phone(hung_up_on, engine=ScriptedEngine(talk_sec=100, judging_sec=4.5), dial_sec=0) as p:
        result = await p.call()
        logged = await p.store.events(result["call_id"])
    assert result["metrics"]["outcome"] == {"goal_met": "yes", "summary": "Booked."}
    (usage,) = [entry.event for entry in logged if isinstance(entry.event, ev.Usage)]
    assert usage.quantities["duration_sec"] == pytest.approx(3, abs=0.2)


async def test_who_stops_the_call_does_not_wait_for_its_outcome() -> None:
    async with phone(hung_up_on, engine=ScriptedEngine(talk_sec=100, judging_sec=60)) as p:
        call = await p.manager.place(CallRequest(to_number="+12025550100"))
        await anyio.sleep(5)
        await call.hang_up()
        with anyio.fail_after(1):
            result = (await call.wait()).to_json()
    assert result["status"] == "completed"
    assert result["metrics"]["end_reason"] == "user-hung-up"


async def test_carriers_word_ends_a_call_whose_stream_hangs() -> None:
    async def script(exchange: Exchange, request: DialRequest) -> None:
        await exchange.connect(request)
        await anyio.sleep(3)
        await exchange.report(request, CallState.ENDED, EndReason.USER_HUNG_UP)

    async with phone(script, engine=ScriptedEngine(talk_sec=1000)) as p:
        started_at = anyio.current_time()
        result = await p.call()
        assert anyio.current_time() - started_at < 10
    assert result["status"] == "completed"


async def test_reports_out_of_order_and_repeated_change_nothing() -> None:
    async def script(exchange: Exchange, request: DialRequest) -> None:
        await exchange.connect(request)
        for state in (CallState.IN_PROGRESS, CallState.RINGING, CallState.DIALING, CallState.IN_PROGRESS):
            await exchange.report(request, state)

    async with phone(script) as p:
        result = await p.call()
        events = [entry.event.kind for entry in await p.store.events(result["call_id"])]
    assert result["status"] == "completed"
    assert events.count("answered") == 1
    assert events[-1] == "ended"


async def test_same_request_attaches_while_it_lives_and_until_it_was_delivered() -> None:
    request = CallRequest(to_number="+12025550100", goal="x")
    async with phone() as p:
        first, second = await p.manager.place(request), await p.manager.place(request)
        assert (first.attached, second.attached) == (False, True)
        assert (await first.wait()) == (await second.wait())
        assert (await p.manager.place(request)).attached
        await first.delivered()
        third = await p.manager.place(request)
        assert not third.attached and third.call_id != first.call_id
        await third.wait()
        assert len(p.exchange.dialed) == 2


async def test_many_calls_at_once_are_not_confused() -> None:
    async with phone() as p:
        results: dict[int, dict[str, Any]] = {}

        async def one(index: int) -> None:
            results[index] = await p.call(goal=f"goal {index}")

        async with anyio.create_task_group() as tasks:
            for index in range(10):
                tasks.start_soon(one, index)
    assert len({result["call_id"] for result in results.values()}) == 10
    for index, result in results.items():
        assert result["transcript"] == [{"role": "agent", "text": f"About: goal {index}"}]


async def test_one_call_too_many_is_refused_before_anything_is_dialed() -> None:
    async with phone(settings=CallSettings(concurrent_calls=1)) as p:
        call = await p.manager.place(CallRequest(to_number="+12025550100"))
        with pytest.raises(CallRefused, match="limit"):
            await p.manager.place(CallRequest(to_number="+12025550101"))
        await call.wait()
        assert len(p.exchange.dialed) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (CallSettings(calls_per_number_per_day=2), "2 calls to this number.*calls.calls_per_number_per_day"),
        (CallSettings(calls_per_day=2), "2 calls to all numbers.*calls.calls_per_day"),
    ],
)
async def test_more_calls_in_a_day_than_allowed_are_refused(settings: CallSettings, words: str) -> None:
    async with phone(settings=settings) as p:
        await p.call()
        await p.call()
        with pytest.raises(CallRefused, match=words):
            await p.call()
        assert len(p.exchange.dialed) == 2


async def test_leaving_the_phone_hangs_up_and_closes_what_lives() -> None:
    async with MemoryStore.open() as store, anyio.create_task_group() as tasks:
        exchange = Exchange(answers)
        manager = CallManager(
            store=store, carrier=exchange, engine=ScriptedEngine(talk_sec=1000), gate=Gate(), settings=CallSettings()
        )
        exchange.tasks, exchange.manager = tasks, manager
        async with manager.run():
            call = await manager.place(CallRequest(to_number="+12025550100"))
            await anyio.sleep(5)
        assert exchange.hung_up == [call.call_id]
        (*_, last) = await store.events(call.call_id)
        assert isinstance(last.event, ev.Ended) and last.event.reason is EndReason.SHUTDOWN


async def test_carrier_that_does_not_answer_a_hang_up_holds_nobody() -> None:
    async with phone(hang_up_sec=1000) as p:
        started_at = anyio.current_time()
        result = await p.call()
        assert anyio.current_time() - started_at < 20
    assert result["status"] == "completed"


class FullStore(MemoryStore):
    """Takes no more ends of calls until there is room again."""

    full = True

    async def finish(self, *args: Any, **more: Any) -> Finish:
        if self.full:
            raise StoreError("The disk is full.")
        return await super().finish(*args, **more)

    async def delivered(self, call_id: str) -> None:
        if self.full:
            raise StoreError("The disk is full.")
        await super().delivered(call_id)


async def test_result_reaches_whoever_waits_though_the_store_does_not_take_it() -> None:
    store = FullStore()
    async with phone(store=store) as p:
        result = await p.call(goal="a haircut")
        assert (result["status"], result["transcript"][0]["text"]) == ("completed", "About: a haircut")
        same = await p.manager.place(CallRequest(to_number="+12025550100", goal="a haircut"))
        assert same.attached and (await same.wait()).to_json() == result
        store.full = False
        await anyio.sleep(3)
        record = await store.get(result["call_id"])
        assert record is not None and record.state is CallState.ENDED
        assert (await same.wait()).to_json() == result


def left_behind(state: CallState, carrier_id: str | None, *, carrier: str = "exchange") -> CallSnapshot:
    """A call of a process that is gone, as its books say."""
    now = datetime.now(UTC)
    record = CallRecord(
        call_id="call_orphan",
        request=CallRequest(to_number="+12025550100"),
        carrier=carrier,
        state=state,
        owner="4194305-gone",
        epoch=1,
        carrier_id=carrier_id,
        created_at=now - timedelta(minutes=1),
        deadline_at=now + timedelta(minutes=5),
    )
    return CallSnapshot(
        record=record, events=[ev.Created(to_number="+12025550100", max_duration_sec=60, carrier=carrier)]
    )


@pytest.mark.parametrize(
    ("state", "carrier_id", "strays", "hung_up", "words"),
    [
        (CallState.QUEUED, None, ["CA9"], [], "Nothing had been dialed"),
        (CallState.IN_PROGRESS, "CA1", ["CA9"], ["CA1"], "line was closed afterwards"),
        (CallState.DIALING, None, ["CA9"], ["CA9"], "line was closed afterwards"),
        (CallState.DIALING, None, [], [None], "Whether the phone rang is unknown"),
        (CallState.DIALING, None, ["CA8", "CA9"], [None], "Whether the phone rang is unknown"),
    ],
    ids=["not dialed", "known line", "found line", "no line", "either of two"],
)
async def test_call_left_behind_is_ended_as_far_as_its_line_is_known(
    state: CallState, carrier_id: str | None, strays: list[str], hung_up: list[str | None], words: str
) -> None:
    async with MemoryStore.open() as store:
        await store.restore(left_behind(state, carrier_id))
        async with phone(store=store, strays=strays) as p:
            result = await (await p.manager.find("call_orphan")).wait()
            assert p.exchange.hung_up_lines == hung_up
    assert (result.status, result.metrics["end_reason"]) == ("failed", "interrupted")
    assert words in result.metrics["detail"]


async def test_call_closed_elsewhere_before_it_was_dialed_is_not_dialed() -> None:
    class Meddled(MemoryStore):
        async def carrier_status(self, call_id: str, state: CallState, events: Sequence[ev.Event] = ()) -> Write:
            if state is CallState.DIALING:
                await self.finish(call_id, ev.Ended(reason=EndReason.CANCELED, ended_by="caller"), None)
            return await super().carrier_status(call_id, state, events)

    async with phone(store=Meddled()) as p:
        assert (await p.call())["metrics"]["end_reason"] == "canceled"
        await anyio.sleep(5)
        assert p.exchange.dialed == []


async def test_end_that_could_not_be_written_is_not_overtaken_by_the_deadline() -> None:
    store = FullStore()
    async with phone(store=store) as p:
        result = await p.call()
        (record,) = await store.recent()
        store.overdue = lambda: given([record])
        await anyio.sleep(10)
        store.full = False
        await anyio.sleep(10)
        (*_, last) = await store.events(result["call_id"])
        assert isinstance(last.event, ev.Ended) and last.event.reason is EndReason.AGENT_HUNG_UP


async def given(records: list[CallRecord]) -> list[CallRecord]:
    return records


async def test_call_left_behind_at_another_carrier_is_left_to_it() -> None:
    async with MemoryStore.open() as store:
        await store.restore(left_behind(CallState.RINGING, "CA1", carrier="pigeon"))
        async with phone(store=store) as p:
            result = await (await p.manager.find("call_orphan")).wait()
            assert p.exchange.hung_up == []
    assert "left to pigeon" in result.metrics["detail"]


async def test_call_left_behind_is_tried_again_until_the_carrier_answers() -> None:
    async with MemoryStore.open() as store:
        await store.restore(left_behind(CallState.RINGING, "CA1"))
        async with phone(store=store, deaf_count=3) as p:
            await (await p.manager.find("call_orphan")).wait()
            assert p.exchange.hung_up_lines == ["CA1"]


async def test_stream_token_is_good_once_and_for_its_own_call_only() -> None:
    async with phone(rings_for_ever) as p:
        call = await p.manager.place(CallRequest(to_number="+12025550100"))
        await anyio.sleep(1)
        token = p.exchange.dialed[0].stream_url.rpartition("/")[2]
        assert await p.manager.claim("not-a-token") is None
        live = await p.manager.claim(token)
        assert live is not None and live.call_id == call.call_id
        assert await p.manager.claim(token) is None


async def test_calls_of_others_look_like_no_call_at_all() -> None:
    async with phone() as p:
        call = await p.manager.place(CallRequest(to_number="+12025550100", principal="ann"))
        with pytest.raises(CallNotFound):
            await p.manager.find(call.call_id, "bob")
        assert (await p.manager.find(call.call_id, "ann")).call_id == call.call_id


async def test_line_costs_every_minute_begun_as_its_country_is_priced() -> None:
    async with phone(engine=ScriptedEngine(talk_sec=61), name="twilio", simulated=False) as p:
        result = await p.call("+12025550100")
    assert result["metrics"]["cost"]["telephony"] == pytest.approx(2 * 0.014)
    assert result["metrics"]["cost_status"] == "estimated"


async def test_line_to_a_country_without_a_price_costs_nobody_knows_what() -> None:
    async with phone(name="twilio", simulated=False) as p:
        result = await p.call("+442079460958")
    assert result["metrics"]["cost_status"] == "unknown"


async def test_call_that_nobody_answered_costs_nothing() -> None:
    async with phone(ends(EndReason.NO_ANSWER), name="twilio", simulated=False) as p:
        result = await p.call("+442079460958")
    assert (result["cost_usd"], result["metrics"]["cost_status"]) == (0, "estimated")


async def test_simulated_line_is_free_for_certain() -> None:
    async with phone() as p:
        result = await p.call()
    assert (result["cost_usd"], result["metrics"]["cost_status"]) == (0, "final")
