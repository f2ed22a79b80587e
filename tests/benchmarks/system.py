"""The program under test, in a process of its own: a phone at the fake Twilio, told over stdin what to do.

Run by `tests.benchmarks`: `python -m tests.benchmarks.system CONFIG`, CONFIG being `Config` as JSON.
"""

from __future__ import annotations

import cProfile
import gc
import json
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from patter_mcp.calls.call import Call
from patter_mcp.calls.manager import CallManager
from patter_mcp.carriers.twilio import TwilioCarrier
from patter_mcp.cli.process import collect_rarely, loop_options, open_many_files
from patter_mcp.config import CallSettings, TurnSettings
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.pipeline import PipelineEngine
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.llm.openai import OpenAILLM
from patter_mcp.phone import open_phone
from patter_mcp.store.registry import open_store
from patter_mcp.stt.deepgram import DeepgramSTT
from patter_mcp.testing.fake_twilio import ACCOUNT_SID, AUTH_TOKEN
from patter_mcp.tts.elevenlabs import ElevenLabsTTS
from patter_mcp.types import CallRequest
from patter_mcp.vad.energy import EnergyDetector
from patter_mcp.vad.registry import default_detector
from tests.benchmarks.process import answer_commands, settle_down, usage

OURS, THEIRS = "+12025550123", "+12025550100"
LAG_EVERY_SEC = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How the system is set up; as it stands, like the program."""

    store: str
    """As in the settings."""
    eager: bool = True
    vad: bool = True
    """Silero's, else by loudness."""
    uvloop: bool = True
    """Where it is installed."""
    rare_gc: bool = True
    cpu: int = 1
    profile: str = ""
    """File for cProfile's statistics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The setup, and where carrier and vendors are."""

    setup: Setup
    twilio_url: str
    speech_url: str
    llm_url: str

    @staticmethod
    def from_json(text: str) -> Config:
        given = json.loads(text)
        return Config(**given | {"setup": Setup(**given["setup"])})


class System:
    """Carries out the commands."""

    def __init__(self, manager: CallManager) -> None:
        self._manager = manager
        self._calls: list[Call] = []
        self._count = 0
        self._lag_ms: list[float] = []
        self._gc_ms: list[float] = []
        self._gc_began = 0.0
        gc.callbacks.append(self._note_gc)

    async def place(self, count: int, per_sec: float) -> dict[str, Any]:
        due = anyio.current_time()
        for _ in range(count):
            self._count += 1
            # Another goal is another call, to the same number.
            request = CallRequest(to_number=THEIRS, goal=f"errand {self._count}", max_duration_sec=1800)
            self._calls.append(await self._manager.place(request))
            due += 1 / per_sec
            await anyio.sleep_until(due)
        return {}

    async def usage(self) -> dict[str, Any]:
        """With how late the event loop was, and how long it was held up by the garbage collector, since last asked."""
        lag_ms, self._lag_ms = self._lag_ms, []
        gc_ms, self._gc_ms = self._gc_ms, []
        return {**usage(), "lag_ms": lag_ms, "gc_ms": gc_ms}

    async def turns(self) -> dict[str, Any]:
        """What the calls say of themselves."""
        measured = [turn for call in self._calls for turn in (await call.view()).turns]
        return {"overhead_ms": [turn.overhead_ms for turn in measured], "eager": sum(turn.eager for turn in measured)}

    async def hang_up(self) -> dict[str, Any]:
        async with anyio.create_task_group() as tasks:
            for call in self._calls:
                tasks.start_soon(call.hang_up)
        reasons: list[str] = []
        for call in self._calls:
            reasons.append((await call.wait()).metrics["end_reason"])
            await call.delivered()
        self._calls.clear()
        return {"reasons": sorted(set(reasons))}

    async def watch_lag(self) -> None:
        while True:
            due = time.monotonic() + LAG_EVERY_SEC
            await anyio.sleep_until(due)
            self._lag_ms.append((time.monotonic() - due) * 1000)

    def _note_gc(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began = time.perf_counter()
        else:
            self._gc_ms.append((time.perf_counter() - self._gc_began) * 1000)


@asynccontextmanager
async def open_system(config: Config) -> AsyncGenerator[System]:
    agent = Agent(
        stt=DeepgramSTT(api_key="any", base_url=config.speech_url),
        llm=OpenAILLM(api_key="any", base_url=config.llm_url),
        tts=ElevenLabsTTS(api_key="any", base_url=config.speech_url),
        first_message="Good afternoon.",
        turns=TurnSettings(eager=config.setup.eager),
    )
    phone = open_phone(
        store=open_store(config.setup.store),
        carrier=TwilioCarrier(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, base_url=config.twilio_url),
        engine=lambda: PipelineEngine(agent, default_detector if config.setup.vad else EnergyDetector),
        calls=CallSettings(concurrent_calls=10_000),
        policy=DialingPolicy(countries=["US"]),
        phone_number=OURS,
    )
    if config.setup.rare_gc:
        collect_rarely()
    async with phone as calls:
        yield System(calls)


async def main(config: Config) -> None:
    async with open_system(config) as system, anyio.create_task_group() as tasks:
        tasks.start_soon(system.watch_lag)
        await answer_commands(system)
        tasks.cancel_scope.cancel()


def run(config: Config) -> None:
    anyio.run(main, config, backend_options=loop_options() if config.setup.uvloop else None)


if __name__ == "__main__":
    chosen = Config.from_json(sys.argv[1])
    settle_down(chosen.setup.cpu)
    open_many_files()
    if chosen.setup.profile:
        cProfile.runctx("run(chosen)", globals(), {"chosen": chosen}, chosen.setup.profile)
    else:
        run(chosen)
