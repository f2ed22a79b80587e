"""A guess at what a request used, for vendors that do not say."""

from __future__ import annotations

from collections.abc import Sequence

from patter_mcp.llm.base import Message, UsageChunk

CHARS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English: https://platform.openai.com/tokenizer."""


def estimate_usage(messages: Sequence[Message], text: str) -> UsageChunk:
    """`messages` is what was asked, `text` what came back (spoken text and arguments of tool calls)."""
    prompt_chars = sum(_size(message) for message in messages)
    return UsageChunk(input_tokens=_tokens(prompt_chars), output_tokens=_tokens(len(text)))


def _size(message: Message) -> int:
    return len(message["content"]) + sum(len(call["function"]["arguments"]) for call in message.get("tool_calls", ()))


def _tokens(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)
