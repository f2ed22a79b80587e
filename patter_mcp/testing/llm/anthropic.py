"""Anthropic's Messages API as it comes over the wire, API versions 2023-06-01 and 2026-10-21."""

from __future__ import annotations

import json
from typing import Any

from patter_mcp.testing.llm.http import Request
from patter_mcp.testing.llm.script import Failure, FakeLlmServer, Frames, Reply, ScriptedCall, json_fragments

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_SAMPLING = {"temperature", "top_p", "top_k"}


def event(data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {data['type']}\ndata: {text}\n\n".encode()


class FakeAnthropic(FakeLlmServer):
    """`POST /v1/messages` with `stream: true`, and `GET /v1/models/{id}`."""

    def key_of(self, request: Request) -> str | None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return request.headers.get("x-api-key") or bearer or None

    def objection(self, request: Request) -> str | None:
        if request.path != "/v1/messages":
            return f"unknown path {request.path}"
        body = request.json
        if not body.get("model") or not body.get("max_tokens") or body.get("stream") is not True:
            return "model, max_tokens and stream: true are needed"
        if request.headers.get("anthropic-version", "") >= "2026-10-21" and _SAMPLING & body.keys():
            return "temperature: Extra inputs are not permitted"
        return _wrong_messages(body.get("messages", []))

    def frames(self, reply: Reply, request: Request) -> Frames:
        blocks = _Blocks()
        tokens = reply.tokens(request)
        start = {
            "input_tokens": tokens.prompt - tokens.cache_read - tokens.cache_write,
            "cache_creation_input_tokens": tokens.cache_write,
            "cache_read_input_tokens": tokens.cache_read,
            "output_tokens": 1,
        }
        opening = event(_message_start(request.json["model"], {} if reply.usage == "none" else start))
        opening += event({"type": "ping"})
        if reply.reasoning:
            opening += blocks.whole({"type": "thinking", "thinking": ""}, _thinking(reply.reasoning))
        beats = blocks.text(reply.pieces + ([reply.refusal] if reply.refusal else []))
        for call in reply.tool_calls:
            beats += blocks.tool(call)
        reason = reply.finish or _stop_reason(reply)
        usage = {} if reply.usage == "none" else {"output_tokens": tokens.output}
        end: dict[str, Any] = {"stop_reason": reason, "stop_sequence": None}
        return Frames(
            opening=opening,
            beats=beats,
            closing=event({"type": "message_delta", "delta": end, "usage": usage}) + event({"type": "message_stop"}),
            error=event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        )

    def error_body(self, failure: Failure) -> bytes:
        kind = failure.code or _KINDS.get(failure.status, "api_error")
        return json.dumps({"type": "error", "error": {"type": kind, "message": failure.message}}).encode()

    def model_body(self, name: str) -> bytes:
        return json.dumps({"type": "model", "id": name, "display_name": name}).encode()


class _Blocks:
    """Content blocks, numbered as they come; a block's first beat opens it and its last one closes it."""

    def __init__(self) -> None:
        self._count = 0

    def beats(self, start: dict[str, Any], deltas: list[dict[str, Any]]) -> list[bytes]:
        if not deltas:
            return []
        index = self._count
        self._count += 1
        beats = [event({"type": "content_block_delta", "index": index, "delta": delta}) for delta in deltas]
        beats[0] = event({"type": "content_block_start", "index": index, "content_block": start}) + beats[0]
        beats[-1] += event({"type": "content_block_stop", "index": index})
        return beats

    def whole(self, start: dict[str, Any], deltas: list[dict[str, Any]]) -> bytes:
        return b"".join(self.beats(start, deltas))

    def text(self, pieces: list[str]) -> list[bytes]:
        return self.beats({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces])

    def tool(self, call: ScriptedCall) -> list[bytes]:
        start: dict[str, Any] = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        pieces = ["", *json_fragments("" if call.arguments == "{}" else call.arguments)]
        return self.beats(start, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces])


def _message_start(model: str, usage: dict[str, int]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    return {"type": "message_start", "message": message}


def _thinking(text: str) -> list[dict[str, Any]]:
    return [{"type": "thinking_delta", "thinking": text}, {"type": "signature_delta", "signature": "c2ln"}]


def _stop_reason(reply: Reply) -> str:
    if reply.refusal:
        return "refusal"
    return "tool_use" if reply.tool_calls else "end_turn"


def _wrong_messages(messages: list[dict[str, Any]]) -> str | None:
    if not messages or messages[0]["role"] != "user":
        return "messages: first message must use the user role"
    if messages[-1]["role"] != "user":
        return "This model does not support assistant message prefill"
    waiting: set[str] = set()
    for message in messages:
        content = message["content"]
        blocks: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not blocks or any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            return "messages: text content blocks must be non-empty"
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(answered) != sorted(waiting) or any(b["type"] == "tool_result" for b in blocks[len(answered) :]):
            return "messages: `tool_use` ids need their `tool_result` blocks at the start of the next message"
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return None
