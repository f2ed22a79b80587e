"""Any course a call may take: whatever happens, it ends, and the books and the model's memory say what was heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from realtime_stage import FIRST, Stage, open_stage

from patter_mcp import events as ev
from patter_mcp.conversation.phrases import Phrases
from patter_mcp.guardrails.base import Guardrail
from patter_mcp.realtime.base import Complaint
from patter_mcp.testing.scripted import Say
from patter_mcp.testing.virtual_time import VirtualTimeLoop
from patter_mcp.tools.base import tool

ENTRIES = [
    Say("At three."),
    Say("We could meet at three or otherwise at four, whichever you like better. It is up to you."),
    Say("Let me see.", [("look_up", "{}")]),
    Say("", [("look_up", "{}")]),
    Say("That makes ten dollars. Thank you."),
    Say(""),
    Say("Goodbye then.", [("end_call", '{"goal_met": "no"}')]),
    RuntimeError("overloaded"),
]
TEXTS = ["Yes.", "Hold on, please.", "", "Bye.", "Please leave a message after the beep.", "For hours press 2."]
BRIDGES = (f"{Phrases().one_moment} ", f"{Phrases().bear_with_me} ")
SAYABLE = {FIRST, "No.", "I see.", *(entry.text for entry in ENTRIES if isinstance(entry, Say)), *astuple(Phrases())}


def own_words(text: str) -> str:
    """Without the words from memory that came before the model's own."""
    while text.startswith(BRIDGES):
        text = text.partition(". ")[2]
    return text


@tool
async def look_up() -> str:
    """Takes its time."""
    await anyio.sleep(1.7)
    return "nothing"


durations_sec = st.one_of(st.sampled_from([0.1, 0.6, 2.0, 6.0]), st.integers(1, 120).map(lambda frames: frames / 50))
actions = st.one_of(
    st.tuples(st.just("speak"), durations_sec, st.sampled_from(TEXTS)),
    st.tuples(st.just("quiet"), durations_sec, st.just("")),
    st.tuples(st.sampled_from(["lose", "complain"]), st.just(0.0), st.just("")),
)


async def act(s: Stage, what: str, seconds: float, text: str) -> None:
    match what:
        case "speak":
            s.stream.will_hear(text)
            await s.leg.speak(seconds)
            await s.leg.quiet(0.52)
        case "quiet":
            await s.leg.quiet(seconds)
        case "lose":
            s.stream.lose_connection()
        case _:
            s.stream.emit(Complaint(code="odd", message="odd"))


async def live_through(
    script: Sequence[Say | Exception], course: Sequence[tuple[str, float, str]], ring_sec: float, guarded: bool
) -> Stage:
    guardrails = [Guardrail("no prices", blocked_terms=["dollars"], replacement="No.")] if guarded else []
    async with open_stage(*script, ring_sec=ring_sec, tools=[look_up], guardrails=guardrails) as s:
        for what, seconds, text in course:
            if not s.over.is_set():
                await act(s, what, seconds, text)
        with anyio.fail_after(200):
            await s.ended()
    return s


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(ENTRIES), max_size=6),
    st.lists(actions, max_size=12),
    st.sampled_from([0.1, 0.35, 3.0]),
    st.booleans(),
)
def test_every_call_ends_and_nobody_claims_more_than_was_heard(
    script: list[Say | Exception], course: list[tuple[str, float, str]], ring_sec: float, guarded: bool
) -> None:
    s = anyio.run(live_through, script, course, ring_sec, guarded, backend_options={"loop_factory": VirtualTimeLoop})
    said = s.journal.of(ev.AgentSaid)
    for line in said:
        assert any(text.startswith(own_words(line.text)) for text in SAYABLE)
        assert (
            line.interrupted or own_words(line.text) in SAYABLE or guarded or "lose" in {what for what, _, _ in course}
        )
    remembered = {item.text for item in s.stream.memory if item.whole and item.cut_ms is None}
    assert remembered <= {own_words(line.text) for line in said}
    if guarded:
        assert all("dollars" not in line.text for line in said)
    told = iter(text for _, _, text in course)
    assert all(line.text in told for line in s.journal.of(ev.UserSaid))
