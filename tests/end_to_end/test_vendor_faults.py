"""Whole calls with vendors that misbehave: what the callee hears, what the record says, how it ends.

The calls are held all at once, in real time, each with vendors of its own; every test then looks at one of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial
from typing import Any

import anyio
import pytest
from vendor_phone import (
    Delays,
    HungUp,
    Parts,
    Person,
    VendorPhone,
    aura,
    deepgram,
    elevenlabs,
    openai,
    openai_voice,
    vendor_phone,
)

from patter_mcp import tool
from patter_mcp.config import TurnSettings
from patter_mcp.conversation.agent import Phrases
from patter_mcp.events import Event, ProviderTrouble
from patter_mcp.llm.fallback import FallbackLLM
from patter_mcp.llm.http import Timeouts
from patter_mcp.stt.fallback import FallbackSTT
from patter_mcp.testing.fake_twilio import Plan
from patter_mcp.testing.llm import Failure, FakeAnthropic, FakeLlmServer, FakeOpenAI, Fault, Reply, ScriptedCall
from patter_mcp.testing.llm.script import Script
from patter_mcp.testing.speech import FakeSpeech
from patter_mcp.testing.speech.singing import CHAR_MS
from patter_mcp.tts.fallback import FallbackTTS
from patter_mcp.types import CallResult
from patter_mcp.vendors.helpers import helpers

pytestmark = pytest.mark.slow

GREETING, SAID, ANSWER = "Hi.", "Yes please.", "Good, I see. Bye."
PHRASES = Phrases(trouble="Must stop.", one_moment="Wait.", bear_with_me="A bit.", pardon="Pardon?")
CALLS_AT_ONCE = 16
REHEARSED_SEC = 0.4
"""The phrases for bad moments have been made by then."""
SILENCE_MS = 2000
"""Nobody waits longer than that for a sound."""
RUBBISH = ("Traceback", "Error", "{", "data:", "\ufffd", "HTTP")


END = ScriptedCall(name="end_call", arguments='{"goal_met": "yes", "summary": "Ok"}')


def good(**more: Any) -> Reply:
    return Reply(text=ANSWER, tool_calls=[END], **more)


def goes_under(part: str, **more: Any) -> dict[str, Any]:
    """How a call goes that cannot go on."""
    return {
        "replies": [Reply(text=ANSWER)],
        "trouble": [(part, False)],
        "hears": PHRASES.trouble,
        "end_reason": "provider-failed",
        **more,
    }


Deed = Callable[[VendorPhone, Person], Awaitable[None]]


async def nothing(phone: VendorPhone, person: Person) -> None:
    """All goes well, as far as the vendors' scripts let it."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """A call: a greeting, a sentence of the callee's, our answer, the end."""

    replies: Sequence[Script] = (good(),)
    parts: Callable[[FakeSpeech, FakeLlmServer], Parts] = lambda speech, mind: {}
    mind: type[FakeLlmServer] = FakeOpenAI
    before: Deed = nothing
    """Once the greeting has been heard."""
    during: Deed = nothing
    """While the callee says the sentence."""
    after: Deed = nothing
    """Once they have."""
    trouble: Sequence[tuple[str, bool]] = ()
    """Parts that failed, and whether that was got over; each at least once, and no others."""
    hears: str = ANSWER
    """At the end."""
    eager: bool = False
    end_reason: str = "agent-hung-up"


@dataclass
class Outcome:
    result: CallResult
    events: list[Event]
    heard: str
    longest_silence_ms: float
    held_up_ms: float
    """By what else the machine had to do."""

    @property
    def trouble(self) -> set[tuple[str, bool]]:
        return {(event.part, event.recovered) for event in self.events if isinstance(event, ProviderTrouble)}


COURSES: dict[str, Course] = {}


def course(name: str, **more: Any) -> None:
    assert name not in COURSES
    COURSES[name] = Course(**more)


# The model.

for mind in (FakeOpenAI, FakeAnthropic):
    vendor = mind.__name__.removeprefix("Fake").lower()
    course(f"{vendor} is well", mind=mind)
    course(f"{vendor} is well, and asked before the turn is over", mind=mind, eager=True)
    # Nothing had come yet: as with a kept connection that died while idle, asking again is no event.
    course(f"{vendor}: cut before a word", mind=mind, replies=(good(fault=Fault(kind="cut", after=0)), good()))
    for kind in ("cut", "truncate", "garbage", "half-character", "error"):
        replies = (good(fault=Fault(kind=kind, after=3)), good())
        course(f"{vendor}: {kind} in the middle of an answer", mind=mind, replies=replies, trouble=[("llm", True)])
    for seconds, name in ((1, "a moment"), (60, "a minute")):
        busy = Failure(status=429, headers={"retry-after": str(seconds)})
        recovers: dict[str, Any] = {"trouble": [("llm", True)]}
        course(
            f"{vendor}: 429 that asks for {name}",
            mind=mind,
            **{**(recovers if seconds == 1 else goes_under("llm")), "replies": (busy, good())},
        )
    course(f"{vendor}: 503 once", mind=mind, replies=(Failure(status=503), good()), trouble=[("llm", True)])
    gone = goes_under("llm", replies=[Failure(status=500)], trouble=[("llm", True), ("llm", False)])
    course(f"{vendor}: 500 for good", mind=mind, **gone)
    course(
        f"{vendor}: key refused in the middle of the call",
        mind=mind,
        **goes_under("llm", replies=[Failure(status=401)]),
    )
    course(f"{vendor}: bytes cut anywhere", mind=mind, replies=(good(write_bytes=3),))

LOOK_UP = ScriptedCall(name="look_up", arguments='{"what": "eight"}', id="call_1")
course(
    "fragments of tool calls out of order",
    replies=(Reply(tool_calls=[LOOK_UP, replace(END, id="call_2")], text=ANSWER, shuffled=True),),
)
course("model that answers with nothing", replies=(Reply(),), hears=PHRASES.pardon, end_reason="user-hung-up")


def impatient(speech: FakeSpeech, mind: FakeLlmServer) -> Parts:
    return {"llm": openai(mind, timeouts=Timeouts(first_token_sec=2.5, stall_sec=2.0))}


course(
    "model that says nothing for long",
    parts=impatient,
    replies=(good(fault=Fault(kind="stall", after=0)), good()),
    trouble=[("llm", True)],
)
course(
    "model that stops in the middle",
    parts=impatient,
    replies=(good(fault=Fault(kind="stall", after=3)), good()),
    trouble=[("llm", True)],
)


def second_model(speech: FakeSpeech, mind: FakeLlmServer) -> Parts:
    return {"llm": FallbackLLM(openai(mind), openai(mind, model="second"))}


for status in (401, 429, 500):
    course(
        f"another model where the first answers {status}",
        parts=second_model,
        replies=(Failure(status=status, headers={"retry-after": "60"}), good()),
        trouble=[("llm", True)],
    )


# The recogniser.


async def cut_the_ear(phone: VendorPhone, person: Person) -> None:
    ear(phone).cut()


async def close_the_ear(phone: VendorPhone, person: Person) -> None:
    ear(phone).close(1011, "NET-0000")


async def confuse_the_ear(phone: VendorPhone, person: Person) -> None:
    ear(phone).send('{"type":"Results","is_fin')


async def bewilder_the_ear(phone: VendorPhone, person: Person) -> None:
    """Messages that mean nothing, or something else than they should."""
    for message in ({"type": "New"}, {"type": "Results", "channel": {"alternatives": []}}, {"request_id": "x"}):
        ear(phone).send_json(message)


def ear(phone: VendorPhone) -> Any:
    return next(c for c in phone.speech.server.open_connections if c.asked.path.endswith("/listen"))


def lose_the_ear(status: int, times: int = 9) -> Deed:
    async def lose(phone: VendorPhone, person: Person) -> None:
        phone.speech.faults.refuse(status, times=times)
        ear(phone).cut()

    return lose


async def leave_the_ear_hanging(phone: VendorPhone, person: Person) -> None:
    """It is gone, and whoever calls it gets no answer."""
    phone.speech.faults.setup_ms = 30_000
    ear(phone).cut()


heard_again = [("stt", True)]
course("recogniser's messages that mean nothing", during=bewilder_the_ear)
for deed in (cut_the_ear, close_the_ear, confuse_the_ear):
    course(f"{deed.__name__} in the middle of a sentence", during=deed, trouble=heard_again)
course("recogniser busy once when called again", during=lose_the_ear(429, times=1), trouble=heard_again)
course("recogniser gone with 401", during=lose_the_ear(401), **goes_under("stt"))
course("recogniser gone with 503", during=lose_the_ear(503), **goes_under("stt"))
course("recogniser that can no longer be reached", during=leave_the_ear_hanging, **goes_under("stt"))


def second_ear(speech: FakeSpeech, mind: FakeLlmServer) -> Parts:
    return {"stt": FallbackSTT(deepgram(speech), deepgram(speech, model="nova-2"))}


course("another recogniser where the first is gone", parts=second_ear, during=lose_the_ear(401, 1), trouble=heard_again)


# The voice.


def voice(phone: VendorPhone) -> Any:
    return next(c for c in phone.speech.server.open_connections if "text-to-speech" in c.asked.path)


async def cut_the_voice(phone: VendorPhone, person: Person) -> None:
    phone.speech.tts.cut_after_chars = 6


async def quota_is_used_up(phone: VendorPhone, person: Person) -> None:
    await person.hears_agent()
    key = [m["context_id"] for m in voice(phone).messages() if "context_id" in m][-1]
    voice(phone).send_json({"error": "quota_exceeded", "message": "You have no characters left", "contextId": key})


async def confuse_us_with_sound(phone: VendorPhone, person: Person) -> None:
    await person.hears_agent()
    voice(phone).send('{"audio":"AAA')


async def stall_the_voice(phone: VendorPhone, person: Person) -> None:
    phone.speech.tts.stall = True


async def wake_the_voice(phone: VendorPhone, person: Person) -> None:
    await person.waits(1.5)
    phone.speech.tts.stall = False


async def lose_the_voice(phone: VendorPhone, person: Person) -> None:
    phone.speech.faults.refuse(503, times=20)
    for connection in phone.speech.server.open_connections:
        if "listen" not in connection.asked.path:
            connection.cut()


VOICES: Mapping[str, Callable[[FakeSpeech], Any]] = {
    "elevenlabs": elevenlabs,
    "elevenlabs over http": lambda speech: elevenlabs(speech, transport="http"),
    "aura": aura,
    "openai's voice": openai_voice,
}
dumb = [("tts", True), ("tts", False)]


def speaking_with(name: str) -> Callable[[FakeSpeech, FakeLlmServer], Parts]:
    return lambda speech, mind: {"tts": VOICES[name](speech)}


for name in VOICES:
    parts = speaking_with(name)
    got_over = [("tts", True)]
    course(f"{name} is well", parts=parts)
    course(f"{name}: cut in the middle of a sentence", parts=parts, before=cut_the_voice, trouble=got_over)
    course(f"{name}: silent for a while", parts=parts, before=stall_the_voice, after=wake_the_voice, trouble=got_over)
    course(f"{name}: silent for good", parts=parts, before=stall_the_voice, **goes_under("tts", trouble=dumb))
    course(f"{name}: gone", parts=parts, before=lose_the_voice, **goes_under("tts", trouble=dumb))


async def split_samples(phone: VendorPhone, person: Person) -> None:
    phone.speech.tts.odd_bytes = True


course("openai's voice: bytes that end within a sample", parts=speaking_with("openai's voice"), before=split_samples)
course("elevenlabs: quota used up in the middle of a sentence", after=quota_is_used_up, **goes_under("tts"))
course("elevenlabs: half a message", after=confuse_us_with_sound, trouble=[("tts", True)])


def second_voice(speech: FakeSpeech, mind: FakeLlmServer) -> Parts:
    return {"tts": FallbackTTS(elevenlabs(speech), aura(speech))}


async def silence_the_first_voice(phone: VendorPhone, person: Person) -> None:
    """It is called again at once, and once more when there is something to say."""
    phone.speech.faults.refuse(401, times=2)
    voice(phone).cut()


course(
    "another voice where the first is gone", parts=second_voice, before=silence_the_first_voice, trouble=[("tts", True)]
)


@tool
async def look_up(what: str) -> str:
    """Looks up whether something is free."""
    return f"{what} is free"


async def held(course: Course) -> Outcome:
    async with vendor_phone(
        *course.replies,
        said=[SAID] * 2,
        parts=course.parts,
        mind=course.mind,
        phrases=PHRASES,
        tools=[look_up],
        turns=TurnSettings(eager=course.eager),
    ) as phone:
        call = await phone.place(first_message=GREETING)
        person = await phone.greeted()
        await person.waits(REHEARSED_SEC)
        with suppress(HungUp):
            await course.before(phone, person)
            person.begins(SAID)
            await person.waits(len(SAID) * CHAR_MS / 2000)
            await course.during(phone, person)
            await person.has_spoken()
            await course.after(phone, person)
            await person.hears_out()
            if course.end_reason == "user-hung-up":
                person.hangs_up()
        result = await call.wait()
        return Outcome(result, await phone.events(result), person.heard_text, person.longest_silence_ms, 0.0)


Outcomes = Mapping[str, Outcome | Exception]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Outcomes:
    asked_for = " ".join(item.name for item in request.session.items)
    outcomes: dict[str, Outcome | Exception] = {}

    async def hold(name: str, lines: anyio.Semaphore, delays: Delays) -> None:
        async with lines:
            before_ms = delays.sum_ms
            try:
                outcome = await held(COURSES[name])
            except Exception as error:
                outcomes[name] = error
            else:
                outcomes[name] = replace(outcome, held_up_ms=delays.sum_ms - before_ms)

    async def hold_all() -> None:
        lines, delays = anyio.Semaphore(CALLS_AT_ONCE), Delays()
        async with helpers() as watching, anyio.create_task_group() as tasks:
            watching.start_soon(delays.watch)
            for name in COURSES:
                if f"[{name}]" in asked_for:
                    tasks.start_soon(hold, name, lines, delays)

    for sdk in ("openai", "anthropic"):
        importlib.import_module(sdk)  # which would take a second of a call's time
    anyio.run(hold_all)
    return outcomes


@pytest.mark.parametrize("name", COURSES)
def test_callee_is_never_left_in_silence_and_never_told_rubbish(name: str, outcomes: Outcomes) -> None:
    course, outcome = COURSES[name], outcomes[name]
    if isinstance(outcome, Exception):
        raise outcome
    lines = [line.text for line in outcome.result.transcript]
    assert outcome.trouble == set(course.trouble), lines
    assert {(t["part"], t["recovered"]) for t in outcome.result.metrics["trouble"]} == outcome.trouble
    assert outcome.result.metrics["end_reason"] == course.end_reason
    assert outcome.result.status == ("failed" if course.end_reason == "provider-failed" else "completed")
    assert lines[-1].endswith(course.hears)
    assert likeness(outcome.heard[-len(course.hears) - 3 :], course.hears) > 0.7, outcome.heard
    assert not [word for line in lines for word in RUBBISH if word in line]
    assert outcome.longest_silence_ms <= SILENCE_MS + outcome.held_up_ms


PATHS = {"stt": "/listen", "tts": "/text-to-speech"}


@pytest.mark.anyio
@pytest.mark.parametrize("part", ["stt", "llm", "tts"])
async def test_key_that_is_refused_is_found_out_before_anybody_answers(part: str) -> None:
    mind = partial(FakeOpenAI, api_key="another" if part == "llm" else None)
    async with vendor_phone(mind=mind, plan=Plan(ring_sec=5)) as phone:
        if part != "llm":
            phone.speech.faults.refuse(401, path=PATHS[part])
        result = await (await phone.place()).wait()
        assert [call.line.open.is_set() for call in phone.twilio.calls] == [False] * len(phone.twilio.calls)
        events = await phone.events(result)
    assert (result.status, result.transcript, result.metrics["end_reason"]) == ("failed", (), "provider-failed")
    assert "401" in result.metrics["detail"]
    assert {(e.part, e.recovered) for e in events if isinstance(e, ProviderTrouble)} == {(part, False)}


@pytest.mark.anyio
@pytest.mark.parametrize("part", ["stt", "tts"])
@pytest.mark.parametrize("status", [429, 503])
async def test_vendor_that_is_busy_when_the_call_begins_is_asked_again(part: str, status: int) -> None:
    async with vendor_phone(good(), said=[SAID]) as phone:
        phone.speech.faults.refuse(status, path=PATHS[part])
        call = await phone.place(first_message=GREETING)
        await (await phone.greeted()).says(SAID)
        result = await call.wait()
        events = await phone.events(result)
    assert [line.text for line in result.transcript] == [GREETING, SAID, ANSWER]
    assert {(e.part, e.recovered) for e in events if isinstance(e, ProviderTrouble)} == {(part, True)}


def likeness(heard: str, said: str) -> float:
    """0.0 to 1.0. A gap in what was heard blurs the notes next to it."""
    blocks = SequenceMatcher(None, heard, said, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(said)
