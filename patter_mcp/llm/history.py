"""A history every vendor accepts, whatever hooks and interruptions have done to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Any, Literal

from patter_mcp.llm.base import Message, ToolCallEntry

INTERRUPTED_RESULT = '{"error": "interrupted before it finished"}'
"""Stands in for the result of a tool call that never got one."""
CALL_CONNECTED = "(the call is connected)"
"""Before an agent that speaks first, for vendors that want the user to."""
NO_ANSWER = "(no answer)"
"""After an agent that is to speak again, for vendors that would take its last words as to be continued."""


def mended(messages: Sequence[Message]) -> list[Message]:
    """Every tool call followed by exactly its result, no result without its call, no message without content.

    Vendors answer anything else with status 400, and a call must not end over it.
    """
    return list(_mended(messages))


def _mended(messages: Sequence[Message]) -> Iterator[Message]:
    for position, message in enumerate(messages):
        if message["role"] == "tool":
            continue  # given right behind its call
        calls = message.get("tool_calls")
        if calls:
            results = _results(messages[position + 1 :])
            yield message
            yield from (results.get(call["id"]) or _missing_result(call) for call in calls)
        elif message["content"].strip():
            yield message


def _results(following: Sequence[Message]) -> dict[str, Message]:
    """Results by call id, up to the next thing the model said: another round may use the same ids."""
    round_ = takewhile(lambda message: message["role"] != "assistant", following)
    return {message["tool_call_id"]: message for message in round_ if "tool_call_id" in message}


def _missing_result(call: ToolCallEntry) -> Message:
    return {"role": "tool", "tool_call_id": call["id"], "content": INTERRUPTED_RESULT}


@dataclass(slots=True)
class Turn:
    """What one party said before the other one did; results of tools are the user's."""

    role: Literal["user", "assistant"]
    messages: list[Message]


def split_system(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """The instructions at the beginning, and the rest."""
    system = takewhile(lambda message: message["role"] == "system", messages)
    rest = dropwhile(lambda message: message["role"] == "system", messages)
    return "\n\n".join(message["content"] for message in system), list(rest)


def turns(messages: Sequence[Message]) -> list[Turn]:
    """For vendors that know two roles which take turns, the user first and last.

    Instructions in the middle become the user's, marked as what they are.
    """
    turns: list[Turn] = [Turn("user", [])]
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        if role != turns[-1].role:
            turns.append(Turn(role, []))
        turns[-1].messages.append(_as_user(message) if message["role"] == "system" else message)
    if not turns[0].messages:
        turns[0].messages.append({"role": "user", "content": CALL_CONNECTED})
    if turns[-1].role == "assistant":
        turns.append(Turn("user", [{"role": "user", "content": NO_ANSWER}]))
    return turns


def _as_user(message: Message) -> Message:
    return {"role": "user", "content": f"<instruction>{message['content']}</instruction>"}


def json_object(text: str) -> dict[str, Any]:
    """The arguments of a call that was made; a model may have written nonsense, which its vendor must not get back."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
