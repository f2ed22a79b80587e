"""A phone as people have one: Twilio and three vendors, each a fake behind real sockets, and somebody who answers."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import anyio
import numpy as np

from patter_mcp.audio.frame import BYTES_PER_MS, FRAME_BYTES, ULAW_SILENCE
from patter_mcp.audio.g711 import decode
from patter_mcp.calls.call import Call
from patter_mcp.calls.manager import CallManager
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.pipeline import PipelineEngine
from patter_mcp.events import Event
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.llm.anthropic import AnthropicLLM
from patter_mcp.llm.openai import OpenAILLM
from patter_mcp.phone import open_phone
from patter_mcp.store.base import CallStore
from patter_mcp.store.memory import MemoryStore
from patter_mcp.stt.deepgram import DeepgramSTT
from patter_mcp.testing.fake_twilio import SILENT_FRAME, FakeTwilio, Plan
from patter_mcp.testing.llm import FakeAnthropic, FakeLlmServer, FakeOpenAI, Reply, ScriptedCall
from patter_mcp.testing.llm.script import Script
from patter_mcp.testing.speech import FakeSpeech, SttScript, Timing, TtsScript, sing
from patter_mcp.testing.speech.scripts import Transcripts
from patter_mcp.testing.speech.singing import CHAR_BYTES, pitch_hz
from patter_mcp.tts.deepgram import DeepgramTTS
from patter_mcp.tts.elevenlabs import ElevenLabsTTS
from patter_mcp.tts.openai import OpenAITTS
from patter_mcp.types import CallRequest, CallResult
from patter_mcp.vad.base import VoiceDetector
from patter_mcp.vad.energy import EnergyDetector

OURS, THEIRS = "+12025550123", "+12025550100"
GREETING = "Hi there."
BYE = Reply(
    text="Bye now.", tool_calls=[ScriptedCall(name="end_call", arguments='{"goal_met": "yes", "summary": "Ok"}')]
)
SILENCE = bytes((ULAW_SILENCE,))
PAUSE_MS = 300
"""Silence after which whoever listens takes the speaker to have finished."""
_NOTES = {round(pitch_hz(char) / 20): char for char in map(chr, range(33, 127))}


class HungUp(Exception):
    """Nothing more is heard or said."""


class Person:
    """Whoever picks up: a callee told what to do, frame by frame."""

    def __init__(self) -> None:
        self.heard = bytearray()
        """Everything, silence too: 160 bytes for each 20 ms since the answer."""
        self.last_voice_at = 0
        """Position in `heard` at which the person last stopped speaking."""
        self._saying = bytearray()
        self._gone = False
        self._frame = anyio.Event()

    def __call__(self, heard: bytes) -> bytes | None:
        self.heard += heard
        frame, self._saying = bytes(self._saying[:FRAME_BYTES]), self._saying[FRAME_BYTES:]
        if frame:
            self.last_voice_at = len(self.heard)
        self._frame.set()
        self._frame = anyio.Event()
        return None if self._gone else frame.ljust(FRAME_BYTES, SILENT_FRAME[:1])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Looks once a frame.

        Raises:
            HungUp: the line is gone.
        """
        while not condition():
            with anyio.move_on_after(1) as waiting:
                await self._frame.wait()
            if waiting.cancelled_caught:
                raise HungUp

    async def says(self, text: str) -> None:
        """Out loud; returns when it has been said. What the recogniser makes of it, its script says."""
        await self.sounds(sing(text))

    async def sounds(self, audio: bytes) -> None:
        self._saying += audio
        await self.has_spoken()

    def begins(self, text: str) -> None:
        self._saying += sing(text)

    async def has_spoken(self) -> None:
        await self.until(lambda: not self._saying)

    async def hears_agent(self) -> None:
        """Until the agent speaks."""
        start = len(self.heard)
        await self.until(lambda: is_sound(self.heard[start:]))

    async def hears_out(self) -> None:
        """Until the agent has spoken and paused."""
        await self.hears_agent()
        await self.until(lambda: not is_sound(self.heard[-PAUSE_MS * BYTES_PER_MS :]))

    async def waits(self, sec: float) -> None:
        end = len(self.heard) + int(sec * 1000) * BYTES_PER_MS
        await self.until(lambda: len(self.heard) >= end)

    def hangs_up(self) -> None:
        self._gone = True

    @property
    def heard_text(self) -> str:
        """All the agent was heard to sing."""
        return " ".join(transcribed(stretch) for stretch in stretches(bytes(self.heard)))

    @property
    def longest_silence_ms(self) -> float:
        """That the person bore, having spoken, before the agent's next sound."""
        awaited = bytes(self.heard[self.last_voice_at :]).rstrip(SILENCE)
        return max(map(len, re.findall(re.escape(SILENCE) + b"+", awaited)), default=0) / BYTES_PER_MS


class Delays:
    """How much later than it should have something happened in this process?"""

    def __init__(self) -> None:
        self.sum_ms = 0.0

    async def watch(self) -> None:
        while True:
            due = anyio.current_time() + 0.05
            await anyio.sleep_until(due)
            self.sum_ms += max(0.0, (anyio.current_time() - due) * 1000 - 5)


def is_sound(audio: bytes | bytearray) -> bool:
    return audio.count(ULAW_SILENCE) < len(audio)


def stretches(audio: bytes, pause_ms: int = 200) -> list[bytes]:
    """What lies between pauses."""
    found: list[bytes] = []
    rest = audio.lstrip(bytes((ULAW_SILENCE,)))
    pause = bytes((ULAW_SILENCE,)) * (pause_ms * BYTES_PER_MS)
    while rest:
        stretch, _, rest = rest.partition(pause)
        found.append(stretch)
        rest = rest.lstrip(bytes((ULAW_SILENCE,)))
    return found


def transcribed(audio: bytes) -> str:
    """The text that was sung."""
    return "".join(_note(audio[start : start + CHAR_BYTES]) for start in range(0, len(audio), CHAR_BYTES))


def _note(ulaw: bytes) -> str:
    samples = np.frombuffer(decode(ulaw), dtype=np.int16)[80:400].astype(float)
    if len(samples) < 200:
        return ""
    if np.abs(samples).max() < 500:
        return " "
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8000))
    return _NOTES.get(round(int(spectrum.argmax()) / 20), "?")


@dataclass
class VendorPhone:
    """Everything on the loopback, for tests to look into and to break."""

    twilio: FakeTwilio
    speech: FakeSpeech
    mind: FakeLlmServer
    engine: PipelineEngine
    calls: CallManager
    store: CallStore
    people: list[Person]

    async def place(self, to: str = THEIRS, first_message: str = GREETING, **more: Any) -> Call:
        return await self.calls.place(CallRequest(to_number=to, first_message=first_message, **more))

    async def picked_up(self, number: int = 0) -> Person:
        """Whoever picks up the nth call, as soon as their line is open."""
        call = await self.twilio.call(number)
        await call.line.open.wait()
        return self.people[number]

    async def greeted(self, number: int = 0) -> Person:
        """The same, once the greeting has been heard."""
        person = await self.picked_up(number)
        await person.hears_out()
        return person

    async def events(self, result: CallResult) -> list[Event]:
        return [entry.event for entry in await self.store.events(result.call_id)]


def openai(mind: FakeLlmServer, **settings: Any) -> OpenAILLM:
    return OpenAILLM(api_key="any", base_url=mind.base_url, **settings)


def anthropic(mind: FakeLlmServer, **settings: Any) -> AnthropicLLM:
    return AnthropicLLM(api_key="any", base_url=mind.base_url, **settings)


def deepgram(speech: FakeSpeech, **settings: Any) -> DeepgramSTT:
    return DeepgramSTT(api_key="any", base_url=speech.url, **settings)


def elevenlabs(speech: FakeSpeech, **settings: Any) -> ElevenLabsTTS:
    return ElevenLabsTTS(api_key="any", base_url=speech.url, **settings)


def aura(speech: FakeSpeech, **settings: Any) -> DeepgramTTS:
    return DeepgramTTS(api_key="any", base_url=speech.url, **settings)


def openai_voice(speech: FakeSpeech, **settings: Any) -> OpenAITTS:
    return OpenAITTS(api_key="any", base_url=speech.openai_url, **settings)


def fake_speech(said: Transcripts) -> FakeSpeech:
    """Recognises what is said, turn by turn, and answers as fast as the real ones."""
    return FakeSpeech(stt=SttScript(transcripts=said, latency_ms=50), tts=TtsScript(timing=Timing(first_byte_ms=80)))


Parts = Mapping[str, Any]


@asynccontextmanager
async def vendor_phone(
    *replies: Script,
    said: Transcripts = (),
    parts: Callable[[FakeSpeech, FakeLlmServer], Parts] = lambda speech, mind: {},
    mind: Callable[..., FakeLlmServer] = FakeOpenAI,
    detector: Callable[[], VoiceDetector] = EnergyDetector,
    plan: Plan | None = None,
    store: AbstractAsyncContextManager[CallStore] | None = None,
    limit_sec: float | None = 60,
    **agent: Any,
) -> AsyncGenerator[VendorPhone]:
    """Args:
    replies: What the model answers, request by request.
    said: What the recogniser takes each turn of the callee's for.
    parts: `stt`, `llm`, `tts` where they are not Deepgram, the model of `mind`'s vendor, and ElevenLabs.
    store: Of the calls; None: in memory.
    limit_sec: For the whole block.
    agent: Of the agent.
    """
    people: list[Person] = []

    def pick_up() -> Person:
        people.append(Person())
        return people[-1]

    speech = fake_speech(said)
    plan = plan or Plan()
    with anyio.fail_after(limit_sec):
        async with (
            FakeTwilio(replace(plan, callee=pick_up)).run() as twilio,
            speech.run(),
            mind(*replies, first_token_sec=0.1, token_sec=0.01) as server,
            store or MemoryStore.open() as books,
        ):
            make_model = anthropic if mind is FakeAnthropic else openai
            chosen: Parts = {"stt": deepgram(speech), "llm": make_model(server), "tts": elevenlabs(speech)}
            engine = PipelineEngine(Agent(**{**chosen, **parts(speech, server), **agent}), detector)
            phone = open_phone(
                store=nullcontext(books),
                carrier=twilio.carrier(),
                engine=lambda: engine,
                policy=DialingPolicy(countries=["US"]),
                phone_number=OURS,
            )
            async with phone as calls:
                yield VendorPhone(twilio, speech, server, engine, calls, books, people)
