"""The rule-based brain as a language model: shape of its stream, directions, interruptions, and what it never does."""

from __future__ import annotations

import json
import re

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_dialogues import DIALOGUES
from simulated_callee import TODAY, TOOLS

from patter_mcp.llm.base import Chunk, DoneChunk, LanguageModel, Message, TextChunk, ToolCallChunk, ToolSpec, UsageChunk
from patter_mcp.llm.rules import RulesLLM
from patter_mcp.llm.rules.clock import find_times
from patter_mcp.llm.rules.words import words_of

pytestmark = pytest.mark.anyio

HAIRCUT = "Book a haircut for tomorrow at 3 pm, my name is Alex"
REQUEST = "I would like to book a haircut tomorrow at three p m. Is that possible?"
GOALS = sorted({dialogue.goal for dialogue in DIALOGUES})
LINES = sorted({line.says for dialogue in DIALOGUES for line in dialogue.lines} | {d.opens for d in DIALOGUES})
AFFIRMING = re.compile(
    r"\b(?:yes|yeah|yep|okay|sure|right|correct|fine|works?|good|great|perfect|booked|set|done|confirmed|see you|"
    r"ready|problem|worries|absolutely|of course|certainly|definitely|exactly|indeed|cancelled|got it|will do|"
    r"thanks|can do|have|tell (?:him|her)|(?:i|we) (?:can|could|do)|arranged|down for|lovely|brilliant|super|"
    r"noted|understood|write|put|understand|moved|renewed|taken|all right|alright|free|open|reserved?|possible|"
    r"available|settled|made|happy|(?:should|would|will) be|be okay|excellent|wonderful|splendid|very well|"
    r"gladly|in the book|anything else)\b|^(?:\w+ ){,4}(?:thank you|goodbye|bye|see you)(?: \w+){,4}$"
)


def system(goal: str) -> Message:
    return {"role": "system", "content": f"You are on the phone.\nGoal: {goal}\n\n{TODAY}"}


def conversation(goal: str, *lines: str) -> list[Message]:
    """Lines alternate, the callee speaks first; "" leaves a turn out."""
    messages = [system(goal)]
    for index, line in enumerate(lines):
        if line:
            messages.append({"role": "assistant" if index % 2 else "user", "content": line})
    return messages


async def chunks(messages: list[Message], tools: tuple[ToolSpec, ...] = TOOLS) -> list[Chunk]:
    return [chunk async for chunk in RulesLLM().stream(messages, tools)]


async def text_of(messages: list[Message]) -> str:
    return "".join(chunk.text for chunk in await chunks(messages) if isinstance(chunk, TextChunk)).strip()


async def call_of(messages: list[Message]) -> tuple[str, dict[str, str]]:
    calls = [chunk for chunk in await chunks(messages) if isinstance(chunk, ToolCallChunk)]
    return (calls[0].name, json.loads(calls[0].arguments)) if calls else ("", {})


def test_it_is_a_language_model_and_says_openly_which() -> None:
    model: LanguageModel = RulesLLM()
    assert (model.provider, model.model) == ("patter", "rules")


async def test_sentences_come_one_by_one_then_usage_then_done() -> None:
    got = await chunks(conversation(HAIRCUT, "hello"))
    assert [type(chunk) for chunk in got] == [TextChunk, TextChunk, TextChunk, UsageChunk, DoneChunk]
    assert got[-1] == DoneChunk(reason="stop")
    assert got[-2] == UsageChunk(input_tokens=0, output_tokens=0)


async def test_goodbye_is_spoken_before_the_call_is_ended() -> None:
    got = await chunks(conversation(HAIRCUT, "sorry wrong number"))
    kinds = [type(chunk) for chunk in got]
    assert kinds.index(ToolCallChunk) > kinds.index(TextChunk)
    assert got[-1] == DoneChunk(reason="tool_calls")


async def test_without_tools_it_only_speaks() -> None:
    got = await chunks(conversation(HAIRCUT, "sorry wrong number"), tools=())
    assert not any(isinstance(chunk, ToolCallChunk) for chunk in got)
    assert got[-1] == DoneChunk(reason="stop")


async def test_first_words_disclose_an_automated_assistant_and_the_errand() -> None:
    text = await text_of(conversation(HAIRCUT, "[the call was answered]"))
    assert "automated assistant, calling for Alex" in text
    assert "haircut tomorrow at three p m" in text


async def test_after_a_tool_round_there_is_nothing_more_to_say() -> None:
    messages = conversation("Book a room, name Bo", "for bookings press one")
    entry = {"id": "call_1", "type": "function", "function": {"name": "send_digits", "arguments": '{"digits": "1"}'}}
    messages.append({"role": "assistant", "content": "", "tool_calls": [entry]})  # type: ignore[list-item]
    messages.append({"role": "tool", "tool_call_id": "call_1", "content": "{}"})
    assert [type(chunk) for chunk in await chunks(messages)] == [UsageChunk, DoneChunk]


async def test_a_read_back_that_was_cut_off_is_not_confirmed_by_the_yes_that_cut_it() -> None:
    messages = conversation(HAIRCUT, "hello", REQUEST, "four thirty is free", "So that's tomorrow at four —", "yes yes")
    assert await call_of(messages) == ("", {})
    assert "tomorrow at four thirty p m for Alex, is that right?" in await text_of(messages)


async def test_an_interruption_is_answered_without_starting_over() -> None:
    request = "Hello, I am an automated assistant, calling for Alex. I would like to book a —"
    text = await text_of(conversation(HAIRCUT, "hello", request, "who is this"))
    assert text.startswith("I am an automated assistant, calling for Alex.")
    assert "Hello" not in text


async def test_a_confirmed_time_other_than_the_agreed_one_is_read_back_again() -> None:
    messages = conversation(
        HAIRCUT,
        "four thirty is free",
        "So that's tomorrow at four thirty p m for Alex, is that right?",
        "yes five thirty",
    )
    assert await call_of(messages) == ("", {})
    assert "tomorrow at five thirty p m for Alex, is that right?" in await text_of(messages)


async def test_yes_to_are_you_there_confirms_nothing() -> None:
    messages = conversation(
        HAIRCUT,
        "",
        "So that's tomorrow at three p m for Alex, is that right?",
        "[the line is silent]",
        "Hello, are you there?",
        "yes",
    )
    assert (await call_of(messages))[0] == ""


async def test_a_beep_in_the_same_message_lets_it_speak_on_the_voicemail() -> None:
    greeting = "hi you've reached bo please leave a message after the tone"
    assert await text_of(conversation(HAIRCUT, greeting)) == ""
    messages = conversation(HAIRCUT, f"{greeting}\n[voicemail: the beep has sounded]")
    assert "haircut" in await text_of(messages)
    name, arguments = await call_of(messages)
    assert (name, arguments["goal_met"]) == ("end_call", "unknown")


async def test_a_menu_heard_in_pieces_is_put_together() -> None:
    first = "for billing press one for lost cards press two"
    messages = conversation("Ask when they open", first)
    assert await call_of(messages) == ("", {})
    messages.append({"role": "user", "content": "for opening hours press three"})
    assert await call_of(messages) == ("send_digits", {"digits": "3"})


async def test_a_recorded_answer_behind_a_menu_is_reported_as_recorded() -> None:
    messages = conversation("Find out the opening hours of the library", "for opening hours dial one")
    entry = {"id": "call_1", "type": "function", "function": {"name": "send_digits", "arguments": '{"digits": "1"}'}}
    messages.append({"role": "assistant", "content": "", "tool_calls": [entry]})  # type: ignore[list-item]
    messages.append({"role": "tool", "tool_call_id": "call_1", "content": "{}"})
    messages.append({"role": "user", "content": "the library is open from nine to five monday to friday goodbye"})
    _, arguments = await call_of(messages)
    assert arguments["goal_met"] == "yes"
    assert "recorded" in arguments["summary"]


HUNG_UP = "[the other party has hung up; say nothing more, only state the outcome with end_call]"


@pytest.mark.parametrize(
    ("last_words", "goal_met"),
    [("yes you are booked bye", "yes"), ("no we are full goodbye", "no"), ("we will see", "unknown"), ("", "unknown")],
)
async def test_who_hangs_up_is_judged_by_their_last_words(last_words: str, goal_met: str) -> None:
    messages = conversation(HAIRCUT, "hello")
    messages.append({"role": "assistant", "content": await text_of(messages)})
    messages.append({"role": "user", "content": "three is good"})
    messages.append({"role": "assistant", "content": await text_of(messages)})
    messages.append({"role": "user", "content": f"{last_words} {HUNG_UP}".strip()})
    name, arguments = await call_of(messages)
    assert (name, arguments["goal_met"], await text_of(messages)) == ("end_call", goal_met, "")


RECORDING = "thank you for calling the city museum we are open {} thank you and goodbye"


@pytest.mark.parametrize(
    ("hours", "goal_met"),
    [
        ("tuesday to friday from nine to five and on sunday from eleven to three", "yes"),
        ("tuesday to friday from nine to five you will find more on our website", "unknown"),
    ],
)
async def test_a_recording_that_hangs_up_has_answered_what_it_has_told_of_that_day(hours: str, goal_met: str) -> None:
    messages = conversation("Is the City Museum open on Sunday, and until when?", RECORDING.format(hours))
    messages.append({"role": "assistant", "content": "Hello, this is an automated assistant calling."})
    messages.append({"role": "user", "content": "[the other party has hung up; only state the outcome]"})
    assert (await call_of(messages))[1]["goal_met"] == goal_met


async def test_four_misses_end_politely() -> None:
    messages = conversation(HAIRCUT, "hello")
    for _ in range(4):
        messages.append({"role": "assistant", "content": await text_of(messages)})
        messages.append({"role": "user", "content": "the the with of"})
    assert (await call_of(messages))[1]["goal_met"] == "unknown"
    assert "Goodbye" in await text_of(messages)


@pytest.mark.parametrize("card", ["credit card number is 4111111111111111", "card number is 4111 1111 1111 1111"])
async def test_card_details_in_the_goal_are_not_given_away(card: str) -> None:
    goal = f"Book a room for Friday under Bo. My {card}."
    text = await text_of(
        conversation(goal, "hello", "I would like to book a room on Friday.", "your credit card number please")
    )
    assert "cannot give" in text
    assert "1" not in text and "four one" not in text


def message_lists(user: st.SearchStrategy[str]) -> st.SearchStrategy[list[Message]]:
    def build(goal: str, turns: list[tuple[str, str]]) -> list[Message]:
        messages = [system(goal)]
        for said, answer in turns:
            messages.append({"role": "user", "content": said})
            if answer:
                messages.append({"role": "assistant", "content": answer})
        return messages

    answers = st.sampled_from(["", "Hello.", "So that's tomorrow at three p m, is that right?", "Sure, I will wait."])
    return st.builds(build, st.sampled_from(GOALS) | st.text(), st.lists(st.tuples(user, answers), max_size=5))


_WORD = st.sampled_from(sorted({word for line in LINES for word in line.split()} | {"[", "]", "[the line is silent]"}))
_ANYTHING = st.sampled_from(LINES) | st.lists(_WORD, max_size=12).map(" ".join) | st.text()


@settings(max_examples=250, deadline=None)
@given(message_lists(_ANYTHING))
def test_any_messages_yield_a_well_formed_stream(messages: list[Message]) -> None:
    got = anyio.run(chunks, messages)
    assert isinstance(got[-1], DoneChunk)
    assert isinstance(got[-2], UsageChunk)
    calls = [chunk for chunk in got if isinstance(chunk, ToolCallChunk)]
    assert len(calls) <= 1
    for call in calls:
        arguments = json.loads(call.arguments)
        assert (call.name == "end_call" and arguments["goal_met"] in ("yes", "no", "unknown")) or (
            call.name == "send_digits" and re.fullmatch(r"[0-9*#]", arguments["digits"])
        )
    assert got == anyio.run(chunks, messages)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(GOALS), st.lists(st.sampled_from(LINES), min_size=1, max_size=7, unique=True))
def test_success_is_never_reported_when_nobody_has_affirmed_or_repeated_anything(goal: str, lines: list[str]) -> None:
    messages = [system(goal)]
    named: set[int] = set()
    for line in lines:
        times = {mention.clock.minutes % 720 for mention in find_times(words_of(line))}
        if AFFIRMING.search(line) or times & named:
            continue
        named |= times
        messages.append({"role": "user", "content": line})
        name, arguments = anyio.run(call_of, messages)
        assert name != "end_call" or arguments["goal_met"] != "yes", messages
        messages.append({"role": "assistant", "content": anyio.run(text_of, messages)})
