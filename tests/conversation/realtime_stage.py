"""A conversation with a speech-to-speech model on a line in memory, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from journal import Journal

from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Brief, Parting
from patter_mcp.conversation.speech_to_speech import SpeechToSpeechEngine
from patter_mcp.testing.scripted import MemoryLeg
from patter_mcp.testing.scripted_realtime import ScriptedModelStream, ScriptedRealtime
from patter_mcp.types import EndReason

FIRST = "Hi, this is Ann calling."


@dataclass
class Stage:
    """One conversation under way, and the user's end of it."""

    model: ScriptedRealtime
    engine: SpeechToSpeechEngine
    leg: MemoryLeg
    journal: Journal
    parting: Parting | None = None
    over: anyio.Event = field(default_factory=anyio.Event)

    @property
    def stream(self) -> ScriptedModelStream:
        return self.model.streams[-1]

    @property
    def speaking(self) -> bool:
        return self.leg.playout.heard_ms < self.leg.playout.written_ms

    async def user_says(self, text: str, seconds: float = 1.0) -> None:
        """Speaks, until the model takes the turn for over."""
        self.stream.will_hear(text)
        await self.leg.speak(seconds)
        await self.leg.quiet(0.52)

    async def agent_speaks(self) -> None:
        """Until the agent has begun to speak."""
        while not self.speaking and not self.over.is_set():
            await self.leg.quiet(0.02)

    async def agent_has_spoken(self) -> None:
        """Until the agent has begun to speak and has finished."""
        await self.agent_speaks()
        while self.speaking and not self.over.is_set():
            await self.leg.quiet(0.02)
        await self.leg.quiet(0.1)

    async def ended(self) -> Parting:
        """Silence on the line until the conversation is over."""
        while not self.over.is_set():
            await self.leg.quiet(0.02)
        assert self.parting is not None
        return self.parting


@asynccontextmanager
async def open_stage(
    *script: Any,
    first_message: str = FIRST,
    time_left_sec: float = 180,
    ring_sec: float = 3,
    model: ScriptedRealtime | None = None,
    after: Stage | None = None,
    **agent: Any,
) -> AsyncGenerator[Stage]:
    model = after.model if after else model or ScriptedRealtime()
    model.script.extend(script)
    engine = after.engine if after else SpeechToSpeechEngine(Agent(engine=model, **agent), model)
    brief = Brief(call_id="call_1", to_number="+12025550100", goal="Book a table", first_message=first_message)
    stage = Stage(model, engine, MemoryLeg(), Journal())

    async def live() -> None:
        """As a call does: what holds the conversation is closed the moment it is over."""
        async with engine.open(brief, stage.journal) as conversation:
            await anyio.sleep(ring_sec)
            stage.parting = await conversation.run(stage.leg, time_left_sec)
        stage.over.set()

    with anyio.fail_after(3600):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live)
            await stage.leg.listened_to.wait()
            yield stage
            if not stage.over.is_set():
                stage.leg.hang_up(EndReason.USER_HUNG_UP)
            await stage.over.wait()
