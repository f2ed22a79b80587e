"""OpenAI's chat completions as they come over the wire, and how Groq and Cerebras differ."""

from __future__ import annotations

import json
from typing import Any

from patter_mcp.testing.llm.http import Request
from patter_mcp.testing.llm.script import (
    Failure,
    FakeLlmServer,
    Frames,
    Reply,
    ScriptedCall,
    Tokens,
    interleaved,
    json_fragments,
)

_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded", 500: "server_error"}
_REASONING_MODELS = ("gpt-5", "gpt-6", "o1", "o3", "o4")


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


class FakeOpenAI(FakeLlmServer):
    """`POST /v1/chat/completions` with `stream: true`, and `GET /v1/models/{id}`."""

    prefix = "/v1"
    accepts_gzip = False
    whole_tool_calls = False
    reasoning_field = "reasoning_content"

    def key_of(self, request: Request) -> str | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return key if scheme == "Bearer" else None

    def objection(self, request: Request) -> str | None:
        if request.path != f"{self.prefix}/chat/completions":
            return f"unknown path {request.path}"
        if "content-encoding" in request.headers and not self.accepts_gzip:
            return "could not parse the body as JSON"
        body = request.json
        if not body.get("model") or not body.get("messages") or body.get("stream") is not True:
            return "model, messages and stream: true are needed"
        if body.get("tools") == []:
            return "[] is too short - 'tools'"
        return unpaired_tool_message(body["messages"]) or self.unsupported(body)

    def unsupported(self, body: dict[str, Any]) -> str | None:
        """What this vendor does not take, though another would."""
        if not body["model"].startswith(_REASONING_MODELS):
            return None
        if "max_tokens" in body or "temperature" in body:
            return "Unsupported parameter with this model"
        if body["model"].startswith("gpt-6") and body.get("tools") and body.get("reasoning_effort") != "none":
            return "Function tools with reasoning_effort are not supported"
        return None

    def frames(self, reply: Reply, request: Request) -> Frames:
        body = request.json
        deltas: list[dict[str, Any]] = [{"content": piece} for piece in reply.pieces]
        if reply.refusal:
            deltas.append({"refusal": reply.refusal})
        deltas += self._tool_deltas(reply)
        opening: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if reply.reasoning:
            opening.append({self.reasoning_field: reply.reasoning})
        finish = reply.finish or ("tool_calls" if reply.tool_calls else "stop")
        return Frames(
            opening=b"".join(event(self.chunk(body, delta)) for delta in opening),
            beats=[event(self.chunk(body, delta)) for delta in deltas],
            closing=self.closing(body, finish, None if reply.usage == "none" else reply.tokens(request)),
            error=event({"error": {"message": "The server is overloaded", "type": "server_error", "code": 503}}),
        )

    def chunk(self, body: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1763640000,
            "model": body["model"],
            "choices": [choice],
            "usage": None,
        }

    def closing(self, body: dict[str, Any], finish: str, tokens: Tokens | None) -> bytes:
        """The last events: why it ended and, asked for, what was used."""
        end = event(self.chunk(body, {}, finish))
        if tokens is not None and body.get("stream_options", {}).get("include_usage"):
            end += event({**self.chunk(body, {}), "choices": [], "usage": usage_json(tokens)})
        return end + b"data: [DONE]\n\n"

    def _tool_deltas(self, reply: Reply) -> list[dict[str, Any]]:
        calls = [self._fragments(index, call) for index, call in enumerate(reply.tool_calls)]
        return [{"tool_calls": [fragment]} for fragment in interleaved(calls, reply.shuffled)]

    def _fragments(self, index: int, call: ScriptedCall) -> list[dict[str, Any]]:
        pieces = [call.arguments] if self.whole_tool_calls else ["", *json_fragments(call.arguments)]
        first = {
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": pieces[0]},
        }
        return [first, *({"index": index, "function": {"arguments": piece}} for piece in pieces[1:])]

    def error_body(self, failure: Failure) -> bytes:
        code = failure.code or _CODES.get(failure.status)
        kind = "invalid_request_error" if failure.status < 429 else "server_error"
        error = {"message": failure.message, "type": kind, "param": None, "code": code}
        return json.dumps({"error": error}).encode()

    def model_body(self, name: str) -> bytes:
        return json.dumps({"id": name, "object": "model", "created": 1, "owned_by": "fake"}).encode()


class FakeGroq(FakeOpenAI):
    """Tool calls come whole, thought in `reasoning`, usage in `x_groq` as well; unknown fields are refused."""

    prefix = "/openai/v1"
    whole_tool_calls = True
    reasoning_field = "reasoning"

    def unsupported(self, body: dict[str, Any]) -> str | None:
        refused = {"logprobs", "logit_bias", "top_logprobs"} & body.keys()
        if refused or body.get("n", 1) != 1 or any("name" in message for message in body["messages"]):
            return "property is unsupported"
        if body.get("stream_options", {}).keys() - {"include_usage"}:
            return "property 'stream_options' has unknown members"
        return None

    def closing(self, body: dict[str, Any], finish: str, tokens: Tokens | None) -> bytes:
        own = {"id": "req_1"} if tokens is None else {"id": "req_1", "usage": usage_json(tokens)}
        return event({**self.chunk(body, {}, finish), "x_groq": own}) + b"data: [DONE]\n\n"


class FakeCerebras(FakeOpenAI):
    """Takes gzipped bodies; tells usage in the chunk that ends the text; errors have no envelope."""

    accepts_gzip = True
    whole_tool_calls = True
    reasoning_field = "reasoning"

    def unsupported(self, body: dict[str, Any]) -> str | None:
        refused = {"frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier"}
        return "unsupported parameter" if refused & body.keys() else None

    def closing(self, body: dict[str, Any], finish: str, tokens: Tokens | None) -> bytes:
        usage = None if tokens is None else usage_json(tokens)
        return event({**self.chunk(body, {}, finish), "usage": usage}) + b"data: [DONE]\n\n"

    def error_body(self, failure: Failure) -> bytes:
        code = failure.code or {401: "wrong_api_key"}.get(failure.status, "request_failed")
        return json.dumps({"message": failure.message, "type": "error", "param": None, "code": code}).encode()


def usage_json(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.prompt + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read},
    }


def unpaired_tool_message(messages: list[dict[str, Any]]) -> str | None:
    """Each tool call wants exactly one result right behind it, and each result a call before it."""
    waiting: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                return "messages with role 'tool' must follow a message with 'tool_calls'"
            waiting.remove(message["tool_call_id"])
        elif waiting:
            break
        else:
            waiting = {call["id"] for call in message.get("tool_calls", ())}
    return f"tool_call_ids without response messages: {sorted(waiting)}" if waiting else None
