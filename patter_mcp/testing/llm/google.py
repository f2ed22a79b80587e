"""Gemini's `streamGenerateContent` with `alt=sse` over the wire: CRLF, whole function calls, no end mark."""

from __future__ import annotations

import json
from typing import Any

from patter_mcp.testing.llm.http import Request
from patter_mcp.testing.llm.script import Failure, FakeLlmServer, Frames, Reply, ScriptedCall

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\r\n\r\n"


class FakeGoogle(FakeLlmServer):
    """`POST /v1beta/models/{id}:streamGenerateContent?alt=sse` (or `/v1/…`), and `GET /v1beta/models/{id}`."""

    def key_of(self, request: Request) -> str | None:
        return request.headers.get("x-goog-api-key")

    def objection(self, request: Request) -> str | None:
        if not request.path.endswith(":streamGenerateContent") or request.query != "alt=sse":
            return f"unknown path {request.path}"
        contents = request.json.get("contents", [])
        signed = model_of(request).startswith("gemini-3")
        return _wrong_contents(contents) or (_unsigned_call(contents) if signed else None)

    def frames(self, reply: Reply, request: Request) -> Frames:
        model = model_of(request)
        tokens = reply.tokens(request)
        parts = [{"text": piece} for piece in reply.pieces]
        parts += [_call_part(call, number) for number, call in enumerate(reply.tool_calls)]
        end: dict[str, Any] = {"finishReason": reply.finish or "STOP"}
        if reply.usage != "none":
            end["usage"] = {
                "promptTokenCount": tokens.prompt,
                "cachedContentTokenCount": tokens.cache_read,
                "candidatesTokenCount": tokens.output,
                "thoughtsTokenCount": 0,
                "totalTokenCount": tokens.prompt + tokens.output,
            }
        thought = [{"text": reply.reasoning, "thought": True}] if reply.reasoning else []
        return Frames(
            opening=b"".join(event(_chunk(model, [part])) for part in thought),
            beats=[event(_chunk(model, [part])) for part in parts],
            closing=event(_chunk(model, [{"text": ""}], **end)) if not reply.refusal else event(_blocked(model)),
            error=event({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}),
        )

    def error_body(self, failure: Failure) -> bytes:
        status = failure.code or _STATUSES.get(failure.status, "UNKNOWN")
        error: dict[str, Any] = {"code": failure.status, "message": failure.message, "status": status}
        if "retry-after" in failure.headers:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            error["details"] = [{"@type": kind, "retryDelay": f"{failure.headers['retry-after']}s"}]
        return json.dumps({"error": error}).encode()

    def model_body(self, name: str) -> bytes:
        return json.dumps({"name": f"models/{name}", "displayName": name}).encode()


def model_of(request: Request) -> str:
    return request.path.rpartition("/")[2].partition(":")[0]


def _chunk(
    model: str, parts: list[dict[str, Any]], finishReason: str | None = None, usage: dict[str, int] | None = None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finishReason is not None:
        candidate["finishReason"] = finishReason
    told = {} if usage is None else {"usageMetadata": usage}
    return {"candidates": [candidate], **told, "modelVersion": model, "responseId": "r1"}


def _blocked(model: str) -> dict[str, Any]:
    """A prompt the vendor will not answer has no candidates at all."""
    return {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": model, "responseId": "r1"}


def _call_part(call: ScriptedCall, number: int) -> dict[str, Any]:
    """Of several calls in one answer, the first alone is signed."""
    part: dict[str, Any] = {"functionCall": {"name": call.name, "args": json.loads(call.arguments)}}
    return part if number else {**part, "thoughtSignature": signature_of(call)}


def signature_of(call: ScriptedCall) -> str:
    """The signature a call of that id comes with, to be echoed."""
    return f"c2lnbmVk/{call.id}=="


def _wrong_contents(contents: list[dict[str, Any]]) -> str | None:
    if not contents or contents[-1]["role"] != "user":
        return "Please ensure that the request ends with a user turn or a function response."
    waiting: list[str] = []
    for content in contents:
        parts = content["parts"]
        answered = [part["functionResponse"]["name"] for part in parts if "functionResponse" in part]
        if answered != waiting:
            return "Please ensure that each function call turn is followed by its function responses."
        if content["role"] not in ("user", "model") or not parts:
            return "Please use a valid role: user, model."
        waiting = [part["functionCall"]["name"] for part in parts if "functionCall" in part]
    return None


def _unsigned_call(contents: list[dict[str, Any]]) -> str | None:
    for content in contents:
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in first:
            return "Function call is missing a thought_signature in functionCall parts."
    return None
