"""The five vendors, each with the fake that stands in for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from patter_mcp.llm.anthropic import AnthropicLLM
from patter_mcp.llm.base import Chunk, LanguageModel, LlmOptions, Message, TextChunk, ToolCallChunk, ToolSpec
from patter_mcp.llm.cerebras import CerebrasLLM
from patter_mcp.llm.google import GoogleLLM
from patter_mcp.llm.groq import GroqLLM
from patter_mcp.llm.openai import OpenAILLM
from patter_mcp.llm.vendor import VendorLLM
from patter_mcp.testing.llm import FakeAnthropic, FakeCerebras, FakeGoogle, FakeGroq, FakeLlmServer, FakeOpenAI

KEY = "sk-secret-of-mine"


@dataclass(frozen=True)
class Vendor:
    name: str
    fake: Callable[..., FakeLlmServer]
    adapter: type[VendorLLM]
    words: dict[str, str]
    """The vendor's own for why an answer ended."""

    def model(self, server: FakeLlmServer, **settings: Any) -> VendorLLM:
        return cast(Any, self.adapter)(**{"api_key": KEY, "base_url": server.base_url, **settings})


OPENAI_WORDS = {"length": "length", "refusal": "content_filter", "other": "something-new"}
VENDORS = [
    Vendor("openai", FakeOpenAI, OpenAILLM, OPENAI_WORDS),
    Vendor("groq", FakeGroq, GroqLLM, OPENAI_WORDS),
    Vendor("cerebras", FakeCerebras, CerebrasLLM, OPENAI_WORDS),
    Vendor(
        "anthropic",
        FakeAnthropic,
        AnthropicLLM,
        {"length": "max_tokens", "refusal": "refusal", "other": "pause_turn"},
    ),
    Vendor("google", FakeGoogle, GoogleLLM, {"length": "MAX_TOKENS", "refusal": "SAFETY", "other": "LANGUAGE"}),
]


ASKED: Sequence[Message] = (
    {"role": "system", "content": "You are on the phone. Be brief."},
    {"role": "assistant", "content": "Hello, this is Ann's assistant."},
    {"role": "user", "content": "Hi, what is it about?"},
)
END_CALL: ToolSpec = {
    "name": "end_call",
    "description": "Hangs up.",
    "parameters": {"type": "object", "properties": {"reason": {"type": "string"}}},
}


async def answer(
    model: LanguageModel,
    messages: Sequence[Message] = ASKED,
    tools: Sequence[ToolSpec] = (),
    options: LlmOptions = LlmOptions(),
) -> list[Chunk]:
    async with aclosing(model.stream(messages, tools, options)) as chunks:
        return [chunk async for chunk in chunks]


async def until_error(chunks: AsyncGenerator[Chunk], heard: list[Chunk]) -> None:
    """Keeps what came before it."""
    async with aclosing(chunks):
        async for chunk in chunks:
            heard.append(chunk)  # noqa: PERF401  (an extend would lose what came before the error)


def text_of(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def calls_of(chunks: Sequence[Chunk]) -> list[tuple[str, str]]:
    """Name and arguments of each call; fails if a call's first fragment does not introduce it."""
    calls: dict[int, tuple[str, str]] = {}
    for chunk in chunks:
        if isinstance(chunk, ToolCallChunk):
            if chunk.index in calls:
                assert chunk.id == chunk.name == ""
            else:
                assert chunk.id and chunk.name
            name, arguments = calls.get(chunk.index, (chunk.name, ""))
            calls[chunk.index] = (name, arguments + chunk.arguments)
    return [call for _, call in sorted(calls.items())]
