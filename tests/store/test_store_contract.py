"""What every store promises, whichever keeps the calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import anyio
import anyio.lowlevel
import pytest
from store_nodes import GONE, NO_LIMITS, TTL_SEC, Nodes, admitted, ended, new_call, said, words

from patter_mcp import events as ev
from patter_mcp.errors import CallNotFound
from patter_mcp.store.base import (
    Admitted,
    Beat,
    CallSnapshot,
    CallStore,
    Claim,
    Existing,
    Finish,
    Limits,
    Refused,
    Write,
)
from patter_mcp.types import CallRecord, CallState, EndReason

pytestmark = pytest.mark.anyio

EVERY_KIND: list[ev.Event] = [
    ev.Dialing(),
    ev.Ringing(),
    ev.Answered(),
    ev.MediaStarted(),
    ev.WhoAnswered(answered_by="human", source="audio"),
    ev.UserSaid(text="Grüß Gott 🙂 \ud800"),
    ev.AgentSaid(text="Hello", interrupted=True),
    ev.TurnMeasured(response_ms=412, overhead_ms=3.5),
    ev.BargeIn(heard_ms=220),
    ev.ToolCalled(name="look_up", arguments="{}", result="[]", ok=True, duration_ms=12),
    ev.DigitsSent(digits="1#"),
    ev.DigitReceived(digit="5"),
    ev.GuardrailHit(name="no-prices", action="blocked"),
    ev.ProviderTrouble(part="stt", provider="deepgram", code="timeout", message="late", recovered=True),
    ev.Usage(part="llm", provider="openai", quantities={"input_tokens": 812.0}, cost_micros=3),
    ev.OutcomeStated(goal_met="yes", summary="Booked"),
    ev.Unknown(original_kind="from-the-future", data={"depth": {"n": [1, None]}}, at=datetime(2030, 1, 1, tzinfo=UTC)),
]


async def join_all(nodes: Nodes, *names: str) -> list[CallStore]:
    """Nodes that have been in long enough to judge others."""
    stores = [nodes[name] for name in names]
    for _ in range(4):
        for store in stores:
            await store.beat(TTL_SEC)
        nodes.clock.advance(TTL_SEC / 2)
    return stores


async def settle(store: CallStore) -> None:
    """Lets a task that has begun to wait for a change get past its reading."""
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
        await store.recent(limit=1)


async def found(store: CallStore, call_id: str) -> CallRecord:
    record = await store.get(call_id)
    assert record is not None
    return record


# Creating


async def test_a_created_call_is_queued_owned_and_has_its_first_event(nodes: Nodes) -> None:
    store = nodes["a"]
    call = new_call(lifetime_sec=300)
    record = await admitted(store, "key", call)
    assert (record.state, record.owner, record.epoch, record.delivered) == (CallState.QUEUED, "a", 1, False)
    assert record.request == call.request
    assert record.deadline_at - record.created_at == timedelta(seconds=300)
    assert record == await found(store, call.call_id)
    assert [logged.event for logged in await store.events(call.call_id)] == [call.created]


async def test_the_same_request_meets_the_living_call_on_any_node(nodes: Nodes) -> None:
    first, second = nodes["a"], nodes["b"]
    record = await admitted(first)
    outcome = await second.create(new_call(), "key", NO_LIMITS)
    assert outcome == Existing(record)
    assert await second.recent() == [record]


async def test_a_call_id_is_never_used_for_a_second_call(store: CallStore) -> None:
    call = new_call()
    record = await admitted(store, "key", call)
    await store.finish(call.call_id, ended(), 1)
    await store.delivered(call.call_id)
    outcome = await store.create(call, "other", NO_LIMITS)
    assert isinstance(outcome, Existing)
    assert outcome.record.call_id == record.call_id


async def test_a_key_belongs_to_one_principal(store: CallStore) -> None:
    await admitted(store, "key", new_call(principal="ada"))
    await admitted(store, "key", new_call(principal="bob"))


async def test_a_finished_call_keeps_its_key_until_the_result_was_delivered(store: CallStore) -> None:
    first = await admitted(store)
    await store.finish(first.call_id, ended(), 1)
    outcome = await store.create(new_call(), "key", NO_LIMITS)
    assert isinstance(outcome, Existing)
    assert outcome.record.state is CallState.ENDED
    await store.delivered(first.call_id)
    second = await admitted(store)
    assert second.call_id != first.call_id
    assert (await found(store, first.call_id)).delivered


async def test_of_the_calls_with_one_key_the_newest_counts(store: CallStore) -> None:
    for _ in range(3):
        record = await admitted(store)
        assert await store.create(new_call(), "key", NO_LIMITS) == Existing(record)
        await store.finish(record.call_id, ended(), 1)
        await store.delivered(record.call_id)
    assert len(await store.recent()) == 3


async def test_an_undelivered_result_holds_the_key_for_ten_minutes(nodes: Nodes) -> None:
    store = nodes["a"]
    first = await admitted(store)
    await store.finish(first.call_id, ended(), 1)
    nodes.clock.advance(599)
    assert isinstance(await store.create(new_call(), "key", NO_LIMITS), Existing)
    nodes.clock.advance(1)
    await admitted(store)


async def test_a_living_call_cannot_have_been_delivered(store: CallStore) -> None:
    record = await admitted(store)
    await store.delivered(record.call_id)
    assert await store.get(record.call_id) == record
    assert isinstance(await store.create(new_call(), "key", NO_LIMITS), Existing)


async def test_delivering_an_unknown_call_is_no_error(store: CallStore) -> None:
    await store.delivered("nobody")


async def test_racing_creates_with_one_key_make_one_call(nodes: Nodes) -> None:
    outcomes: list[object] = []

    async def create(name: str) -> None:
        outcomes.append(await nodes[name].create(new_call(), "key", NO_LIMITS))

    async with anyio.create_task_group() as tasks:
        for name in "abcabcabc":
            tasks.start_soon(create, name)
    assert sum(isinstance(outcome, Admitted) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Existing) for outcome in outcomes) == 8


# Limits


async def test_concurrent_calls_are_limited_and_a_finished_one_makes_room(store: CallStore) -> None:
    limits = Limits(concurrent_calls=2)
    first = await admitted(store, "1")
    await admitted(store, "2")
    assert await store.create(new_call(), "3", limits) == Refused("concurrent_calls", 2)
    assert isinstance(await store.create(new_call(), "1", limits), Existing)
    await store.finish(first.call_id, ended(), 1)
    assert isinstance(await store.create(new_call(), "3", limits), Admitted)


async def test_a_call_past_its_deadline_takes_no_slot(nodes: Nodes) -> None:
    store = nodes["a"]
    await admitted(store, "1", new_call(lifetime_sec=60))
    nodes.clock.advance(61)
    assert isinstance(await store.create(new_call(), "2", Limits(concurrent_calls=1)), Admitted)


async def test_racing_creates_never_exceed_the_limit(nodes: Nodes) -> None:
    outcomes: list[object] = []

    async def create(name: str, key: str) -> None:
        outcomes.append(await nodes[name].create(new_call(), key, Limits(concurrent_calls=5)))

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(create, "abc"[number % 3], str(number))
    assert sum(isinstance(outcome, Admitted) for outcome in outcomes) == 5
    assert outcomes.count(Refused("concurrent_calls", 5)) == 25


async def test_calls_to_one_number_are_limited_per_day_across_principals(nodes: Nodes) -> None:
    store = nodes["a"]
    limits = Limits(calls_per_number_per_day=1)
    await admitted(store, "1", new_call("+15550101", "ada"))
    refused = await store.create(new_call("+15550101", "bob"), "2", limits)
    assert refused == Refused("calls_per_number_per_day", 1)
    assert isinstance(await store.create(new_call("+15550102"), "3", limits), Admitted)
    nodes.clock.advance(86_400)
    assert isinstance(await store.create(new_call("+15550101"), "4", limits), Admitted)


async def test_calls_per_day_are_limited_per_principal(nodes: Nodes) -> None:
    store = nodes["a"]
    limits = Limits(calls_per_day=1)
    first = await admitted(store, "1", new_call(principal="ada"))
    await store.finish(first.call_id, ended(), 1)
    assert await store.create(new_call(principal="ada"), "2", limits) == Refused("calls_per_day", 1)
    assert isinstance(await store.create(new_call(principal="bob"), "2", limits), Admitted)
    nodes.clock.advance(86_400)
    assert isinstance(await store.create(new_call(principal="ada"), "2", limits), Admitted)


# The carrier's side


async def test_the_first_carrier_id_stays(store: CallStore) -> None:
    record = await admitted(store)
    assert await store.attach(record.call_id, 1, "CA1") is Write.OK
    assert await store.attach(record.call_id, 1, "CA1") is Write.OK
    assert await store.attach(record.call_id, 1, "CA2") is Write.STALE
    assert (await found(store, record.call_id)).carrier_id == "CA1"


async def test_a_call_closed_while_it_was_dialed_still_learns_its_carrier_id(store: CallStore) -> None:
    record = await admitted(store)
    await store.finish(record.call_id, ended(EndReason.CANCELED), 1)
    assert await store.attach(record.call_id, 1, "CA1") is Write.OK
    assert (await found(store, record.call_id)).carrier_id == "CA1"


async def test_a_carrier_status_only_ever_raises_the_state(nodes: Nodes) -> None:
    owner, other = nodes["a"], nodes["b"]
    record = await admitted(owner)
    assert await other.carrier_status(record.call_id, CallState.RINGING, [ev.Ringing()]) is Write.OK
    assert await owner.carrier_status(record.call_id, CallState.DIALING, [ev.Dialing()]) is Write.STALE
    assert await owner.carrier_status(record.call_id, CallState.RINGING, [ev.Ringing()]) is Write.STALE
    assert await other.carrier_status(record.call_id, CallState.IN_PROGRESS, [ev.Answered()]) is Write.OK
    assert words(await owner.events(record.call_id)) == ["created", "ringing", "answered"]
    assert (await found(owner, record.call_id)).state is CallState.IN_PROGRESS


async def test_a_carrier_status_cannot_end_a_call_nor_revive_it(store: CallStore) -> None:
    record = await admitted(store)
    assert await store.carrier_status(record.call_id, CallState.ENDED) is Write.STALE
    await store.finish(record.call_id, ended(), 1)
    assert await store.carrier_status(record.call_id, CallState.IN_PROGRESS, [ev.Answered()]) is Write.STALE
    assert words(await store.events(record.call_id)) == ["created", "ended"]


# The media stream's token


async def test_a_token_hands_the_call_to_the_node_that_received_the_stream(nodes: Nodes) -> None:
    dialing, receiving = nodes["a"], nodes["b"]
    record = await admitted(dialing)
    token = await dialing.mint_token(record.call_id, 60)
    claim = await receiving.claim_media(token)
    assert isinstance(claim, Claim)
    assert (claim.record.owner, claim.record.epoch, claim.record.state) == ("b", 2, CallState.IN_PROGRESS)
    assert await dialing.get(record.call_id) == claim.record
    assert await dialing.append(record.call_id, 1, said("too late")) is Write.FENCED
    assert await dialing.attach(record.call_id, 1, "CA1") is Write.FENCED
    assert await dialing.finish(record.call_id, ended(), 1) is Finish.FENCED
    assert await receiving.append(record.call_id, 2, said("hello")) is Write.OK
    assert words(await dialing.events(record.call_id)) == ["created", "hello"]


async def test_a_token_is_good_once(nodes: Nodes) -> None:
    store, other = nodes["a"], nodes["b"]
    record = await admitted(store)
    token = await store.mint_token(record.call_id, 60)
    assert isinstance(await store.claim_media(token), Claim)
    assert await store.claim_media(token) == Refused("unknown-token")
    assert await other.claim_media(token) == Refused("unknown-token")
    assert (await found(store, record.call_id)).epoch == 2


async def test_racing_claims_of_one_token_have_one_winner(nodes: Nodes) -> None:
    store = nodes["a"]
    record = await admitted(store)
    token = await store.mint_token(record.call_id, 60)
    claims: list[object] = []

    async def claim(name: str) -> None:
        claims.append(await nodes[name].claim_media(token))

    async with anyio.create_task_group() as tasks:
        for name in "abab":
            tasks.start_soon(claim, name)
    assert sum(isinstance(claim, Claim) for claim in claims) == 1
    assert claims.count(Refused("unknown-token")) == 3


async def test_an_expired_a_made_up_and_an_ended_calls_token_are_refused(nodes: Nodes) -> None:
    store = nodes["a"]
    record = await admitted(store)
    short, long = await store.mint_token(record.call_id, 10), await store.mint_token(record.call_id, 60)
    nodes.clock.advance(11)
    assert await store.claim_media(short) == Refused("unknown-token")
    assert await store.claim_media("made-up") == Refused("unknown-token")
    await store.finish(record.call_id, ended(), 1)
    assert await store.claim_media(long) == Refused("call-ended")


async def test_there_is_no_token_for_an_unknown_call(store: CallStore) -> None:
    with pytest.raises(CallNotFound):
        await store.mint_token("nobody", 60)


# Events


async def test_every_kind_of_event_comes_back_as_it_was_written(store: CallStore) -> None:
    record = await admitted(store)
    assert await store.append(record.call_id, 1, EVERY_KIND) is Write.OK
    log = await store.events(record.call_id)
    assert [logged.event for logged in log[1:]] == EVERY_KIND


async def test_events_after_a_known_one_are_the_rest_in_order(store: CallStore) -> None:
    record = await admitted(store)
    texts = [f"line {number}" for number in range(120)]
    for first in range(0, 120, 7):
        await store.append(record.call_id, 1, said(*texts[first : first + 7]))
    log = await store.events(record.call_id)
    assert words(log) == ["created", *texts]
    assert [logged.id for logged in log] == sorted({logged.id for logged in log})
    assert await store.events(record.call_id, log[70].id) == log[71:]
    assert await store.events(record.call_id, log[-1].id) == []


async def test_appends_of_racing_tasks_are_neither_lost_nor_mixed(store: CallStore) -> None:
    record = await admitted(store)

    async def talk(speaker: int) -> None:
        for number in range(20):
            await store.append(record.call_id, 1, said(f"{speaker}:{number}:a", f"{speaker}:{number}:b"))

    async with anyio.create_task_group() as tasks:
        for speaker in range(5):
            tasks.start_soon(talk, speaker)
    texts = words(await store.events(record.call_id))[1:]
    for speaker in range(5):
        expected = [f"{speaker}:{number}:{half}" for number in range(20) for half in "ab"]
        assert [text for text in texts if text.startswith(f"{speaker}:")] == expected
    assert all(first[:-1] == second[:-1] for first, second in zip(texts[::2], texts[1::2], strict=True))


async def test_an_unknown_call_has_nothing_and_takes_nothing(store: CallStore) -> None:
    assert await store.get("nobody") is None
    assert await store.events("nobody") == []
    assert await store.append("nobody", 1, said("hello")) is Write.GONE
    assert await store.attach("nobody", 1, "CA1") is Write.GONE
    assert await store.carrier_status("nobody", CallState.RINGING) is Write.GONE
    assert await store.finish("nobody", ended(), None) is Finish.GONE


# Ending


async def test_the_first_to_finish_wins_and_nothing_follows(nodes: Nodes) -> None:
    owner, sweeper = nodes["a"], nodes["b"]
    record = await admitted(owner)
    assert await owner.finish(record.call_id, ended(), 1, said("goodbye")) is Finish.FIRST
    assert await owner.finish(record.call_id, ended(), 1, said("again")) is Finish.DUPLICATE
    assert await sweeper.finish(record.call_id, ended(EndReason.INTERRUPTED), None) is Finish.DUPLICATE
    assert await owner.append(record.call_id, 1, said("late")) is Write.FENCED
    log = await sweeper.events(record.call_id)
    assert words(log) == ["created", "goodbye", "ended"]
    assert isinstance(last := log[-1].event, ev.Ended)
    assert last.reason is EndReason.AGENT_HUNG_UP
    assert (await found(owner, record.call_id)).state is CallState.ENDED


async def test_a_sweeper_may_finish_what_it_does_not_own(nodes: Nodes) -> None:
    owner, sweeper = nodes["a"], nodes["b"]
    record = await admitted(owner)
    assert await sweeper.finish(record.call_id, ended(EndReason.INTERRUPTED), None) is Finish.FIRST
    assert await owner.append(record.call_id, 1, said("still here")) is Write.FENCED
    assert await owner.finish(record.call_id, ended(), 1) is Finish.DUPLICATE


# Looking calls up


async def test_recent_calls_come_newest_first_and_can_be_narrowed(store: CallStore) -> None:
    one = await admitted(store, "1", new_call(principal="ada"))
    two = await admitted(store, "2", new_call(principal="bob"))
    three = await admitted(store, "3", new_call(principal="ada"))
    await store.finish(one.call_id, ended(), 1)

    async def ids(**narrowed: object) -> list[str]:
        return [record.call_id for record in await store.recent(**narrowed)]  # type: ignore[arg-type]

    assert await ids() == [three.call_id, two.call_id, one.call_id]
    assert await ids(limit=2) == [three.call_id, two.call_id]
    assert await ids(principal="ada") == [three.call_id, one.call_id]
    assert await ids(live=True) == [three.call_id, two.call_id]
    assert await ids(live=False) == [one.call_id]
    assert await ids(principal="ada", live=True) == [three.call_id]


# Nodes that come and go


async def test_a_node_joins_renews_and_joins_again_after_its_lease_ran_out(nodes: Nodes) -> None:
    store = nodes["a"]
    assert await store.beat(TTL_SEC) is Beat.JOINED
    nodes.clock.advance(TTL_SEC - 1)
    assert await store.beat(TTL_SEC) is Beat.RENEWED
    nodes.clock.advance(TTL_SEC + 1)
    assert await store.beat(TTL_SEC) is Beat.JOINED


async def test_the_calls_of_a_dead_node_are_taken_over_once(nodes: Nodes) -> None:
    dead, heir, other = await join_all(nodes, "a", "b", "c")
    record = await admitted(dead)
    over = await admitted(dead, "over")
    await dead.finish(over.call_id, ended(), 1)
    await admitted(heir, "own")
    for _ in range(2):
        assert await heir.take_over() == []
        nodes.clock.advance(TTL_SEC / 2)
        await heir.beat(TTL_SEC)
        await other.beat(TTL_SEC)
    (taken,) = await heir.take_over()
    assert (taken.call_id, taken.owner, taken.epoch) == (record.call_id, "b", 2)
    assert await other.take_over() == []
    assert await heir.take_over() == []
    assert await dead.append(record.call_id, 1, said("I was only asleep")) is Write.FENCED
    assert await dead.finish(record.call_id, ended(), 1) is Finish.FENCED
    assert await heir.append(record.call_id, 2, said("mine")) is Write.OK


async def test_a_node_that_has_just_joined_judges_nobody(nodes: Nodes) -> None:
    (dead,) = await join_all(nodes, "a")
    await admitted(dead)
    nodes.clock.advance(10 * TTL_SEC)
    heir = nodes["b"]
    await heir.beat(TTL_SEC)
    for _ in range(3):
        nodes.clock.advance(TTL_SEC / 2)
        await heir.beat(TTL_SEC)
        assert await heir.take_over() == []
    nodes.clock.advance(TTL_SEC / 2)
    await heir.beat(TTL_SEC)
    assert len(await heir.take_over()) == 1


async def test_a_node_whose_own_lease_ran_out_judges_nobody(nodes: Nodes) -> None:
    dead, heir = await join_all(nodes, "a", "b")
    await admitted(dead)
    nodes.clock.advance(10 * TTL_SEC)
    assert await heir.take_over() == []


async def test_a_node_that_never_beat_judges_nobody(nodes: Nodes) -> None:
    (dead,) = await join_all(nodes, "a")
    await admitted(dead)
    nodes.clock.advance(10 * TTL_SEC)
    assert await nodes["b"].take_over() == []


async def test_a_node_has_time_for_its_first_beat(nodes: Nodes) -> None:
    (heir,) = await join_all(nodes, "a")
    record = await admitted(nodes["b"])
    for _ in range(5):
        assert await heir.take_over() == []
        nodes.clock.advance(TTL_SEC / 2)
        await heir.beat(TTL_SEC)
    nodes.clock.advance(TTL_SEC / 2)
    assert [taken.call_id for taken in await heir.take_over()] == [record.call_id]


async def test_who_has_just_joined_takes_over_from_a_process_that_is_seen_to_be_gone(nodes: Nodes) -> None:
    gone, quiet = await join_all(nodes, GONE, "a")
    record = await admitted(gone, "of the gone")
    await admitted(quiet, "of the quiet")
    heir = nodes["b"]
    await heir.beat(TTL_SEC)
    # Its lease has not run out: on another machine with this file it may be alive.
    assert await heir.take_over() == []
    nodes.clock.advance(TTL_SEC + 1)
    await heir.beat(TTL_SEC)
    assert [taken.call_id for taken in await heir.take_over()] == [record.call_id]


async def test_a_live_call_is_lost_once_its_node_lets_its_lease_run_out(nodes: Nodes) -> None:
    owner, other = nodes["a"], nodes["b"]
    await owner.beat(TTL_SEC)
    record, over = await admitted(owner, "1"), await admitted(owner, "2")
    await owner.finish(over.call_id, ended(), 1)
    nodes.clock.advance(TTL_SEC)
    assert not await other.is_lost(record)
    nodes.clock.advance(1)
    assert await other.is_lost(record)
    over = await other.get(over.call_id)
    assert over is not None and not await other.is_lost(over)


async def test_overdue_calls_are_anybodys_to_close(nodes: Nodes) -> None:
    owner, other = nodes["a"], nodes["b"]
    late = await admitted(owner, "1", new_call(lifetime_sec=60))
    await admitted(owner, "2", new_call(lifetime_sec=120))
    nodes.clock.advance(59)
    assert await other.overdue() == []
    nodes.clock.advance(1)
    assert await other.overdue() == [late]
    await other.finish(late.call_id, ended(EndReason.INTERRUPTED), None)
    assert await other.overdue() == []


async def test_a_live_call_the_store_forgot_can_be_put_back(nodes: Nodes, store: CallStore) -> None:
    record = CallRecord(
        call_id="call_forgotten",
        request=new_call().request,
        carrier="sandbox",
        state=CallState.IN_PROGRESS,
        owner="a",
        epoch=3,
        carrier_id="CA1",
        created_at=datetime.fromtimestamp(nodes.clock.now - 60, UTC),
        deadline_at=datetime.fromtimestamp(nodes.clock.now + 60, UTC),
    )
    snapshot = CallSnapshot(record=record, events=said("hello", "hi"))
    assert await store.restore(snapshot) is Write.OK
    assert await store.get("call_forgotten") == record
    assert words(await store.events("call_forgotten")) == ["hello", "hi"]
    assert await store.append("call_forgotten", 3, said("on we go")) is Write.OK
    assert await store.restore(snapshot) is Write.STALE
    assert words(await store.events("call_forgotten")) == ["hello", "hi", "on we go"]


# Hearing of changes

Change = Callable[[CallStore, CallRecord], Awaitable[object]]

CHANGES: dict[str, Change] = {
    "append": lambda store, record: store.append(record.call_id, 1, said("hello")),
    "status": lambda store, record: store.carrier_status(record.call_id, CallState.RINGING, [ev.Ringing()]),
    "finish": lambda store, record: store.finish(record.call_id, ended(), None),
}


@pytest.mark.parametrize("writer", ["a", "b"])
@pytest.mark.parametrize("change", list(CHANGES))
async def test_a_waiter_is_woken_by_a_change_on_any_node(nodes: Nodes, writer: str, change: str) -> None:
    store, other = nodes["a"], nodes[writer]
    record = await admitted(store)
    (last,) = await store.events(record.call_id)

    async def wait() -> None:
        while not await store.events(record.call_id, last.id):
            await store.changed(record.call_id, 60, after=last.id)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await settle(store)
            await CHANGES[change](other, record)


async def test_a_waiter_who_names_no_event_is_woken_by_the_next_change(store: CallStore) -> None:
    record = await admitted(store)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.changed, record.call_id, 60)
            await settle(store)
            await store.append(record.call_id, 1, said("hello"))


async def test_what_happened_between_reading_and_waiting_is_not_slept_over(nodes: Nodes) -> None:
    store, other = nodes["a"], nodes["b"]
    record = await admitted(store)
    (last,) = await store.events(record.call_id)
    await store.append(record.call_id, 1, said("in between"))
    with anyio.fail_after(5):
        await store.changed(record.call_id, 60, after=last.id)
        await other.changed(record.call_id, 60, after=last.id)


async def test_waiting_for_a_change_ends_with_its_timeout(store: CallStore) -> None:
    record = await admitted(store)
    (last,) = await store.events(record.call_id)
    with anyio.fail_after(5):
        await store.changed(record.call_id, 0.01, after=last.id)
        await store.changed("nobody", 0.01)


class Ear:
    """A listener that can be waited for."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.heard_last = anyio.Event()

    async def __call__(self, uri: str) -> None:
        self.heard.append(uri)
        if uri == "call://last":
            self.heard_last.set()


async def test_what_is_published_is_heard_once_on_every_node(nodes: Nodes) -> None:
    here, there = nodes["a"], nodes["b"]
    ears = [Ear(), Ear(), Ear()]
    for node, ear in zip([here, here, there], ears, strict=True):
        node.subscribe(ear)
    uris = ["call://1", "call://2", "call://last"]
    for uri in uris:
        await here.publish(uri)
    with anyio.fail_after(5):
        for ear in ears:
            await ear.heard_last.wait()
            assert ear.heard == uris


async def test_who_unsubscribed_hears_no_more(nodes: Nodes) -> None:
    here, there = nodes["a"], nodes["b"]
    gone, stays = Ear(), Ear()
    unsubscribe = there.subscribe(gone)
    there.subscribe(stays)
    unsubscribe()
    unsubscribe()
    await here.publish("call://last")
    with anyio.fail_after(5):
        await stays.heard_last.wait()
    assert gone.heard == []


async def test_a_failing_listener_harms_nobody_else(store: CallStore, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(uri: str) -> None:
        raise RuntimeError("gone")

    ear = Ear()
    store.subscribe(fail)
    store.subscribe(ear)
    await store.publish("call://last")
    assert ear.heard == ["call://last"]
    assert "a listener failed" in caplog.text
