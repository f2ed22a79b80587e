"""What was said, as the model is told it: only what was heard counts as said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from patter_mcp.llm.base import Message

CUT = " —"
"""Marks where the user cut us off."""
LEFT_OUT = "[what was said before this is left out]"
"""Stands before the first turn that is still sent."""
BYTES_PER_TOKEN = 4
"""Of UTF-8: English runs at three to five, Chinese at three to six."""


class History:
    """One call's messages after the system prompt.

    Args:
        token_limit: What is sent at most, estimated, besides system prompt and first words. What is older is left out,
            by whole turns, and half of it at once: a request that begins like the one before it is answered sooner,
            because vendors keep what they have read.
    """

    def __init__(self, system: str, token_limit: int | None = None) -> None:
        self._system: Message = {"role": "system", "content": system}
        self._messages: list[Message] = []
        self._token_limit = token_limit
        self._sent_from = 0

    def messages(self, *, user: str | None = None) -> list[Message]:
        """A copy for one request, with a user's turn that is not yet certain at its end."""
        messages = [self._system, *self._recent()]
        return _with_user(messages, user) if user else messages

    def _recent(self) -> list[Message]:
        if self._token_limit is None:
            return self._messages
        if _tokens(self._messages[self._sent_from :]) > self._token_limit:
            self._sent_from = self._cut_for(self._token_limit // 2)
        if not self._sent_from:
            return self._messages
        first_words = takewhile(_is_plain_speech, self._messages)
        resumed, *rest = self._messages[self._sent_from :]
        return [*first_words, {**resumed, "content": f"{LEFT_OUT}\n{resumed['content']}"}, *rest]

    def _cut_for(self, token_limit: int) -> int:
        """The first turn of the user's from which on no more is sent than that; at least the last one is."""
        turns = [index for index, message in enumerate(self._messages) if message["role"] == "user"]
        fitting = (index for index in turns if _tokens(self._messages[index:]) <= token_limit)
        return next(fitting, turns[-1] if turns else 0)

    def user_said(self, text: str) -> None:
        self._messages = _with_user(self._messages, text)

    def agent_said(self, text: str, *, interrupted: bool = False) -> None:
        if text:
            self._messages.append({"role": "assistant", "content": text + CUT if interrupted else text})

    def extend(self, messages: Sequence[Message]) -> None:
        """A finished reply: assistant and tool messages, in order."""
        self._messages.extend(messages)

    @property
    def last_user_text(self) -> str:
        return next((m["content"] for m in reversed(self._messages) if m["role"] == "user"), "")


def _is_plain_speech(message: Message) -> bool:
    return message["role"] == "assistant" and "tool_calls" not in message


def _tokens(messages: Iterable[Message]) -> int:
    return sum(map(_bytes, messages)) // BYTES_PER_TOKEN


def _bytes(message: Message) -> int:
    calls = message.get("tool_calls", ())
    return len(message["content"].encode(errors="replace")) + sum(len(call["function"]["arguments"]) for call in calls)


def _with_user(messages: list[Message], text: str) -> list[Message]:
    """Two user messages in a row are one turn that we began to answer too early."""
    if messages and messages[-1]["role"] == "user":
        return [*messages[:-1], {"role": "user", "content": f"{messages[-1]['content']} {text}"}]
    return [*messages, {"role": "user", "content": text}]


def cut(messages: Sequence[Message], heard: str) -> list[Message]:
    """A reply's messages, as far as they were heard; tools that ran have run and stay."""
    kept: list[Message] = []
    left = len(heard)
    for message in messages:
        if message["role"] != "assistant":
            kept.append(message)
            continue
        text = message["content"][: max(0, left)]
        left -= len(message["content"]) + 1
        whole = len(text) == len(message["content"])
        if text or "tool_calls" in message:
            kept.append({**message, "content": text if whole else text + CUT})
    return kept
