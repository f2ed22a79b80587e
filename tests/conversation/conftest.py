"""A conversation on a line in memory, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from journal import Journal

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Brief, Parting
from patter_mcp.conversation.pipeline import PipelineEngine
from patter_mcp.stt.base import Final, Interim
from patter_mcp.testing.scripted import MemoryLeg, ScriptedLLM, ScriptedStream, ScriptedSTT, ScriptedTTS
from patter_mcp.testing.virtual_time import VirtualTimeLoop
from patter_mcp.types import EndReason
from patter_mcp.vad.base import VoiceActivity, VoiceDetector

WINDOW_MS = 32


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": VirtualTimeLoop}


class LoudnessDetector:
    """Speech is whatever is not silence: exact, so that the turn-taking around it can be."""

    def load(self) -> None: ...

    def open(self, listener: Callable[[VoiceActivity], None]) -> LoudnessStream:
        return LoudnessStream(listener)


class LoudnessStream:
    def __init__(self, listener: Callable[[VoiceActivity], None]) -> None:
        self._listener = listener
        self._pending = b""
        self._at_ms = 0

    def feed(self, frame: bytes) -> None:
        self._pending += frame
        size = WINDOW_MS * BYTES_PER_MS
        while len(self._pending) >= size:
            window, self._pending = self._pending[:size], self._pending[size:]
            self._at_ms += WINDOW_MS
            loud = sum(byte != 0xFF for byte in window) > size / 2
            self._listener(VoiceActivity(probability=float(loud), at_ms=self._at_ms, window_ms=WINDOW_MS))

    def close(self) -> None:
        self._pending = b""


@dataclass
class Stage:
    """One conversation under way, and the user's end of it."""

    llm: ScriptedLLM
    stt: ScriptedSTT
    tts: ScriptedTTS
    leg: MemoryLeg
    journal: Journal
    engine: PipelineEngine
    parting: Parting | None = None
    over: anyio.Event = field(default_factory=anyio.Event)

    @property
    def words(self) -> ScriptedStream:
        return self.stt.streams[-1]

    async def user_says(self, text: str, seconds: float = 1.0, endpointing_sec: float = 0.3) -> None:
        """Speaks; the recogniser knows the text at its end and says 300 ms later that the turn is over."""
        await self.leg.speak(seconds)
        self.words.emit(Interim(text=text))
        await self.leg.quiet(endpointing_sec)
        self.words.emit(Final(text=text, end_of_turn=True))

    async def agent_has_spoken(self) -> None:
        """Until the agent has begun to speak and has finished."""
        while not self.leg.playout.heard_ms < self.leg.playout.written_ms:
            await self.leg.quiet(0.02)
        while self.leg.playout.heard_ms < self.leg.playout.written_ms:
            await self.leg.quiet(0.02)
        await self.leg.quiet(0.1)

    async def ended(self) -> Parting:
        """Silence on the line until the conversation is over."""
        while not self.over.is_set():
            await self.leg.quiet(0.02)
        assert self.parting is not None
        return self.parting


@pytest.fixture
def stage() -> Callable[..., Any]:
    @asynccontextmanager
    async def open_stage(
        *script: Any,
        first_message: str = "Hi, this is Ann.",
        time_left_sec: float = 180,
        stt: Any = None,
        tts: Any = None,
        llm: Any = None,
        after: Stage | None = None,
        detector: Callable[[], VoiceDetector] | None = None,
        **agent: Any,
    ) -> AsyncGenerator[Stage]:
        if after is None:
            stt, llm, tts = stt or ScriptedSTT(), llm or ScriptedLLM(script=list(script)), tts or ScriptedTTS()
            engine = PipelineEngine(Agent(stt=stt, llm=llm, tts=tts, **agent), detector or LoudnessDetector)
        else:  # another call of the same agent's
            stt, llm, tts, engine = after.stt, after.llm, after.tts, after.engine
            llm.script.extend(script)
        brief = Brief(call_id="call_1", to_number="+12025550100", goal="Book a table", first_message=first_message)
        stage = Stage(llm, stt, tts, MemoryLeg(), Journal(), engine)
        leg, journal = stage.leg, stage.journal

        async def converse() -> None:
            stage.parting = await conversation.run(leg, time_left_sec)
            stage.over.set()

        with anyio.fail_after(3600):
            async with engine.open(brief, journal) as conversation, anyio.create_task_group() as tasks:
                await anyio.sleep(1)  # it rings
                tasks.start_soon(converse)
                await leg.listened_to.wait()
                yield stage
                if not stage.over.is_set():
                    leg.hang_up(EndReason.MEDIA_LOST)
                await stage.over.wait()

    return open_stage
