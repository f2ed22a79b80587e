"""What the store tests share: every implementation as several nodes on one server side, with one clock."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from patter_mcp.events import AgentSaid, Created, Ended, Event, Logged, UserSaid
from patter_mcp.store.base import Admitted, CallStore, Limits, NewCall
from patter_mcp.store.memory import MemoryStore
from patter_mcp.store.sqlite import SqliteStore
from patter_mcp.types import CallRecord, CallRequest, EndReason

NAMES = ("a", "b", "c")
GONE = "4194305-gone"
"""Named after a process that cannot be: https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html, pid_max."""
TTL_SEC = 6.0
NO_LIMITS = Limits()


class VirtualClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Nodes:
    """The nodes of one store, by name."""

    clock: VirtualClock
    by_name: Mapping[str, CallStore]

    def __getitem__(self, name: str) -> CallStore:
        return self.by_name[name]


@asynccontextmanager
async def memory_nodes(directory: Path) -> AsyncGenerator[Nodes]:
    clock = VirtualClock()
    first = MemoryStore("first", clock)
    yield Nodes(clock, {name: first.peer(name) for name in (*NAMES, GONE)})


@asynccontextmanager
async def sqlite_nodes(directory: Path) -> AsyncGenerator[Nodes]:
    clock = VirtualClock()
    path = directory / "calls.db"
    async with AsyncExitStack() as opened:
        stores = {
            name: await opened.enter_async_context(SqliteStore.open(path, name, clock)) for name in (*NAMES, GONE)
        }
        yield Nodes(clock, stores)


IMPLEMENTATIONS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Nodes]]] = {
    "memory": memory_nodes,
    "sqlite": sqlite_nodes,
}


def new_call(to_number: str = "+15550100", principal: str = "local", lifetime_sec: float = 300.0) -> NewCall:
    request = CallRequest(to_number=to_number, goal="Book a table", principal=principal)
    created = Created(to_number=to_number, goal=request.goal, max_duration_sec=180, carrier="sandbox")
    return NewCall(
        call_id=f"call_{secrets.token_hex(8)}",
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
