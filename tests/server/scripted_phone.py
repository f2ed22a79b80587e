"""A phone on the test's exchange: a carrier that reaches it over TCP, and an engine that talks by script.

Run as a program it is a server on stdio: `python scripted_phone.py PORT`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

import anyio
from anyio.abc import SocketStream, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream

from patter_mcp import events as ev
from patter_mcp.app import App
from patter_mcp.carriers.base import CarrierReport, DialRequest, ReportSink, StreamCodec, Webhook
from patter_mcp.carriers.media_streams import MediaStreamsCodec
from patter_mcp.conversation.engine import Brief, Conversation, Journal, Parting
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.errors import WebhookRejected
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.phone import open_phone
from patter_mcp.server.stdio import run_stdio
from patter_mcp.store.memory import MemoryStore
from patter_mcp.types import CallState, EndReason

STAY = "stay on the line"
"""As the goal: talk until somebody ends the call."""
STRAY_OUTPUT = "a library that prints"
VERSION = "9.8.7"


class ExchangeCarrier:
    """Knows the port of the exchange, and one TCP connection per call."""

    name = "exchange"
    simulated = False
    needs_public_url = False

    def __init__(self, port: int, tasks: TaskGroup) -> None:
        self._port = port
        self._tasks = tasks
        self._wires: dict[str, tuple[SocketStream, anyio.Event]] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int) -> AsyncGenerator[ExchangeCarrier]:
        async with anyio.create_task_group() as tasks:
            yield cls(port, tasks)
            tasks.cancel_scope.cancel()

    def codec(self) -> StreamCodec:
        return MediaStreamsCodec()

    def check_stream(self, url: str, headers: Mapping[str, str]) -> None:
        """The one-time token in the URL is all there is to check."""

    def read_webhook(self, webhook: Webhook, call_id: str) -> CarrierReport:
        raise WebhookRejected("This carrier reports over its wires.")

    def hints(self, to_number: str) -> Sequence[str]:
        return ()

    async def dial(self, request: DialRequest, report: ReportSink) -> str:
        wire = await anyio.connect_tcp("127.0.0.1", self._port)
        gone = anyio.Event()
        self._wires[request.call_id] = wire, gone
        order = {"call_id": request.call_id, "to_number": request.to_number, "stream_url": request.stream_url}
        await wire.send(json.dumps(order).encode() + b"\n")
        self._tasks.start_soon(self._pass_on, request.call_id, wire, gone, report)
        return f"CA-{request.call_id}"

    async def under_way(self, to_number: str, from_number: str | None, since: datetime) -> Sequence[str]:
        return ()

    async def hang_up(self, call_id: str, carrier_id: str | None) -> None:
        if call_id not in self._wires:
            return
        wire, gone = self._wires[call_id]
        await wire.send(b"hang up\n")
        await gone.wait()

    async def send_digits(self, call_id: str, carrier_id: str, digits: str) -> bool:
        return False

    async def aclose(self) -> None:
        """The calls are over by now, and their wires with them."""

    async def _pass_on(self, call_id: str, wire: SocketStream, gone: anyio.Event, report: ReportSink) -> None:
        reader = BufferedByteReceiveStream(wire)
        async with wire:
            try:
                while True:
                    said = json.loads(await reader.receive_until(b"\n", 10_000))
                    await report(_report(call_id, said))
            except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
                del self._wires[call_id]
                gone.set()


def _report(call_id: str, said: Mapping[str, Any]) -> CarrierReport:
    reason = EndReason(said["reason"]) if said["reason"] else None
    return CarrierReport(call_id=call_id, state=CallState(said["state"]), reason=reason)


class ScriptedConversation:
    """Says its first message, hears the goal back, and leaves unless told to stay."""

    def __init__(self, brief: Brief, journal: Journal) -> None:
        self._brief = brief
        self._journal = journal
        self._line_ended = anyio.Event()

    async def run(self, leg: CallLeg, time_left_sec: float) -> Parting:
        leg.listen(self)
        print(STRAY_OUTPUT, flush=True)
        self._journal.write(ev.AgentSaid(text=self._brief.first_message or "Hello."))
        self._journal.write(ev.UserSaid(text=f"You called {self._brief.to_number} about: {self._brief.goal}"))
        if self._brief.goal == STAY:
            await self._line_ended.wait()
            return Parting(reason=EndReason.USER_HUNG_UP, ended_by="user")
        self._journal.write(ev.OutcomeStated(goal_met="yes", summary="It went well."))
        return Parting(reason=EndReason.AGENT_HUNG_UP, ended_by="agent")

    def heard(self, frame: bytes) -> None:
        """The script needs no ears."""

    def digit(self, digit: str) -> None:
        """Nor keys."""

    def line_ended(self, reason: EndReason) -> None:
        self._line_ended.set()


class ScriptedEngine:
    parts: Mapping[str, str] = {"llm": "script"}
    language = "en"

    def open(self, brief: Brief, journal: Journal) -> AbstractAsyncContextManager[Conversation]:
        return self._open(brief, journal)

    @asynccontextmanager
    async def _open(self, brief: Brief, journal: Journal) -> AsyncGenerator[Conversation]:
        yield ScriptedConversation(brief, journal)


def scripted_app(port: int, store: MemoryStore | None = None) -> App:
    """A phone on the exchange at `port`."""

    @asynccontextmanager
    async def open_store() -> AsyncGenerator[MemoryStore]:
        yield store or MemoryStore()

    return App(
        lambda: open_phone(
            store=open_store(),
            carrier=ExchangeCarrier.open(port),
            engine=ScriptedEngine,
            policy=DialingPolicy(countries=["US"]),
        )
    )


if __name__ == "__main__":
    exchange_port = int(sys.argv[1])
    run_stdio(lambda: scripted_app(exchange_port), version=VERSION)
