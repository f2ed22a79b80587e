"""What a speech-to-speech call costs us: `python tests/realtime/measure_realtime.py [CALLS] [SECONDS]`.

The vendor is a program of its own, the lines are Media Streams in memory and in real time. Prints CPU per frame of
a line's audio with everything in it (both codecs, socket, beep detector, playout), and our share of each turn's wait.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncGenerator

import anyio
from stream_reader import voice

from patter_mcp import events as ev
from patter_mcp.audio.frame import FRAME_BYTES, silence
from patter_mcp.carriers.media_streams import MediaStreamsCodec
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Brief
from patter_mcp.conversation.speech_to_speech import SpeechToSpeechEngine
from patter_mcp.media.leg import MediaLeg
from patter_mcp.realtime.openai import OpenAIRealtime

START = json.dumps({"event": "start", "start": {"streamSid": "MZ1", "callSid": "CA1"}})
CYCLE = silence(3000) + voice(600) + silence(1400)
"""A user who says something every five seconds."""
BRIEF = Brief(call_id="c", to_number="+12025550100", goal="", first_message="Hello.")


class Turns:
    """A journal that keeps measurements."""

    def __init__(self) -> None:
        self.overheads_ms: list[float] = []

    def write(self, event: ev.Event) -> None:
        if isinstance(event, ev.TurnMeasured) and event.overhead_ms is not None:
            self.overheads_ms.append(event.overhead_ms)


async def user(seconds: float) -> AsyncGenerator[str]:
    started = anyio.current_time()
    yield START
    for tick in range(round(seconds * 50)):
        frame = CYCLE[tick * FRAME_BYTES % len(CYCLE) :][:FRAME_BYTES]
        yield json.dumps({"event": "media", "media": {"payload": b64encode(frame).decode()}})
        await anyio.sleep(max(0.0, started + (tick + 1) * 0.02 - anyio.current_time()))
    yield '{"event":"stop"}'


def send(message: str) -> None:
    """Into the void."""


async def listen(leg: MediaLeg, codec: MediaStreamsCodec, messages: AsyncGenerator[str]) -> None:
    async for message in messages:
        leg.take(codec.decode(message))


async def press(digits: str) -> bool:
    await anyio.lowlevel.checkpoint()
    return True


async def call(engine: SpeechToSpeechEngine, turns: Turns, seconds: float) -> None:
    codec = MediaStreamsCodec()
    leg = MediaLeg(codec, send, press, lead_ms=300)
    async with engine.open(BRIEF, turns) as conversation, anyio.create_task_group() as tasks:
        tasks.start_soon(listen, leg, codec, user(seconds))
        await conversation.run(leg, 3600)


async def measure(url: str, calls: int, seconds: float) -> None:
    model = OpenAIRealtime(api_key="key", base_url=f"{url}/v1")
    engine, turns = SpeechToSpeechEngine(Agent(engine=model), model), Turns()
    before = time.process_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(calls):
            tasks.start_soon(call, engine, turns, seconds)
    cpu_us = (time.process_time() - before) / (calls * seconds * 50) * 1e6
    found = sorted(turns.overheads_ms)
    sys.stdout.write(
        f"{calls} calls of {seconds:g} s: {cpu_us:.0f} µs CPU per frame; {len(found)} turns, overhead "
        f"p50 {found[len(found) // 2]:.2f} ms, p95 {found[int(len(found) * 0.95)]:.2f} ms\n"
    )


def main() -> None:
    given = dict(enumerate(sys.argv))
    vendor = subprocess.Popen([sys.executable, "-m", "patter_mcp.testing.speech"], stdout=subprocess.PIPE, text=True)
    try:
        assert vendor.stdout is not None
        anyio.run(measure, vendor.stdout.readline().strip(), int(given.get(1, "10")), float(given.get(2, "16")))
    finally:
        vendor.terminate()
        vendor.wait()


if __name__ == "__main__":
    main()
