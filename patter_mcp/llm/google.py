"""Google's Gemini API, version v1beta, without Google's SDK: one POST, answered by server-sent events."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Unpack

from patter_mcp.errors import ProviderProtocolError
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
from patter_mcp.llm.fragments import new_call_id
from patter_mcp.llm.history import Turn, json_object, split_system, turns
from patter_mcp.llm.http import HttpTransport, Post, Transport
from patter_mcp.llm.sse import SseEvent
from patter_mcp.llm.vendor import Decoder, VendorLLM, VendorSettings, to_json
from patter_mcp.vendors.failures import status_error

_KEPT_SIGNATURES = 1024
"""Only those of the turn in progress are needed; of many calls at once."""
_NO_SIGNATURE = "skip_thought_signature_validator"
"""For a call some other model made; https://ai.google.dev/gemini-api/docs/thought-signatures"""

_REASONS: Mapping[str, Literal["stop", "length", "refusal"]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
}
_BAD_CALLS = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")


class GoogleLLM(VendorLLM):
    """
    Args:
        thinking: Let the model think as it likes. Otherwise as little as it can: the first word comes sooner.
    """

    provider = "google"
    key_variable = "GOOGLE_API_KEY"
    base_url_variable = "GOOGLE_BASE_URL"
    default_base_url = "https://generativelanguage.googleapis.com/v1beta"

    def __init__(self, *, thinking: bool = False, **settings: Unpack[VendorSettings]) -> None:
        super().__init__(**settings)
        if not self.base_url.endswith(("/v1", "/v1beta")):
            self.base_url += "/v1beta"
        self._thinking = {} if thinking else _least_thinking(self.model)
        self._signatures: OrderedDict[str, str] = OrderedDict()
        """Gemini signs its tool calls and wants the signature back; our history has no place for it."""

    def key(self, given: str | None) -> str:
        """Google's own clients know the variable by an older name too."""
        return super().key(given or os.environ.get(self.key_variable) or os.environ.get("GEMINI_API_KEY"))

    def new_transport(self) -> Transport:
        return HttpTransport(self.provider, self.base_url, {"x-goog-api-key": self._api_key}, self.timeouts)

    @property
    def warmup_path(self) -> str:
        return f"/models/{self.model}"

    def post(self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: LlmOptions) -> Post:
        system, rest = split_system(messages)
        config: dict[str, Any] = {
            "maxOutputTokens": self.output_limit(options, thinks=self._thinking != _NO_THINKING),
        }
        if (temperature := self.temperature(options)) is not None:
            config["temperature"] = temperature
        if self._thinking:
            config["thinkingConfig"] = self._thinking
        body: dict[str, Any] = {"contents": list(self._contents(turns(rest))), "generationConfig": config}
        if system:
            body["systemInstruction"] = {"parts": [{"text": system}]}
        if tools:
            body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in tools]}]
        return Post(
            path=f"/models/{self.model}:streamGenerateContent?alt=sse",
            body=to_json(body),
            headers={"content-type": "application/json"},
        )

    def _contents(self, turns: Sequence[Turn]) -> Iterator[dict[str, Any]]:
        names: dict[str, str] = {}
        for turn in turns:
            if turn.role == "assistant":
                names = {
                    call["id"]: call["function"]["name"] for m in turn.messages for call in m.get("tool_calls", ())
                }
                yield {"role": "model", "parts": list(self._model_parts(turn))}
            else:
                # Results of tools stay by themselves: exactly as many parts as there were calls.
                results = [_result(message, names) for message in turn.messages if message["role"] == "tool"]
                said = [{"text": message["content"]} for message in turn.messages if message["role"] != "tool"]
                yield from ({"role": "user", "parts": parts} for parts in (results, said) if parts)

    def _model_parts(self, turn: Turn) -> Iterator[dict[str, Any]]:
        for message in turn.messages:
            if message["content"].strip():
                yield {"text": message["content"]}
            calls = message.get("tool_calls", ())
            yield from (self._call(call, is_first=number == 0) for number, call in enumerate(calls))

    def _call(self, call: ToolCallEntry, *, is_first: bool) -> dict[str, Any]:
        function = call["function"]
        part = {"functionCall": {"name": function["name"], "args": json_object(function["arguments"])}}
        signature = self._signatures.get(call["id"])
        if signature is None and is_first and self.model.startswith("gemini-3"):
            signature = _NO_SIGNATURE
        return part if signature is None else {**part, "thoughtSignature": signature}

    def _keep_signature(self, call_id: str, signature: str) -> None:
        self._signatures[call_id] = signature
        if len(self._signatures) > _KEPT_SIGNATURES:
            self._signatures.popitem(last=False)

    def decoder(self) -> Decoder:
        return GeminiDecoder(self._keep_signature)


_NO_THINKING: Mapping[str, Any] = {"thinkingBudget": 0}


def _least_thinking(model: str) -> Mapping[str, Any]:
    """https://ai.google.dev/gemini-api/docs/thinking: 2.5 has a budget, 3 has levels, and the big ones always think."""
    if model.startswith("gemini-2.5"):
        return {"thinkingBudget": 128} if "pro" in model else _NO_THINKING
    if model.startswith("gemini-3"):
        is_light = "flash-lite" in model or model.startswith("gemini-3-flash")
        return {"thinkingLevel": "minimal" if is_light else "low"}
    return {}


def _declaration(tool: ToolSpec) -> dict[str, Any]:
    return {"name": tool["name"], "description": tool["description"], "parametersJsonSchema": tool["parameters"]}


def _result(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    """Gemini knows a result by its function's name and takes objects only."""
    name = names.get(message.get("tool_call_id", ""), "")
    response = json_object(message["content"]) or {"result": message["content"]}
    return {"functionResponse": {"name": name, "response": response}}


class GeminiDecoder:
    """One streamed answer. It has no last event; it ends when the body does."""

    provider = GoogleLLM.provider
    finished = False

    def __init__(self, keep_signature: Callable[[str, str], None]) -> None:
        self._keep_signature = keep_signature
        self._usage: Mapping[str, Any] | None = None
        self._finish_reason: str | None = None
        self._call_count = 0
        self._spoke = False

    def feed(self, event: SseEvent) -> Iterable[Chunk]:
        data = json.loads(event.data)
        if error := data.get("error"):
            raise status_error(self.provider, error.get("code") or 500, to_json(data))
        self._usage = data.get("usageMetadata") or self._usage
        if (data.get("promptFeedback") or {}).get("blockReason"):
            self._finish_reason = "SAFETY"
        for candidate in data.get("candidates") or ():
            self._finish_reason = candidate.get("finishReason") or self._finish_reason
            for part in (candidate.get("content") or {}).get("parts") or ():
                yield from self._part(part)

    def _part(self, part: Mapping[str, Any]) -> Iterator[Chunk]:
        if call := part.get("functionCall"):
            yield self._tool_call(call, part.get("thoughtSignature"))
        elif part.get("text") and not part.get("thought"):
            self._spoke = True
            yield TextChunk(text=part["text"])

    def _tool_call(self, call: Mapping[str, Any], signature: str | None) -> ToolCallChunk:
        call_id = new_call_id()
        if signature:
            self._keep_signature(call_id, signature)
        index = self._call_count
        self._call_count += 1
        arguments = to_json(call.get("args") or {}).decode()
        return ToolCallChunk(index=index, id=call_id, name=call["name"], arguments=arguments)

    def close(self) -> Iterable[Chunk]:
        if self._finish_reason is None:
            raise broken_off(self.provider)
        if self._finish_reason in _BAD_CALLS and not self._spoke:
            raise ProviderProtocolError(
                f"{self.provider} wrote a tool call that cannot be read", provider=self.provider, retryable=True
            )
        if self._usage is not None:
            yield _usage(self._usage)
        yield DoneChunk(reason="tool_calls" if self._call_count else _REASONS.get(self._finish_reason, "other"))


def _usage(usage: Mapping[str, Any]) -> UsageChunk:
    """Thoughts are billed as output."""
    return UsageChunk(
        input_tokens=usage.get("promptTokenCount") or 0,
        output_tokens=(usage.get("candidatesTokenCount") or 0) + (usage.get("thoughtsTokenCount") or 0),
        cache_read_tokens=usage.get("cachedContentTokenCount") or 0,
    )


LLM = GoogleLLM
