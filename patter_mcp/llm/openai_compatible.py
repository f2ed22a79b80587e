"""Chat completions as OpenAI defined them and half the world copied: vLLM, llama.cpp, Ollama, OpenRouter, gateways."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Unpack

from patter_mcp.llm.base import Chunk, DoneChunk, LlmOptions, Message, TextChunk, ToolSpec, UsageChunk
from patter_mcp.llm.failures import broken_off
from patter_mcp.llm.fragments import ToolFragments
from patter_mcp.llm.http import HttpTransport, Post, Transport, seeking_version
from patter_mcp.llm.sse import SseEvent
from patter_mcp.llm.vendor import Decoder, VendorLLM, VendorSettings, to_json
from patter_mcp.vendors.failures import status_error

_DONE = "[DONE]"
_THINK, _END_THINK = "<think>", "</think>"
Reason = Literal["stop", "tool_calls", "length", "refusal", "other"]
_REASONS: Mapping[str, Reason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "refusal",
}


class OpenAICompatibleLLM(VendorLLM):
    """Any server with `POST {base_url}/chat/completions`. The key may be left out where the server wants none.

    Args:
        reasoning_effort: Sent as it stands; None: whatever keeps the first word quick, where that is known.
    """

    provider = "openai-compatible"

    def __init__(self, *, reasoning_effort: str | None = None, **settings: Unpack[VendorSettings]) -> None:
        if not self.default_base_url and not (settings.get("base_url") and settings.get("model")):
            raise ValueError(f"{self.provider} needs a base_url and a model")
        super().__init__(**settings)
        self._reasoning_effort = reasoning_effort or self.quick_effort(self.model)

    def quick_effort(self, model: str) -> str | None:
        """The `reasoning_effort` that lets this model speak soonest; None: not to be sent."""
        return None

    def limit_field(self) -> str:
        """`max_tokens` is deprecated at OpenAI, but the only word that older servers know."""
        return "max_tokens"

    def extra_fields(self) -> Mapping[str, Any]:
        """What this vendor wants besides; laid over the rest."""
        return {}

    def post(self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: LlmOptions) -> Post:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [_message(message) for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            self.limit_field(): self.output_limit(options, thinks=self._reasoning_effort not in (None, "none")),
        }
        if tools:
            body["tools"] = [{"type": "function", "function": dict(tool)} for tool in tools]
        if (temperature := self.temperature(options)) is not None:
            body["temperature"] = temperature
        if self._reasoning_effort is not None:
            body["reasoning_effort"] = self._reasoning_effort
        return self.packed(to_json({**body, **self.extra_fields()}))

    def packed(self, body: bytes) -> Post:
        return Post(path="/chat/completions", body=body, headers={"content-type": "application/json"})

    def decoder(self) -> Decoder:
        return ChatDecoder(self.provider)

    def new_transport(self) -> Transport:
        headers = {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        return seeking_version(self.base_url, HttpTransport(self.provider, self.base_url, headers, self.timeouts))

    @property
    def warmup_path(self) -> str:
        return "/models"

    def key(self, given: str | None) -> str:
        return super().key(given) if self.key_variable else given or ""


def _message(message: Message) -> dict[str, Any]:
    """Beside tool calls, an empty text must be null for some servers."""
    silent = "tool_calls" in message and not message["content"]
    return {**message, "content": None} if silent else dict(message)


class ChatDecoder:
    """One streamed chat completion."""

    def __init__(self, provider: str) -> None:
        self.finished = False
        self._provider = provider
        self._tools = ToolFragments()
        self._speech = _Speech()
        self._usage: Mapping[str, Any] | None = None
        self._finish_reason: str | None = None
        self._refused = False

    def feed(self, event: SseEvent) -> Iterable[Chunk]:
        if event.data == _DONE:
            self.finished = True
            return
        data = json.loads(event.data)
        if error := data.get("error"):
            raise self._failure(error)
        self._usage = data.get("usage") or (data.get("x_groq") or {}).get("usage") or self._usage
        for choice in data.get("choices") or ():
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            yield from self._delta(choice.get("delta") or {})

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Chunk]:
        if text := self._speech.feed(delta.get("content") or ""):
            yield TextChunk(text=text)
        if refusal := delta.get("refusal"):
            self._refused = True
            yield TextChunk(text=refusal)
        for fragment in delta.get("tool_calls") or ():
            yield from self._tools.feed(fragment)

    def close(self) -> Iterable[Chunk]:
        if not self.finished and self._finish_reason is None:
            raise broken_off(self._provider)
        if rest := self._speech.close():
            yield TextChunk(text=rest)
        yield from self._tools.close()
        if self._usage is not None:
            yield _usage(self._usage)
        yield DoneChunk(reason=self._reason())

    def _reason(self) -> Reason:
        if self._refused:
            return "refusal"
        reason = _REASONS.get(self._finish_reason or "stop", "other")
        # Some servers say "stop" although they want a tool.
        return "tool_calls" if reason == "stop" and len(self._tools) else reason

    def _failure(self, error: object) -> Exception:
        """An error in the middle of a stream: the status was sent long ago, and may be repeated as its code."""
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) and code >= 400 else 500
        return status_error(self._provider, status, to_json({"error": error}))


def _usage(usage: Mapping[str, Any]) -> UsageChunk:
    details = usage.get("prompt_tokens_details") or {}
    return UsageChunk(
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        cache_read_tokens=details.get("cached_tokens") or 0,
    )


class _Speech:
    """The text without the thought that some local servers put before it, between `<think>` and `</think>`."""

    def __init__(self) -> None:
        self._held = ""
        self._take = self._beginning

    def feed(self, text: str) -> str:
        return self._take(text)

    def close(self) -> str:
        """What was held back because it might have become a tag."""
        held, self._held = self._held, ""
        return "" if self._take == self._thought else held

    def _beginning(self, text: str) -> str:
        self._held += text
        start = self._held.lstrip()
        if start.startswith(_THINK):
            self._take = self._thought
            return self._thought("")
        if _THINK.startswith(start):
            return ""
        self._take = self._answer
        return self.close()

    def _thought(self, text: str) -> str:
        self._held += text
        _, end, rest = self._held.partition(_END_THINK)
        if not end:
            return ""
        self._held, self._take = rest, self._answer
        return self.close()

    def _answer(self, text: str) -> str:
        return text
