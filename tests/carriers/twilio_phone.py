"""A phone at the fake Twilio: real sockets all the way, providers that do as they are told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.calls.manager import CallManager
from patter_mcp.config import CallSettings, MediaSettings
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.pipeline import PipelineEngine
from patter_mcp.events import Event
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.phone import open_phone
from patter_mcp.store.memory import MemoryStore
from patter_mcp.stt.base import Final
from patter_mcp.testing.fake_twilio import FakeCall, FakeTwilio, Plan
from patter_mcp.testing.scripted import MS_PER_CHAR, Say, ScriptedLLM, ScriptedSTT, ScriptedTTS
from patter_mcp.types import CallRequest, CallResult
from patter_mcp.vad.energy import EnergyDetector

OURS, THEIRS = "+12025550123", "+12025550100"
GREETING = "Hello."
LOUD = b"\x00"
"""The scripted voice; an agent that is heard."""
PAUSE_BYTES = 300 * BYTES_PER_MS
"""Long enough for the agent to learn that it was heard."""
BYE = Say("Goodbye.", calls=[("end_call", '{"goal_met": "yes", "summary": "Done."}')])


@dataclass
class TwilioPhone:
    twilio: FakeTwilio
    calls: CallManager
    store: MemoryStore
    stt: ScriptedSTT
    llm: ScriptedLLM

    async def call(self, to: str = THEIRS, **more: Any) -> CallResult:
        """From the request to the envelope."""
        return await (await self.calls.place(self.request(to, **more))).wait()

    def request(self, to: str = THEIRS, **more: Any) -> CallRequest:
        return CallRequest(to_number=to, first_message=GREETING, **more)

    async def events(self, result: CallResult) -> list[Event]:
        return [entry.event for entry in await self.store.events(result.call_id)]

    async def connected(self, number: int = 0) -> FakeCall:
        """The nth call, once its media stream is open."""
        call = await self.twilio.call(number)
        await call.line.open.wait()
        return call

    async def greeted(self, number: int = 0) -> FakeCall:
        """The nth call, once its callee has heard the greeting to its end, and then nothing for a while."""
        call = await self.twilio.call(number)
        greeting_bytes = len(GREETING) * MS_PER_CHAR * BYTES_PER_MS
        await call.until(lambda: call.heard.count(LOUD) >= greeting_bytes and LOUD not in call.heard[-PAUSE_BYTES:])
        return call

    async def user_says(self, text: str, number: int = 0) -> None:
        self.stt.streams[number].emit(Final(text=text, end_of_turn=True))


@asynccontextmanager
async def twilio_phone(
    plan: Plan | None = None,
    *,
    script: Sequence[Any] = (),
    calls: CallSettings | None = None,
    media: MediaSettings | None = None,
    store: MemoryStore | None = None,
    **carrier: Any,
) -> AsyncGenerator[TwilioPhone]:
    stt, llm = ScriptedSTT(), ScriptedLLM(script=list(script), first_token_sec=0.01, token_sec=0.001)
    agent = Agent(stt=stt, llm=llm, tts=ScriptedTTS(first_byte_sec=0.01))
    books = store or MemoryStore()

    @asynccontextmanager
    async def open_store() -> AsyncGenerator[MemoryStore]:
        yield books

    with anyio.fail_after(30):
        async with FakeTwilio(plan).run() as twilio:
            phone = open_phone(
                store=open_store(),
                carrier=twilio.carrier(**carrier),
                engine=lambda: PipelineEngine(agent, EnergyDetector),
                calls=calls,
                media=media,
                policy=DialingPolicy(countries=["US"]),
                phone_number=OURS,
            )
            async with phone as manager:
                yield TwilioPhone(twilio, manager, books, stt, llm)
