"""Whole calls with a speech-to-speech model that misbehaves: what the callee hears, what the record says.

The calls are held all at once, in real time, each with a vendor of its own; every test then looks at one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from vendor_phone import OURS, THEIRS, HungUp, Person

from patter_mcp import OpenAIRealtime, tool
from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.agent import Agent, Phrases
from patter_mcp.conversation.prerecorded import prerecorded
from patter_mcp.conversation.speech_to_speech import SpeechToSpeechEngine
from patter_mcp.events import Event, ProviderTrouble
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.phone import open_phone
from patter_mcp.store.memory import MemoryStore
from patter_mcp.testing.fake_twilio import FakeTwilio, Plan
from patter_mcp.testing.speech import Answer, FakeSpeech, RealtimeScript
from patter_mcp.tools.base import Tool
from patter_mcp.types import CallRequest, CallResult

pytestmark = pytest.mark.slow

GREETING, SAID, ANSWER = "Hi.", "Yes please.", "Good, I see. Bye."
PHRASES = Phrases(trouble="Must stop.", one_moment="Wait.", bear_with_me="A bit.", pardon="Pardon?")
END = ("end_call", '{"goal_met": "yes", "summary": "Ok"}')
LOOK_UP = ("look_up", "{}")
GOOD = Answer(ANSWER, [END])
CALLS_AT_ONCE = 16
SILENCE_MS = 2000
"""Nobody waits longer than that for a sound."""
RUBBISH = ("Traceback", "Error", "{", "\ufffd", "HTTP")


@tool
async def look_up() -> str:
    """Looks up whether something is free."""
    await anyio.sleep(2.5)
    return "free"


@tool(name="look_up", reassurance="Let me look.")
async def look_up_reassuringly() -> str:
    """Looks up whether something is free."""
    await anyio.sleep(2.5)
    return "free"


Deed = Callable[[FakeSpeech], None]


def nothing(vendor: FakeSpeech) -> None:
    """All goes well, as far as the script lets it."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """A call: a greeting, a sentence of the callee's, our answer, the end."""

    answers: Sequence[Answer] = (GOOD,)
    before: Deed = nothing
    """While it is dialed."""
    after: Deed = nothing
    """Once the greeting has been heard."""
    terse: bool = False
    transcription_ms: float = 100.0
    tools: Sequence[Tool] = ()
    trouble: Sequence[tuple[str, bool]] = ()
    """Codes of what went wrong, and whether that was got over."""
    said: Sequence[str] = (ANSWER,)
    """By the agent, after the greeting."""
    user: str = SAID
    end_reason: str = "agent-hung-up"
    greeted: bool = True


@dataclass
class Outcome:
    result: CallResult
    events: list[Event]
    longest_silence_ms: float


COURSES: dict[str, Course] = {}


def course(name: str, **more: Any) -> None:
    COURSES[name] = Course(**more)


def goes_under(code: str, *said: str, **more: Any) -> dict[str, Any]:
    """How a call goes that cannot go on."""
    return {
        "trouble": [(code, False)],
        "said": [*said, PHRASES.trouble],
        "end_reason": "provider-failed",
        **more,
    }


def refused(status: int, times: int = 9) -> Deed:
    return lambda vendor: vendor.faults.refuse(status, times=times)


def lost(status: int, times: int = 9) -> Deed:
    def lose(vendor: FakeSpeech) -> None:
        vendor.faults.refuse(status, times=times)
        vendor.realtime.sessions[-1].connection.cut()

    return lose


def hang(vendor: FakeSpeech) -> None:
    vendor.faults.setup_ms = 30_000


LONG, HALF = "First one thing, then another two things.", "First one thing, then another"

course("all is well")
course("terse vendor", terse=True)
course("transcript that comes late", transcription_ms=900)

# Before there is a session.
none = {"said": [], "user": "", "end_reason": "provider-failed", "greeted": False}
course("refused for good", before=refused(401), trouble=[("provider-status", False)], **none)
course("busy once", before=refused(429, times=1))
# Somebody has answered meanwhile, and nothing has been said in the model's voice that could be remembered.
course(
    "busy for good",
    before=refused(503),
    trouble=[("provider-status", False)],
    **{**none, "said": [prerecorded("trouble", "en").text]},
)
course(
    "no answer to the handshake",
    before=hang,
    trouble=[("provider-timeout", False)],
    **{**none, "said": [prerecorded("one_moment", "en").text, prerecorded("trouble", "en").text]},
)

# In the middle of a sentence.
reconnected = [("reconnected", True)]
for fault in ("cut", "close", "expire"):
    answers = [Answer(LONG, fault=fault), GOOD]
    course(f"{fault} in the middle of a sentence", answers=answers, said=[HALF, ANSWER], trouble=reconnected)
course(
    "stall in the middle of a sentence",
    answers=[Answer(LONG, fault="stall"), GOOD],
    said=[f"{HALF} two", ANSWER],
    trouble=reconnected,
)
unreadable = [("provider-protocol", True)]
course("half a message", answers=[Answer(LONG, [END], fault="nonsense")], said=[LONG], trouble=unreadable)
course("sound that is none", answers=[Answer(LONG, [END], fault="noise")], said=[LONG], trouble=unreadable)

# Answers that come to nothing, or to half of what they should be.
failed = [("response-failed", True)]
rate_limit = Answer(failure="rate_limit_exceeded")
course("answer that fails once", answers=[rate_limit, GOOD], trouble=failed)
course(
    "answers that fail for good",
    answers=[rate_limit] * 3,
    **goes_under("provider", trouble=[*failed, *failed, ("provider", False)]),
)
course("answer broken off", answers=[Answer(LONG, status="cancelled"), GOOD], said=[LONG, ANSWER], trouble=failed)
course(
    "answer that is incomplete",
    answers=[Answer(LONG, [END], status="incomplete")],
    said=[LONG],
    end_reason="user-hung-up",
)
course("answer of nothing", answers=[Answer()], said=[PHRASES.pardon], end_reason="user-hung-up")
course(
    "answer that takes its time", answers=[Answer(ANSWER, [END], wait_ms=2500)], said=[f"{PHRASES.one_moment} {ANSWER}"]
)

# Tools.
course(
    "cut in the middle of a function call",
    answers=[Answer("", [LOOK_UP], fault="cut"), GOOD],
    tools=[look_up],
    trouble=reconnected,
)
course("slow tool", answers=[Answer("", [LOOK_UP]), GOOD], tools=[look_up], said=[PHRASES.one_moment, ANSWER])
course(
    "slow tool with a reassurance",
    answers=[Answer("", [LOOK_UP]), GOOD],
    tools=[look_up_reassuringly],
    said=["Let me look.", ANSWER],
)

# Gone in the middle of the call.
course("connection lost before a word is said", after=lost(503, times=1), trouble=reconnected)
course("key refused when called again", after=lost(401), **goes_under("provider-status", user=""))
course("gone when called again", after=lost(503), **goes_under("provider-status", user=""))


async def held(course: Course) -> Outcome:
    person = Person()
    script = RealtimeScript(
        answers=list(course.answers),
        transcripts=[SAID],
        latency_ms=5,
        first_audio_ms=60,
        transcription_ms=course.transcription_ms,
        terse=course.terse,
    )
    vendor = FakeSpeech(realtime=script)
    async with FakeTwilio(Plan(callee=lambda: person)).run() as twilio, vendor.run(), MemoryStore.open() as store:
        model = OpenAIRealtime(api_key="any", base_url=vendor.openai_url)
        agent = Agent(engine=model, tools=course.tools, phrases=PHRASES)
        phone = open_phone(
            store=nullcontext(store),
            carrier=twilio.carrier(),
            engine=lambda: SpeechToSpeechEngine(agent, model),
            policy=DialingPolicy(countries=["US"]),
            phone_number=OURS,
        )
        async with phone as calls:
            course.before(vendor)
            call = await calls.place(CallRequest(to_number=THEIRS, first_message=GREETING))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(answer, course, vendor, twilio, person)
                await call.wait()
                tasks.cancel_scope.cancel()
            result = await call.wait()
            events = [entry.event for entry in await store.events(result.call_id)]
            return Outcome(result, events, longest_silence_ms(person, result))


async def answer(course: Course, vendor: FakeSpeech, twilio: FakeTwilio, person: Person) -> None:
    """What the callee does."""
    with suppress(HungUp):
        await (await twilio.call(0)).line.open.wait()
        await person.hears_out()
        # The words for bad moments are made meanwhile.
        await person.waits(0.6)
        course.after(vendor)
        await person.says(SAID)
        if course.end_reason == "user-hung-up":
            await person.hears_out()
            person.hangs_up()


def longest_silence_ms(person: Person, result: CallResult) -> float:
    """Also before the line was given up without a word."""
    return person.longest_silence_ms if result.transcript else len(person.heard) / BYTES_PER_MS


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return anyio.run(hold_all)


async def hold_all() -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    limiter = anyio.CapacityLimiter(CALLS_AT_ONCE)

    async def hold(name: str) -> None:
        async with limiter:
            with anyio.fail_after(40):
                outcomes[name] = await held(COURSES[name])

    async with anyio.create_task_group() as tasks:
        for name in COURSES:
            tasks.start_soon(hold, name)
    return outcomes


@pytest.mark.parametrize("name", COURSES)
def test_call_with_a_model_that_misbehaves(name: str, outcomes: dict[str, Outcome]) -> None:
    course, outcome = COURSES[name], outcomes[name]
    trouble = [(event.code, event.recovered) for event in outcome.events if isinstance(event, ProviderTrouble)]
    lines = [(line.role, line.text) for line in outcome.result.transcript]
    greeting = [("agent", GREETING)] if course.greeted else []
    user = [("user", course.user)] if course.user else []
    assert trouble == list(course.trouble)
    assert lines == [*greeting, *user, *(("agent", text) for text in course.said)]
    assert outcome.result.metrics["end_reason"] == course.end_reason
    assert outcome.longest_silence_ms <= SILENCE_MS
    assert not any(rubbish in text for _, text in lines for rubbish in RUBBISH)


def test_answers_without_a_count_of_tokens_are_estimated(outcomes: dict[str, Outcome]) -> None:
    metrics = outcomes["terse vendor"].result.metrics
    # What was said took 21 characters of 60 ms, a token each 50 ms, at 64 dollars a million; reading comes on top.
    assert metrics["cost"]["llm"] > 21 * 60 / 50 * 64e-6
    assert metrics["cost_status"] == "estimated"
