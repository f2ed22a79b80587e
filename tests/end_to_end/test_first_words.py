"""Whole calls in which the voice fails before it has ever been heard: what the callee hears, and how it ends.

The calls are held all at once, in real time, each with vendors of its own; every test then looks at one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from vendor_phone import SILENCE, Delays, HungUp, VendorPhone, aura, elevenlabs, openai_voice, vendor_phone

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.prerecorded import prerecorded
from patter_mcp.testing.fake_twilio import Plan
from patter_mcp.testing.speech import FakeSpeech
from patter_mcp.tts.elevenlabs import ElevenLabsTTS
from patter_mcp.tts.fallback import FallbackTTS
from patter_mcp.types import CallResult
from patter_mcp.vendors.helpers import helpers

pytestmark = pytest.mark.slow

GREETING = "Hi there my friend."
LONGEST_SILENCE_MS = 2000
MOMENT, TROUBLE = prerecorded("one_moment", "en").text, prerecorded("trouble", "en").text
SPEECH = "text-to-speech"

Fault = Callable[[VendorPhone], Coroutine[Any, Any, None]]


async def nothing(phone: VendorPhone) -> None:
    """All goes well."""


def refuse(status: int) -> Fault:
    async def refuse(phone: VendorPhone) -> None:
        phone.speech.faults.refuse(status, times=99, path=SPEECH)

    return refuse


async def hang(phone: VendorPhone) -> None:
    phone.speech.faults.setup_ms = 30_000


async def stall(phone: VendorPhone) -> None:
    phone.speech.tts.stall = True


async def die(phone: VendorPhone) -> None:
    """In the middle of the greeting, never to be reached again."""
    phone.speech.tts.cut_after_chars = 6
    # The fake tells nobody of its connections.
    while not any(SPEECH in connection.asked.path for connection in phone.speech.server.open_connections):  # noqa: ASYNC110
        await anyio.sleep(0.005)
    await refuse(503)(phone)


def nobody_there(speech: FakeSpeech) -> ElevenLabsTTS:
    return ElevenLabsTTS(api_key="any", base_url="http://127.0.0.1:9")


def either(first: Callable[[FakeSpeech], Any]) -> Callable[[FakeSpeech], FallbackTTS]:
    return lambda speech: FallbackTTS(first(speech), aura(speech))


@dataclass(frozen=True, kw_only=True)
class Course:
    fault: Fault = nothing
    voice: Callable[[FakeSpeech], Any] = elevenlabs
    ring_sec: float = 0.05
    first: str = ""
    """Is heard of us, by the record; "": nobody is disturbed."""
    last: str = ""
    ended: str = "provider-failed"


@dataclass
class Outcome:
    result: CallResult
    answered: bool
    longest_silence_ms: float
    held_up_ms: float
    """By what else the machine had to do."""


COURSES = {
    "refused while it rings": Course(fault=refuse(401), ring_sec=3),
    "refused by the time somebody answers": Course(fault=refuse(401)),
    "busy while it rings": Course(fault=refuse(503), ring_sec=3),
    "busy, and somebody answers": Course(fault=refuse(503), first=TROUBLE, last=TROUBLE),
    "nobody listens": Course(voice=nobody_there, first=TROUBLE, last=TROUBLE),
    "nobody listens, and another does": Course(
        voice=either(nobody_there), first=GREETING, last=GREETING, ended="user-hung-up"
    ),
    "no answer to the handshake": Course(fault=hang, first=MOMENT, last=TROUBLE),
    "not a sound": Course(fault=stall, first=MOMENT, last=TROUBLE),
    "not a sound over HTTP": Course(fault=stall, voice=openai_voice, first=MOMENT, last=TROUBLE),
    "not a sound of either": Course(fault=stall, voice=either(elevenlabs), first=MOMENT, last=TROUBLE),
    "not a sound, also while it rings": Course(fault=stall, ring_sec=5, first=TROUBLE, last=TROUBLE),
    "gone in the middle": Course(fault=die, first="Hi there", last=TROUBLE),
}


async def held(course: Course, delays: Delays) -> Outcome:
    def parts(speech: FakeSpeech, mind: object) -> dict[str, Any]:
        return {"tts": course.voice(speech)}

    async with vendor_phone(parts=parts, plan=Plan(ring_sec=course.ring_sec)) as phone, helpers() as tasks:
        tasks.start_soon(course.fault, phone)
        call = await phone.place(first_message=GREETING)
        tasks.start_soon(listen, phone, course)
        result = await call.wait()
        heard = bytes(phone.people[0].heard) if phone.people else b""
        gaps = [len(gap) / BYTES_PER_MS for gap in re.findall(re.escape(SILENCE) + b"+", heard)]
        answered = any(call.line.open.is_set() for call in phone.twilio.calls)
        return Outcome(result, answered, max(gaps, default=0.0), delays.sum_ms)


async def listen(phone: VendorPhone, course: Course) -> None:
    """Somebody says nothing, and hangs up once a greeting has come to its end."""
    with suppress(HungUp):
        person = await phone.picked_up()
        if course.ended == "user-hung-up":
            await person.hears_out()
            person.hangs_up()


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}

    async def hold(name: str, delays: Delays) -> None:
        outcomes[name] = await held(COURSES[name], delays)

    async def hold_all() -> None:
        delays = Delays()
        async with helpers() as watching, anyio.create_task_group() as tasks:
            watching.start_soon(delays.watch)
            for name in COURSES:
                tasks.start_soon(hold, name, delays)

    anyio.run(hold_all)
    return outcomes


@pytest.mark.parametrize("name", COURSES)
def test_whoever_answers_is_spoken_to_and_nobody_is_disturbed_for_nothing(
    name: str, outcomes: dict[str, Outcome]
) -> None:
    course, outcome = COURSES[name], outcomes[name]
    assert outcome.result.metrics["end_reason"] == course.ended
    said = " ".join(line.text for line in outcome.result.transcript)
    assert (said[: len(course.first)], said[len(said) - len(course.last) :]) == (course.first, course.last)
    assert outcome.answered == bool(said) == bool(course.first)
    assert outcome.longest_silence_ms <= LONGEST_SILENCE_MS + outcome.held_up_ms
