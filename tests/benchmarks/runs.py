"""One run: so many calls at once, talked on for a while, measured from the carrier's end."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, astuple, dataclass, field
from random import Random
from typing import Any

import anyio

from patter_mcp.audio.frame import FRAME_BYTES, FRAME_MS, ULAW_SILENCE
from patter_mcp.testing.fake_twilio import ACCOUNT_SID, FakeTwilio, MediaLine, Plan
from patter_mcp.testing.speech.hearing import is_voiced
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.espeak import EspeakTTS
from tests.benchmarks.process import Remote, remote
from tests.benchmarks.system import Config, Setup
from tests.benchmarks.talker import PATIENCE_SEC, Measured, Talker
from tests.benchmarks.vendors import USER_SAYS, run_vendors

CALLS_PER_SEC = 20.0
LATE_EVERY_SEC = 0.01


@dataclass(slots=True)
class Result:
    calls: int
    seconds: float
    measured: Measured
    cpu_sec: float
    memory_bytes: int
    """Taken by the calls."""
    lateness_ms: Sequence[float] = ()
    """Of this process's own timers: nothing is measured better than that."""
    load_cpu_sec: float = 0.0
    """Taken by this process, which has a core of its own too."""
    lag_ms: Sequence[float] = ()
    """Of the system's event loop."""
    gc_ms: Sequence[float] = ()
    """What the system's garbage collections took, each."""
    own: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the system says of its turns."""

    @property
    def cpu_sec_per_call_minute(self) -> float:
        return self.cpu_sec / self.calls / (self.seconds / 60)

    @property
    def mb_per_call(self) -> float:
        return self.memory_bytes / self.calls / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTurn:
    """Of a call that is alone."""

    dialled_ms: float
    """From asking for the call to the carrier's being asked for it."""
    greeting_ms: float
    voice_to_voice_ms: float


@dataclass(slots=True)
class Bench:
    """The carrier, the vendors and the system, up and running."""

    twilio: FakeTwilio
    system: Remote
    speech: Sequence[bytes]
    settle_sec: float
    """From the last call's answer to the first measurement: greetings are over, and calls speak out of step."""
    measured: Measured = field(default_factory=Measured)
    lateness_ms: list[float] = field(default_factory=list[float])
    dialled_mono: float = 0.0
    """When the carrier was last asked for a call."""

    async def first_turn(self) -> FirstTurn:
        """A call that ends with its first reply."""
        self.measured = measured = Measured()
        began = time.monotonic()
        await self._connect(1)
        dialled_ms = (self.dialled_mono - began) * 1000
        with anyio.fail_after(PATIENCE_SEC * 4):
            while not measured.voice_to_voice:  # noqa: ASYNC110 - the callee's own clock
                await anyio.sleep(FRAME_MS / 1000)
        await self.system.do("hang_up")
        return FirstTurn(
            dialled_ms=dialled_ms, greeting_ms=measured.greeting[0], voice_to_voice_ms=measured.voice_to_voice[0]
        )

    async def rss_mb(self) -> float:
        return (await self.system.do("usage"))["rss_bytes"] / 2**20

    async def run(self, calls: int, seconds: float) -> Result:
        idle = await self.system.do("usage")
        self.measured = Measured()
        await self._connect(calls)
        await anyio.sleep(self.settle_sec)
        self.measured, self.lateness_ms = Measured(greeting=self.measured.greeting, lost=self.measured.lost), []
        before, load_before_sec = await self.system.do("usage"), time.process_time()
        await anyio.sleep(seconds)
        after, load_after_sec = await self.system.do("usage"), time.process_time()
        measured, self.measured = self.measured, Measured()
        own = await self.system.do("turns")
        await self.system.do("hang_up")
        return Result(
            calls=calls,
            seconds=seconds,
            measured=measured,
            cpu_sec=after["cpu_sec"] - before["cpu_sec"],
            memory_bytes=after["rss_bytes"] - idle["rss_bytes"],
            lateness_ms=self.lateness_ms,
            load_cpu_sec=load_after_sec - load_before_sec,
            lag_ms=after["lag_ms"],
            gc_ms=after["gc_ms"],
            own=own,
        )

    async def _connect(self, count: int) -> None:
        chance = Random(count)
        talkers: list[Talker] = []
        first = len(self.twilio.calls)

        def callee() -> Talker:
            self.dialled_mono = time.monotonic()
            talkers.append(Talker(self.speech, lambda: self.measured, chance, longest_pause_sec=self.settle_sec / 2))
            return talkers[-1]

        self.twilio.plan = Plan(callee=callee, ring_sec=0.5)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._place, count)
            for number in range(count):
                talkers[number].line = (await self.twilio.call(first + number)).line
        with anyio.move_on_after(PATIENCE_SEC):
            for call in self.twilio.calls[first:]:
                await call.line.open.wait()
        self.measured.lost += sum(not call.line.open.is_set() for call in self.twilio.calls[first:])

    async def _place(self, count: int) -> None:
        await self.system.do("place", count=count, per_sec=CALLS_PER_SEC)

    async def watch_lateness(self) -> None:
        while True:
            due = time.monotonic() + LATE_EVERY_SEC
            await anyio.sleep_until(due)
            self.lateness_ms.append((time.monotonic() - due) * 1000)


@asynccontextmanager
async def open_bench(setup: Setup, settle_sec: float, connect_ms: float = 0.0, *, warm: bool) -> AsyncGenerator[Bench]:
    """The benchmark, and a new process of the system.

    Args:
        settle_sec: See `Bench`.
        connect_ms: What a new connection to a speech vendor costs.
        warm: A first call has been held.
    """
    async with run_vendors(connect_ms) as vendors, FakeTwilio().run() as twilio, anyio.create_task_group() as tasks:
        config = Config(setup=setup, twilio_url=twilio.url, speech_url=vendors.speech_url, llm_url=vendors.llm_url)
        async with remote("tests.benchmarks.system", json.dumps(asdict(config))) as system:
            bench = Bench(twilio, system, await user_speech(), settle_sec)
            tasks.start_soon(bench.watch_lateness)
            if warm:
                await bench.first_turn()
            yield bench
        tasks.cancel_scope.cancel()


async def run_bare(calls: int, seconds: float, settle_sec: float, cpu: int) -> Result:
    """The same talk, but for interruptions, with a loop that does nothing but pass on what it gets."""
    chance, speech = Random(calls), await user_speech()
    run = Result(calls=calls, seconds=seconds, measured=Measured(), cpu_sec=0.0, memory_bytes=0)
    async with run_vendors(0.0) as vendors, remote("tests.benchmarks.bare", str(cpu), *astuple(vendors)) as bare:
        idle = before = after = await bare.do("usage")
        port = (await bare.do("address"))["port"]
        async with anyio.create_task_group() as tasks:
            for number in range(calls):
                talker = Talker(
                    speech, lambda: run.measured, chance, longest_pause_sec=settle_sec / 2, interrupts=False
                )
                talker.line = MediaLine(call_sid=f"CA{number:032x}", account_sid=ACCOUNT_SID, callee=talker)
                tasks.start_soon(talker.line.run, f"ws://127.0.0.1:{port}/", {})
                await anyio.sleep(1 / CALLS_PER_SEC)
            await anyio.sleep(settle_sec)
            run.measured, before = Measured(), await bare.do("usage")
            await anyio.sleep(seconds)
            after = await bare.do("usage")
            tasks.cancel_scope.cancel()
    run.cpu_sec = after["cpu_sec"] - before["cpu_sec"]
    run.memory_bytes = after["rss_bytes"] - idle["rss_bytes"]
    return run


async def user_speech() -> list[bytes]:
    """Frames of a synthetic voice, cut to what the fake recogniser takes for speech."""
    async with EspeakTTS().open(TtsOptions()) as voice:
        utterance = voice.utterance()
        utterance.feed(USER_SAYS)
        utterance.end()
        audio = b"".join([speech.audio async for speech in utterance])
    frames = [
        audio[start : start + FRAME_BYTES].ljust(FRAME_BYTES, bytes((ULAW_SILENCE,)))
        for start in range(0, len(audio), FRAME_BYTES)
    ]
    voiced = [index for index, frame in enumerate(frames) if is_voiced(frame)]
    return frames[voiced[0] : voiced[-1] + 1]
