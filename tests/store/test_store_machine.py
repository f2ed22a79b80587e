"""Any sequence of operations on several nodes, checked against a plain account of what must be true."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from store_nodes import IMPLEMENTATIONS, NAMES, TTL_SEC, ended, new_call, said, words

from patter_mcp.events import Event
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
from patter_mcp.types import CallState

T = TypeVar("T")

EXAMPLES = {"memory": 100, "sqlite": 20}
SLOTS = 3
HOLD_SEC = 600
"""How long an undelivered result keeps its key."""
FIRST_BEAT_SEC = 15
"""How long a call is safe whose node has never beaten."""

NODES = st.sampled_from(NAMES)
KEYS = st.sampled_from(["pizza", "pizza", "pizza", "dentist", "garage", "mother"])
STATES = st.sampled_from(CallState)
BEHIND = st.sampled_from([0, 0, 0, 1, 2])
"""How many epochs the writer's knowledge is old."""
LINES = st.integers(0, 3)


@dataclass
class Account:
    """What must be true of one call."""

    call_id: str
    key: str
    owner: str
    created_at: float
    deadline_at: float
    epoch: int = 1
    state: CallState = CallState.QUEUED
    carrier_id: str | None = None
    ended_at: float | None = None
    delivered: bool = False
    log: list[str] = field(default_factory=lambda: ["created"])

    @property
    def live(self) -> bool:
        return self.ended_at is None

    @property
    def rank(self) -> int:
        return list(CallState).index(self.state)

    def holds_key(self, now: float) -> bool:
        return self.ended_at is None or (not self.delivered and now < self.ended_at + HOLD_SEC)


@dataclass
class Lease:
    joined_at: float
    until: float


class StoreMachine(RuleBasedStateMachine):
    calls: Bundle[str] = Bundle("calls")
    tokens: Bundle[str] = Bundle("tokens")

    def __init__(self, portal: BlockingPortal, implementation: str) -> None:
        super().__init__()
        self._portal = portal
        self._opened = ExitStack()
        directory = self._opened.enter_context(tempfile.TemporaryDirectory())
        opening = IMPLEMENTATIONS[implementation](Path(directory))
        self._nodes = self._opened.enter_context(portal.wrap_async_context_manager(opening))
        self._clock = self._nodes.clock
        self._numbers = count(1)
        self.accounts: dict[str, Account] = {}
        self.good_tokens: dict[str, tuple[str, float]] = {}
        self.leases: dict[str, Lease] = {}

    def teardown(self) -> None:
        self._opened.close()

    def node(self, name: str) -> CallStore:
        return self._nodes[name]

    def run(self, operation: Callable[..., Awaitable[T]], *args: object) -> T:
        return self._portal.call(operation, *args)

    def lines(self, amount: int) -> tuple[list[str], list[Event]]:
        texts = [f"line {next(self._numbers)}" for _ in range(amount)]
        return texts, said(*texts)

    @rule(target=calls, node=NODES, key=KEYS, lifetime_sec=st.sampled_from([20, 2000]))
    def create(self, node: str, key: str, lifetime_sec: int) -> str | MultipleResults[str]:
        now = self._clock.now
        holders = [account for account in self.accounts.values() if account.key == key and account.holds_key(now)]
        slots = sum(account.live and account.deadline_at > now for account in self.accounts.values())
        call = new_call(lifetime_sec=lifetime_sec)
        outcome = self.run(self.node(node).create, call, key, Limits(concurrent_calls=SLOTS))
        if holders:
            assert isinstance(outcome, Existing)
            assert [outcome.record.call_id] == [account.call_id for account in holders]
            return multiple()
        if slots >= SLOTS:
            assert outcome == Refused("concurrent_calls", SLOTS)
            return multiple()
        assert isinstance(outcome, Admitted)
        self.accounts[call.call_id] = Account(call.call_id, key, node, now, now + lifetime_sec)
        return call.call_id

    @rule(node=NODES, call=calls, behind=BEHIND, carrier_id=st.sampled_from(["CA1", "CA2"]))
    def attach(self, node: str, call: str, behind: int, carrier_id: str) -> None:
        account = self.accounts[call]
        write = self.run(self.node(node).attach, call, account.epoch - behind, carrier_id)
        if behind:
            assert write is Write.FENCED
            return
        assert write is (Write.OK if account.carrier_id in (None, carrier_id) else Write.STALE)
        account.carrier_id = account.carrier_id or carrier_id

    @rule(node=NODES, call=calls, state=STATES, amount=LINES)
    def carrier_status(self, node: str, call: str, state: CallState, amount: int) -> None:
        account = self.accounts[call]
        texts, events = self.lines(amount)
        write = self.run(self.node(node).carrier_status, call, state, events)
        if state is CallState.ENDED or list(CallState).index(state) <= account.rank:
            assert write is Write.STALE
            return
        assert write is Write.OK
        account.state = state
        account.log += texts

    @rule(target=tokens, node=NODES, call=calls, ttl_sec=st.sampled_from([10, 2000]))
    def mint(self, node: str, call: str, ttl_sec: int) -> str:
        token = self.run(self.node(node).mint_token, call, ttl_sec)
        assert token not in self.good_tokens
        self.good_tokens[token] = (call, self._clock.now + ttl_sec)
        return token

    @rule(node=NODES, token=tokens | st.just("made-up"))
    def claim(self, node: str, token: str) -> None:
        call, expires_at = self.good_tokens.pop(token, ("", 0.0))
        outcome = self.run(self.node(node).claim_media, token)
        if expires_at < self._clock.now:
            assert outcome == Refused("unknown-token")
            return
        account = self.accounts[call]
        if not account.live:
            assert outcome == Refused("call-ended")
            return
        assert isinstance(outcome, Claim)
        account.owner, account.epoch, account.state = node, account.epoch + 1, CallState.IN_PROGRESS

    @rule(node=NODES, call=calls, behind=BEHIND, amount=LINES)
    def append(self, node: str, call: str, behind: int, amount: int) -> None:
        account = self.accounts[call]
        texts, events = self.lines(amount)
        write = self.run(self.node(node).append, call, account.epoch - behind, events)
        if behind or not account.live:
            assert write is Write.FENCED
            return
        assert write is Write.OK
        account.log += texts

    @rule(node=NODES, call=calls, behind=BEHIND | st.none(), amount=LINES)
    def finish(self, node: str, call: str, behind: int | None, amount: int) -> None:
        account = self.accounts[call]
        texts, events = self.lines(amount)
        epoch = None if behind is None else account.epoch - behind
        outcome = self.run(self.node(node).finish, call, ended(), epoch, events)
        if not account.live:
            assert outcome is Finish.DUPLICATE
            return
        if behind:
            assert outcome is Finish.FENCED
            return
        assert outcome is Finish.FIRST
        account.state, account.ended_at = CallState.ENDED, self._clock.now
        account.log += [*texts, "ended"]

    @rule(node=NODES, call=calls)
    def deliver(self, node: str, call: str) -> None:
        self.run(self.node(node).delivered, call)
        account = self.accounts[call]
        account.delivered = account.delivered or not account.live

    @rule(node=NODES, call=calls)
    def restore_what_is_there(self, node: str, call: str) -> None:
        record = self.run(self.node(node).get, call)
        assert record is not None
        snapshot = CallSnapshot(record=record, events=said("twice"))
        assert self.run(self.node(node).restore, snapshot) is Write.STALE

    @rule(node=NODES)
    def beat(self, node: str) -> None:
        now = self._clock.now
        lease = self.leases.get(node)
        alive = lease is not None and lease.until >= now
        assert self.run(self.node(node).beat, TTL_SEC) is (Beat.RENEWED if alive else Beat.JOINED)
        joined_at = lease.joined_at if lease is not None and alive else now
        self.leases[node] = Lease(joined_at, now + TTL_SEC)

    @rule(survivors=st.sets(NODES), steps=st.integers(1, 6))
    def time_passes(self, survivors: set[str], steps: int) -> None:
        for _ in range(steps):
            for node in sorted(survivors):
                self.beat(node)
            self._clock.advance(TTL_SEC / 2)

    @rule(seconds=st.sampled_from([1, 300, 700]))
    def everybody_sleeps(self, seconds: int) -> None:
        self._clock.advance(seconds)

    @rule(node=NODES)
    def take_over(self, node: str) -> None:
        expected = [account for account in self.accounts.values() if self.is_up_for(node, account)]
        taken = self.run(self.node(node).take_over)
        assert sorted(record.call_id for record in taken) == sorted(account.call_id for account in expected)
        for account in expected:
            account.owner, account.epoch = node, account.epoch + 1

    def is_up_for(self, node: str, account: Account) -> bool:
        now, judge, owner = self._clock.now, self.leases.get(node), self.leases.get(account.owner)
        if judge is None or judge.until < now or now < judge.joined_at + 2 * TTL_SEC:
            return False
        safe_until = account.created_at + FIRST_BEAT_SEC if owner is None else owner.until
        return account.live and account.owner != node and safe_until < now

    @rule(node=NODES)
    def overdue(self, node: str) -> None:
        late = [
            account.call_id
            for account in self.accounts.values()
            if account.live and account.deadline_at <= self._clock.now
        ]
        assert sorted(record.call_id for record in self.run(self.node(node).overdue)) == sorted(late)

    @invariant()
    def the_books_agree(self) -> None:
        store = self.node(NAMES[len(self.accounts) % len(NAMES)])
        for account in self.accounts.values():
            record = self.run(store.get, account.call_id)
            assert record is not None
            assert (record.owner, record.epoch, record.state) == (account.owner, account.epoch, account.state)
            assert (record.carrier_id, record.delivered) == (account.carrier_id, account.delivered)
            log = self.run(store.events, account.call_id)
            assert words(log) == account.log
            assert is_rising([logged.id for logged in log])

    @invariant()
    def ended_is_the_last_word_of_ended_calls_only(self) -> None:
        for account in self.accounts.values():
            assert account.log.count("ended") == (not account.live)
            assert account.live or account.log[-1] == "ended"

    @invariant()
    def one_key_has_one_live_call(self) -> None:
        live = [account.key for account in self.accounts.values() if account.live]
        assert len(live) == len(set(live))


def is_rising(ids: Sequence[str]) -> bool:
    return all(first < second for first, second in zip(ids, ids[1:], strict=False))


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_no_sequence_of_operations_breaks_the_contract(implementation: str) -> None:
    with start_blocking_portal() as portal:

        class Machine(StoreMachine):
            def __init__(self) -> None:
                super().__init__(portal, implementation)

        run_state_machine_as_test(
            Machine, settings=settings(max_examples=EXAMPLES[implementation], stateful_step_count=30, deadline=None)
        )
