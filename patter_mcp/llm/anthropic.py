"""Anthropic's Messages API, through Anthropic's own client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Unpack

from patter_mcp.llm.base import (
    Chunk,
    DoneChunk,
    LlmOptions,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolCallEntry,
    ToolSpec,
    UsageChunk,
)
from patter_mcp.llm.failures import broken_off
from patter_mcp.llm.history import Turn, json_object, split_system, turns
from patter_mcp.llm.http import HttpTransport, Post, SdkTransport, Transport, client_timeout
from patter_mcp.llm.sse import SseEvent
from patter_mcp.llm.vendor import Decoder, VendorLLM, VendorSettings, to_json
from patter_mcp.vendors.failures import status_error

_WITHOUT_TEMPERATURE = "2026-10-21"
"""From this API version on, any `temperature` is answered with 400; the SDK sends it by default."""
_CACHE: Mapping[str, Any] = {"cache_control": {"type": "ephemeral"}}
_ID_FORBIDDEN = re.compile(r"[^a-zA-Z0-9_-]")

_QUICK: Mapping[str, Mapping[str, Any]] = {
    "claude-haiku-5": {"thinking": {"type": "disabled"}},
    "claude-sonnet-5-5": {"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}},
    "claude-opus-5-5": {"output_config": {"effort": "low"}},
    "claude-fable-5": {"output_config": {"effort": "low"}},
}
"""What lets models that think by default speak soonest, by the beginning of their id.
https://platform.claude.com/docs/en/build-with-claude/thinking"""

_REASONS: Mapping[str, Literal["stop", "tool_calls", "length", "refusal"]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Of errors that come in the middle of a stream; https://platform.claude.com/docs/en/api/errors"""


class AnthropicLLM(VendorLLM):
    """
    Args:
        prompt_caching: Mark the instructions and the end of the history as worth keeping for five minutes. Prompts
            below the model's minimum (4096 tokens with Haiku 4.5) are not kept and cost nothing extra.
        api_version: The `anthropic-version` to ask for; None: the SDK's. A `temperature` needs "2023-06-01".
    """

    provider = "anthropic"
    key_variable = "ANTHROPIC_API_KEY"
    base_url_variable = "ANTHROPIC_BASE_URL"
    default_base_url = "https://api.anthropic.com"

    def __init__(
        self, *, prompt_caching: bool = True, api_version: str | None = None, **settings: Unpack[VendorSettings]
    ) -> None:
        super().__init__(**settings)
        self._cache = _CACHE if prompt_caching else {}
        self._headers = {"anthropic-version": api_version} if api_version else {}
        self._takes_temperature = api_version is not None and api_version < _WITHOUT_TEMPERATURE
        if settings.get("temperature") is not None and not self._takes_temperature:
            raise ValueError('Anthropic takes a temperature only together with api_version="2023-06-01"')

    def new_transport(self) -> Transport:
        import anthropic  # noqa: PLC0415

        http = HttpTransport(self.provider, self.base_url, {}, self.timeouts)
        client = anthropic.AsyncAnthropic(
            api_key=self._api_key,
            base_url=self.base_url,
            timeout=client_timeout(self.timeouts),
            max_retries=0,
            http_client=http.client,
        )
        return SdkTransport(self.provider, anthropic, client, http)

    @property
    def warmup_path(self) -> str:
        return f"/v1/models/{self.model}"

    def post(self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: LlmOptions) -> Post:
        system, rest = split_system(messages)
        quick = next((fields for family, fields in _QUICK.items() if self.model.startswith(family)), {})
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.output_limit(options, thinks="output_config" in quick),
            "messages": [{"role": turn.role, "content": list(_blocks(turn))} for turn in turns(rest)],
            "stream": True,
            **quick,
            **self._cache,
        }
        if system:
            body["system"] = [{"type": "text", "text": system, **self._cache}]
        if tools:
            body["tools"] = [_tool(tool) for tool in tools]
        temperature = self.temperature(options)
        if temperature is not None and self._takes_temperature:
            body["temperature"] = temperature
        return Post(
            path="/v1/messages", body=to_json(body), headers={"content-type": "application/json", **self._headers}
        )

    def decoder(self) -> Decoder:
        return MessagesDecoder()


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}


def _blocks(turn: Turn) -> Iterator[dict[str, Any]]:
    for message in turn.messages:
        if message["role"] == "tool":
            call_id = _safe_id(message.get("tool_call_id", ""))
            yield {"type": "tool_result", "tool_use_id": call_id, "content": message["content"]}
        elif message["content"].strip():
            yield {"type": "text", "text": message["content"]}
        yield from (_tool_use(call) for call in message.get("tool_calls", ()))


def _tool_use(call: ToolCallEntry) -> dict[str, Any]:
    function = call["function"]
    return {
        "type": "tool_use",
        "id": _safe_id(call["id"]),
        "name": function["name"],
        "input": json_object(function["arguments"]),
    }


def _safe_id(call_id: str) -> str:
    """Ids that another vendor gave may hold characters this one refuses."""
    return _ID_FORBIDDEN.sub("_", call_id)


class MessagesDecoder:
    """One streamed message. Blocks of kinds we did not ask for (thinking above all) are passed over."""

    provider = AnthropicLLM.provider

    def __init__(self) -> None:
        self.finished = False
        self._tools: dict[int, int] = {}
        """Our number of a tool call by the index of its block."""
        self._without_input: set[int] = set()
        self._usage: dict[str, int] = {}
        self._stop_reason: str | None = None

    def feed(self, event: SseEvent) -> Iterable[Chunk]:
        data = json.loads(event.data)
        match data.get("type"):
            case "content_block_delta":
                yield from self._delta(data["index"], data["delta"])
            case "content_block_start":
                yield from self._block(data["index"], data["content_block"])
            case "content_block_stop" if data["index"] in self._without_input:
                yield ToolCallChunk(index=self._tools[data["index"]], arguments="{}")
            case "message_start":
                self._note_usage(data["message"].get("usage"))
            case "message_delta":
                self._stop_reason = data["delta"].get("stop_reason") or self._stop_reason
                self._note_usage(data.get("usage"))
            case "message_stop":
                self.finished = True
            case "error":
                raise self._failure(data)
            case _:
                return  # pings, ends of other blocks, and what is invented later

    def _block(self, index: int, block: Mapping[str, Any]) -> Iterator[Chunk]:
        if block["type"] == "tool_use":
            self._tools[index] = len(self._tools)
            self._without_input.add(index)
            yield ToolCallChunk(index=self._tools[index], id=block["id"], name=block["name"])
        elif block["type"] == "text" and block.get("text"):
            yield TextChunk(text=block["text"])

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Chunk]:
        if delta["type"] == "text_delta" and delta["text"]:
            yield TextChunk(text=delta["text"])
        elif delta["type"] == "input_json_delta" and delta["partial_json"] and index in self._tools:
            self._without_input.discard(index)
            yield ToolCallChunk(index=self._tools[index], arguments=delta["partial_json"])

    def _note_usage(self, usage: Mapping[str, Any] | None) -> None:
        """Later figures replace earlier ones: they are totals."""
        self._usage.update({name: count for name, count in (usage or {}).items() if isinstance(count, int)})

    def _failure(self, data: Mapping[str, Any]) -> Exception:
        status = _STATUSES.get(data["error"].get("type"), 500)
        return status_error(self.provider, status, to_json(data))

    def close(self) -> Iterable[Chunk]:
        if self._stop_reason is None:
            raise broken_off(self.provider)
        if "input_tokens" in self._usage:
            yield self._total()
        yield DoneChunk(reason=_REASONS.get(self._stop_reason, "other"))

    def _total(self) -> UsageChunk:
        """Anthropic counts the cached parts of a prompt apart from the rest."""
        read = self._usage.get("cache_read_input_tokens", 0)
        written = self._usage.get("cache_creation_input_tokens", 0)
        return UsageChunk(
            input_tokens=self._usage["input_tokens"] + read + written,
            output_tokens=self._usage.get("output_tokens", 0),
            cache_read_tokens=read,
            cache_creation_tokens=written,
        )


LLM = AnthropicLLM
