"""Anthropic: what it is asked, and what only it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llm_vendors import ASKED, END_CALL, KEY, answer

from patter_mcp.errors import ProviderStatusError
from patter_mcp.llm.anthropic import AnthropicLLM, MessagesDecoder
from patter_mcp.llm.base import DoneChunk, LlmOptions, Message, TextChunk, UsageChunk
from patter_mcp.llm.history import CALL_CONNECTED
from patter_mcp.llm.sse import SseEvent
from patter_mcp.testing.llm import FakeAnthropic, Reply, Tokens

CACHED = {"cache_control": {"type": "ephemeral"}}


def body_of(model: AnthropicLLM, options: LlmOptions = LlmOptions()) -> dict[str, Any]:
    return json.loads(model.post(ASKED, [END_CALL], options).body)


def test_a_request_has_anthropics_shape() -> None:
    assert body_of(AnthropicLLM(api_key=KEY)) == {
        "model": "claude-haiku-4-5-20251001",
        "max_tokens": 300,
        "stream": True,
        "system": [{"type": "text", "text": ASKED[0]["content"], **CACHED}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": CALL_CONNECTED}]},
            {"role": "assistant", "content": [{"type": "text", "text": ASKED[1]["content"]}]},
            {"role": "user", "content": [{"type": "text", "text": ASKED[2]["content"]}]},
        ],
        "tools": [
            {"name": "end_call", "description": "Hangs up.", "input_schema": END_CALL["parameters"]},
        ],
        **CACHED,
    }


def test_caching_can_be_left_out() -> None:
    assert "cache_control" not in json.dumps(body_of(AnthropicLLM(api_key=KEY, prompt_caching=False)))


def test_calls_and_results_become_blocks_and_ids_of_other_vendors_are_made_fit() -> None:
    history: list[Message] = [
        {
            "role": "assistant",
            "content": "One moment.",
            "tool_calls": [{"id": "c+1/=", "type": "function", "function": {"name": "dial", "arguments": '{"n": 1}'}}],
        },
        {"role": "tool", "content": "ok", "tool_call_id": "c+1/="},
        {"role": "user", "content": "Well?"},
    ]
    body = json.loads(AnthropicLLM(api_key=KEY).post(history, (), LlmOptions()).body)
    assert [block for message in body["messages"][1:] for block in message["content"]] == [
        {"type": "text", "text": "One moment."},
        {"type": "tool_use", "id": "c_1__", "name": "dial", "input": {"n": 1}},
        {"type": "tool_result", "tool_use_id": "c_1__", "content": "ok"},
        {"type": "text", "text": "Well?"},
    ]
    assert len(body["messages"]) == 3


def test_a_temperature_needs_an_api_version_that_takes_one() -> None:
    with pytest.raises(ValueError, match="2023-06-01"):
        AnthropicLLM(api_key=KEY, temperature=0.4)
    post = AnthropicLLM(api_key=KEY, temperature=0.4, api_version="2023-06-01").post(ASKED, (), LlmOptions())
    assert json.loads(post.body)["temperature"] == 0.4
    assert post.headers["anthropic-version"] == "2023-06-01"


def test_the_temperature_of_one_request_is_dropped_where_it_is_not_taken() -> None:
    assert "temperature" not in body_of(AnthropicLLM(api_key=KEY), LlmOptions(temperature=0.4))


@pytest.mark.anyio
@pytest.mark.parametrize("api_version", [None, "2023-06-01"])
async def test_the_version_asked_for_is_the_one_sent(api_version: str | None) -> None:
    async with FakeAnthropic("Yes.") as server:
        model = AnthropicLLM(api_key=KEY, base_url=server.base_url, api_version=api_version)
        await answer(model, options=LlmOptions(temperature=0.4))
        await model.aclose()
    assert server.completions[0].headers["anthropic-version"] == (api_version or "2026-10-21")


@pytest.mark.parametrize(
    ("model", "fields", "limit"),
    [
        ("claude-haiku-4-5", {}, 300),
        ("claude-haiku-5-5", {"thinking": {"type": "disabled"}}, 300),
        ("claude-opus-5-5", {"output_config": {"effort": "low"}}, 1300),
    ],
)
def test_a_model_that_thinks_is_kept_from_it_where_it_can_be(model: str, fields: dict[str, Any], limit: int) -> None:
    body = body_of(AnthropicLLM(api_key=KEY, model=model))
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == fields
    assert body["max_tokens"] == limit


@pytest.mark.anyio
async def test_cached_tokens_are_part_of_the_prompt() -> None:
    usage = Tokens(prompt=5_000, output=7, cache_read=4_000, cache_write=600)
    async with FakeAnthropic(Reply(text="Yes.", usage=usage)) as server:
        model = AnthropicLLM(api_key=KEY, base_url=server.base_url)
        heard = (await answer(model))[-2]
        await model.aclose()
    assert heard == UsageChunk(input_tokens=5_000, output_tokens=7, cache_read_tokens=4_000, cache_creation_tokens=600)


def decoded(*events: dict[str, Any]) -> list[Any]:
    decoder = MessagesDecoder()
    chunks = [chunk for event in events for chunk in decoder.feed(SseEvent(event["type"], json.dumps(event)))]
    return [*chunks, *decoder.close()]


END: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}


def test_later_figures_replace_earlier_ones_and_missing_ones_stay() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    late = {**END, "usage": {"input_tokens": None, "output_tokens": 5}}
    assert decoded(start, END, late)[0] == UsageChunk(input_tokens=9, output_tokens=5)


def test_events_and_blocks_unheard_of_are_passed_over() -> None:
    events: list[dict[str, Any]] = [
        {"type": "weather_report"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "hologram_delta"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "Hi"}},
        END,
    ]
    assert decoded(*events) == [TextChunk(text="Hi"), DoneChunk(reason="stop")]


@pytest.mark.parametrize(
    ("kind", "status", "retryable"),
    [("overloaded_error", 529, True), ("invalid_request_error", 400, False), ("brand_new_error", 500, True)],
)
def test_an_error_in_the_middle_has_the_status_it_would_have_had(kind: str, status: int, retryable: bool) -> None:
    with pytest.raises(ProviderStatusError) as caught:
        decoded({"type": "error", "error": {"type": kind, "message": "Sorry"}})
    assert (caught.value.status, caught.value.retryable) == (status, retryable)
