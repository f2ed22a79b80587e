"""The brain listens after its goodbye: what is new undoes or begins something, the rest leaves all as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from simulated_callee import TODAY, TOOLS

from patter_mcp.llm.base import Message, TextChunk, ToolCallChunk
from patter_mcp.llm.rules import RulesLLM

pytestmark = pytest.mark.anyio

TABLE = "Book a table for four on Friday at eight under Kim."
BOOKED = ("bistro", "friday at eight yes", "yes")
FULL = ("bistro", "no friday is full")
HUNG_UP = "[the other party has hung up; say nothing more, only state the outcome with end_call]"


@dataclass
class Call:
    said: list[str] = field(default_factory=list[str])
    goals_met: list[str] = field(default_factory=list[str])
    """As they were told, one after the other."""
    summary: str = ""


async def call(goal: str, *lines: str) -> Call:
    """All lines of the callee are said, whatever the brain answers."""
    messages: list[Message] = [{"role": "system", "content": f"Goal: {goal}\n{TODAY}"}]
    done = Call()
    for line in lines:
        messages.append({"role": "user", "content": line})
        chunks = [chunk async for chunk in RulesLLM().stream(messages, TOOLS)]
        text = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk)).strip()
        message: Message = {"role": "assistant", "content": text}
        for chunk in chunks:
            if isinstance(chunk, ToolCallChunk):
                function = {"name": chunk.name, "arguments": chunk.arguments}
                message["tool_calls"] = [{"id": chunk.id, "type": "function", "function": function}]  # type: ignore[list-item]
                arguments = json.loads(chunk.arguments)
                done.goals_met.append(arguments["goal_met"])
                done.summary = arguments["summary"]
        done.said.append(text)
        messages.append(message)
    return done


@pytest.mark.parametrize(
    "line", ["you're welcome", "see you friday", "okay great", "thanks for calling", "we look forward to it"]
)
async def test_kind_words_change_nothing_and_need_no_answer(line: str) -> None:
    done = await call(TABLE, *BOOKED, line)
    assert done.goals_met == ["yes", "yes"]
    assert done.said[-1] == ""


@pytest.mark.parametrize("line", ["okay sorry", "thanks for calling", "maybe another time", "no sorry nothing"])
async def test_a_refusal_stays_one(line: str) -> None:
    done = await call(TABLE, *FULL, line)
    assert done.goals_met == ["no", "no"]
    assert done.said[-1] == ""


@pytest.mark.parametrize(
    "line",
    ["oh hold on my colleague says we're full", "oh wait sorry friday is full", "actually no we're closed on friday"],
)
async def test_what_they_take_back_is_no_success_any_more(line: str) -> None:
    done = await call(TABLE, *BOOKED, line, HUNG_UP)
    assert done.goals_met[0] == "yes"
    assert done.goals_met[-1] == "no"


async def test_another_time_is_read_back_before_it_counts() -> None:
    done = await call(TABLE, *BOOKED, "actually could you come at seven", "yes seven")
    assert "seven p m for four people for Kim, is that right?" in done.said[3]
    assert done.goals_met == ["yes", "yes"]
    assert "7:00 pm" in done.summary


async def test_what_they_find_after_all_is_taken() -> None:
    done = await call(TABLE, *FULL, "oh wait i do have eight thirty on friday", "yes eight thirty")
    assert done.goals_met == ["no", "yes"]
    assert "8:30 pm" in done.summary


async def test_a_last_question_is_answered() -> None:
    done = await call(TABLE, *BOOKED, "and what was the name")
    assert done.said[-1] == "The name is Kim. Goodbye."
    assert done.goals_met == ["yes", "yes"]


async def test_an_answer_that_is_put_right_is_given_back_again() -> None:
    done = await call(
        "Ask when the shop closes today.", "shop", "we close at six", "yes", "no wait at seven today", "yes seven"
    )
    assert done.goals_met == ["yes", "yes"]
    assert "seven" in done.summary
