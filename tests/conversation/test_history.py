"""What the model is sent of a long call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.conversation.history import LEFT_OUT, History
from patter_mcp.llm.base import Message
from patter_mcp.testing.scripted import Say

WORDS = "x" * 99
"""A hundred with the turn's number: 25 tokens."""


def call(turns: int, token_limit: int | None = 200) -> History:
    history = History("system", token_limit)
    history.agent_said("Hello, it is me.")
    for number in range(turns):
        history.user_said(f"{number}{WORDS}")
        history.agent_said(f"{number}{WORDS}")
    return history


def contents(messages: Sequence[Message]) -> list[str]:
    return [message["content"].rstrip("x") for message in messages]


def test_short_call_is_sent_whole() -> None:
    assert contents(call(2).messages()) == ["system", "Hello, it is me.", "0", "0", "1", "1"]


def test_long_call_keeps_prompt_first_words_and_last_turns() -> None:
    sent = call(6).messages(user="And now?")
    assert contents(sent) == ["system", "Hello, it is me.", f"{LEFT_OUT}\n4", "4", "5", "5", "And now?"]


def test_what_is_sent_begins_alike_from_request_to_request() -> None:
    history = call(6)
    starts: list[list[str]] = []
    for number in range(6, 20):
        starts.append(contents(history.messages())[:3])
        history.user_said(f"{number}{WORDS}")
        history.agent_said(f"{number}{WORDS}")
    assert len({tuple(start) for start in starts}) <= 5


def test_without_a_limit_all_is_sent() -> None:
    assert len(call(500, token_limit=None).messages()) == 1002


def test_cutting_changes_nothing_that_is_kept() -> None:
    history = call(6)
    history.messages()
    history.user_said("still")
    history.user_said("here")
    assert contents(history.messages())[-1] == "still here"
    assert history.last_user_text == "still here"


TOOL_ROUND: list[Message] = [
    {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"at": 3}'}}],
    },
    {"role": "tool", "tool_call_id": "1", "content": "free" * 30},
    {"role": "assistant", "content": "It is free."},
]
steps = st.lists(st.tuples(st.sampled_from(["user", "agent", "tools"]), st.integers(1, 300)), max_size=60)


@given(steps, st.integers(10, 400))
def test_requests_are_bounded_and_whole(course: list[tuple[str, int]], token_limit: int) -> None:
    history = History("system", token_limit)
    for kind, size in course:
        if kind == "user":
            history.user_said("u" * size)
        elif kind == "agent":
            history.agent_said("a" * size)
        else:
            history.extend(TOOL_ROUND)
        sent = history.messages()
        assert sent[0]["content"] == "system"
        calls = [c["id"] for m in sent for c in m.get("tool_calls", [])]
        assert len(calls) == sum(m["role"] == "tool" for m in sent)
        turns = [index for index, message in enumerate(sent) if message["role"] == "user"]
        if len(turns) > 1:
            recent = sum(len(m["content"]) for m in sent[turns[0] :])
            assert recent <= 4 * (token_limit + 1) + len(LEFT_OUT) + 1


@pytest.mark.anyio
async def test_agents_limit_reaches_the_model(stage: Any) -> None:
    async with stage(*[Say("Tell me more about that.")] * 8, history_tokens=40) as s:
        await s.agent_has_spoken()
        for number in range(8):
            await s.user_says(f"This is what I say in turn {number}.")
            await s.agent_has_spoken()
    sent = [message["content"] for message in s.llm.requests[-1]]
    assert sent[1] == "Hi, this is Ann." and sent[2].startswith(LEFT_OUT)
    assert len(sent) < 10
