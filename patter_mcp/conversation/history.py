"""What was said, as the model is told it: only what was heard counts as said."""

from __future__ import annotations

from collections.abc import Sequence

from patter_mcp.llm.base import Message

CUT = " —"
"""Marks where the user cut us off."""


class History:
    """One call's messages after the system prompt."""

    def __init__(self, system: str) -> None:
        self._system: Message = {"role": "system", "content": system}
        self._messages: list[Message] = []

    def messages(self, *, user: str | None = None) -> list[Message]:
        """A copy for one request, with a user's turn that is not yet certain at its end."""
        messages = [self._system, *self._messages]
        return _with_user(messages, user) if user else messages

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
