"""What the store tests share: every implementation as several nodes on one server side, with one clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from patter_mcp.events import AgentSaid, Created, Ended, Event, Logged, UserSaid
from patter_mcp.store.base import Admitted, CallStore, Limits, NewCall
from patter_mcp.store.memory import MemoryStore
from patter_mcp.store.sqlite import SqliteStore
from patter_mcp.types import CallRecord, CallRequest, EndReason

TTL_SEC = 6.0
NO_LIMITS = Limits()

_call_numbers = count(1)


class VirtualClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class OpenNode(Protocol):
    async def __call__(self, name: str, /) -> CallStore: ...


class Nodes:
    """The nodes of one store, by name."""

    def __init__(self, open_node: OpenNode, clock: VirtualClock) -> None:
        self.clock = clock
        self._open_node = open_node
        self._nodes: dict[str, CallStore] = {}

    async def node(self, name: str = "a") -> CallStore:
        if name not in self._nodes:
            self._nodes[name] = await self._open_node(name)
        return self._nodes[name]


@asynccontextmanager
async def memory_nodes(directory: Path) -> AsyncGenerator[Nodes]:
    clock = VirtualClock()
    first = MemoryStore("first", clock)

    async def open_node(name: str, /) -> CallStore:
        return first.peer(name)

    yield Nodes(open_node, clock)


@asynccontextmanager
async def sqlite_nodes(directory: Path) -> AsyncGenerator[Nodes]:
    clock = VirtualClock()
    async with AsyncExitStack() as opened:

        async def open_node(name: str, /) -> CallStore:
            return await opened.enter_async_context(SqliteStore.open(directory / "calls.db", name, clock))

        yield Nodes(open_node, clock)


IMPLEMENTATIONS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Nodes]]] = {
    "memory": memory_nodes,
    "sqlite": sqlite_nodes,
}


def new_call(to_number: str = "+15550100", principal: str = "local", lifetime_sec: float = 300.0) -> NewCall:
    request = CallRequest(to_number=to_number, goal="Book a table", principal=principal)
    created = Created(to_number=to_number, goal=request.goal, max_duration_sec=180, carrier="sandbox")
    return NewCall(
        call_id=f"call_{next(_call_numbers)}",
        request=request,
        carrier="sandbox",
        created=created,
        lifetime_sec=lifetime_sec,
    )


async def admitted(store: CallStore, key: str = "key", call: NewCall | None = None) -> CallRecord:
    outcome = await store.create(call or new_call(), key, NO_LIMITS)
    assert isinstance(outcome, Admitted)
    return outcome.record


def said(*texts: str) -> list[Event]:
    return [UserSaid(text=text) for text in texts]


def ended(reason: EndReason = EndReason.AGENT_HUNG_UP) -> Ended:
    return Ended(reason=reason, ended_by="agent")


def words(log: Sequence[Logged]) -> list[str]:
    """Each event as its text, or as its kind where nobody spoke."""
    return [
        logged.event.text if isinstance(logged.event, UserSaid | AgentSaid) else logged.event.kind for logged in log
    ]
