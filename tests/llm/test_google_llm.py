"""Google: what it is asked, and what only it answers."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from llm_vendors import ASKED, END_CALL, KEY, answer

from patter_mcp.errors import ProviderProtocolError, ProviderStatusError
from patter_mcp.llm.base import Chunk, DoneChunk, LlmOptions, Message, ToolCallChunk, UsageChunk
from patter_mcp.llm.google import GeminiDecoder, GoogleLLM
from patter_mcp.llm.history import CALL_CONNECTED
from patter_mcp.llm.sse import SseEvent
from patter_mcp.testing.llm import Failure, FakeGoogle, Reply, ScriptedCall
from patter_mcp.testing.llm.google import signature_of

DIAL = ScriptedCall(name="dial", arguments='{"n": 1}', id="a")
HOLD = ScriptedCall(name="hold", id="b")


def body_of(model: GoogleLLM, history: Any = ASKED, options: LlmOptions = LlmOptions()) -> dict[str, Any]:
    return json.loads(model.post(history, [END_CALL], options).body)


def test_a_request_has_geminis_shape() -> None:
    model = GoogleLLM(api_key=KEY, model="gemini-2.5-flash", temperature=0.4)
    assert body_of(model) == {
        "systemInstruction": {"parts": [{"text": ASKED[0]["content"]}]},
        "contents": [
            {"role": "user", "parts": [{"text": CALL_CONNECTED}]},
            {"role": "model", "parts": [{"text": ASKED[1]["content"]}]},
            {"role": "user", "parts": [{"text": ASKED[2]["content"]}]},
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "end_call",
                        "description": "Hangs up.",
                        "parametersJsonSchema": END_CALL["parameters"],
                    }
                ]
            }
        ],
        "generationConfig": {
            "maxOutputTokens": 300,
            "temperature": 0.4,
            "thinkingConfig": {"thinkingBudget": 0},
        },
    }


@pytest.mark.parametrize(
    ("model", "thinking", "limit"),
    [
        ("gemini-2.5-pro", {"thinkingBudget": 128}, 1300),
        ("gemini-3.5-flash-lite", {"thinkingLevel": "minimal"}, 1300),
        ("gemini-3.8-flash", {"thinkingLevel": "low"}, 1300),
        ("gemma-4", None, 1300),
    ],
)
def test_a_model_thinks_as_little_as_it_can(model: str, thinking: dict[str, Any] | None, limit: int) -> None:
    config = body_of(GoogleLLM(api_key=KEY, model=model))["generationConfig"]
    assert config.get("thinkingConfig") == thinking
    assert config["maxOutputTokens"] == limit


def test_it_may_be_left_to_think() -> None:
    config = body_of(GoogleLLM(api_key=KEY, model="gemini-2.5-flash", thinking=True))["generationConfig"]
    assert config == {"maxOutputTokens": 1300}


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_the_key_goes_by_two_names(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv(variable, KEY)
    assert GoogleLLM().provider == "google"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1/v1beta"),
        ("http://127.0.0.1:1/v1/", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/proxy/v1beta", "http://127.0.0.1:1/proxy/v1beta"),
    ],
)
def test_the_api_version_is_added_where_the_address_lacks_one(base_url: str, expected: str) -> None:
    assert GoogleLLM(api_key=KEY, base_url=base_url).base_url == expected


def history_after(chunks: list[Chunk]) -> list[Message]:
    calls = [chunk for chunk in chunks if isinstance(chunk, ToolCallChunk)]
    return [
        *ASKED,
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in calls
            ],
        },
        *({"role": "tool", "content": "ok", "tool_call_id": call.id} for call in calls),
    ]


@pytest.mark.anyio
async def test_signatures_go_back_where_they_came_from() -> None:
    with anyio.fail_after(5):
        async with FakeGoogle(Reply(tool_calls=(DIAL, HOLD)), "Done.") as server:
            model = GoogleLLM(api_key=KEY, base_url=server.base_url, model="gemini-3.5-flash-lite")
            await answer(model, history_after(await answer(model, tools=[END_CALL])), tools=[END_CALL])
            await model.aclose()
    *_, asked, results = server.completions[1].json["contents"]
    assert asked["parts"] == [
        {"functionCall": {"name": "dial", "args": {"n": 1}}, "thoughtSignature": signature_of(DIAL)},
        {"functionCall": {"name": "hold", "args": {}}},
    ]
    assert [part["functionResponse"]["name"] for part in results["parts"]] == ["dial", "hold"]


def calling(*names: str) -> list[Message]:
    calls = [ToolCallChunk(index=n, id=f"other_{n}", name=name, arguments="{}") for n, name in enumerate(names)]
    return history_after(list(calls))


def test_the_first_call_of_another_model_is_marked_as_not_signed() -> None:
    *_, asked, _ = body_of(GoogleLLM(api_key=KEY, model="gemini-3.5-flash-lite"), calling("dial", "hold"))["contents"]
    assert ["thoughtSignature" in part for part in asked["parts"]] == [True, False]
    *_, asked, _ = body_of(GoogleLLM(api_key=KEY, model="gemini-2.5-flash"), calling("dial", "hold"))["contents"]
    assert ["thoughtSignature" in part for part in asked["parts"]] == [False, False]


def test_only_so_many_signatures_are_kept() -> None:
    model = GoogleLLM(api_key=KEY, model="gemini-2.5-flash")
    part = {"functionCall": {"name": "dial"}, "thoughtSignature": "s"}
    event = SseEvent("", json.dumps({"candidates": [{"content": {"parts": [part]}}]}))
    first, *_, last = [chunk for _ in range(1025) for chunk in model.decoder().feed(event)]
    old, new = (body_of(model, history_after([chunk]))["contents"][-2]["parts"][0] for chunk in (first, last))
    assert "thoughtSignature" not in old
    assert new["thoughtSignature"] == "s"


@pytest.mark.parametrize(
    ("content", "response"),
    [('{"free": true}', {"free": True}), ("fully booked", {"result": "fully booked"}), ("[1]", {"result": "[1]"})],
)
def test_results_are_objects_of_their_own_turn(content: str, response: dict[str, Any]) -> None:
    history = calling("dial")
    history[-1]["content"] = content
    contents = body_of(
        GoogleLLM(api_key=KEY, model="gemini-2.5-flash"), [*history, {"role": "user", "content": "Well?"}]
    )["contents"]
    assert contents[-2:] == [
        {"role": "user", "parts": [{"functionResponse": {"name": "dial", "response": response}}]},
        {"role": "user", "parts": [{"text": "Well?"}]},
    ]


def decoded(*events: dict[str, Any]) -> list[Any]:
    decoder = GeminiDecoder(lambda call_id, signature: None)
    chunks = [chunk for event in events for chunk in decoder.feed(SseEvent("", json.dumps(event)))]
    return [*chunks, *decoder.close()]


def candidate(finish: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": finish}]}


def test_thoughts_are_billed_as_output() -> None:
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 20}
    assert decoded({**candidate("STOP"), "usageMetadata": usage})[0] == UsageChunk(input_tokens=9, output_tokens=23)


def test_a_prompt_that_is_blocked_is_a_refusal() -> None:
    assert decoded({"promptFeedback": {"blockReason": "OTHER"}}) == [DoneChunk(reason="refusal")]


def test_a_call_it_could_not_write_may_be_tried_again_before_anything_was_said() -> None:
    with pytest.raises(ProviderProtocolError) as caught:
        decoded(candidate("MALFORMED_FUNCTION_CALL"))
    assert caught.value.retryable
    assert decoded(candidate("MALFORMED_FUNCTION_CALL", {"text": "Hm"}))[-1] == DoneChunk(reason="other")


@pytest.mark.anyio
async def test_the_time_to_come_back_is_found_in_the_body() -> None:
    class Silent(FakeGoogle):
        async def respond(self, request: Any, response: Any) -> None:
            body = self.error_body(Failure(status=429, headers={"retry-after": "17"}))
            await response.send(429, {}, body)

    async with Silent() as server:
        model = GoogleLLM(api_key=KEY, base_url=server.base_url)
        with pytest.raises(ProviderStatusError) as caught:
            await answer(model)
        await model.aclose()
    assert caught.value.retry_after_sec == 17
