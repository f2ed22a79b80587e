"""OpenAI, its likenesses, Groq and Cerebras: what each is asked, and what only they answer."""

from __future__ import annotations

import gzip
import json
from typing import Any

import anyio
import pytest
from llm_vendors import ASKED, END_CALL, KEY, answer, calls_of, text_of

from patter_mcp.errors import ProviderStatusError
from patter_mcp.llm.base import DoneChunk, LlmOptions, Message, TextChunk, UsageChunk
from patter_mcp.llm.cerebras import CerebrasLLM
from patter_mcp.llm.groq import GroqLLM
from patter_mcp.llm.openai import OpenAILLM
from patter_mcp.llm.openai_compatible import ChatDecoder, OpenAICompatibleLLM
from patter_mcp.llm.sse import SseEvent
from patter_mcp.testing.llm import Failure, FakeCerebras, FakeGroq, FakeOpenAI, Reply, ScriptedCall

LONG: list[Message] = [{"role": "system", "content": "Be brief. " * 1000}, *ASKED[1:]]


def body_of(model: OpenAICompatibleLLM, options: LlmOptions = LlmOptions()) -> dict[str, Any]:
    return json.loads(model.post(ASKED, [END_CALL], options).body)


def decoded(*events: object) -> list[Any]:
    decoder = ChatDecoder("x")
    chunks = [chunk for event in events for chunk in decoder.feed(SseEvent("", _json(event)))]
    return [*chunks, *decoder.close()]


def _json(event: object) -> str:
    return event if isinstance(event, str) else json.dumps(event)


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def test_openai_itself_is_asked_in_its_newest_words() -> None:
    body = body_of(OpenAILLM(api_key=KEY, model="gpt-4o-mini", temperature=0.4))
    assert body == {
        "model": "gpt-4o-mini",
        "messages": list(ASKED),
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "max_completion_tokens": 300,
        "temperature": 0.4,
        "tools": [{"type": "function", "function": END_CALL}],
    }


@pytest.mark.anyio
@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_a_server_is_found_whether_or_not_its_address_ends_in_the_version(ending: str) -> None:
    async with FakeOpenAI("Hello.") as vendor:
        model = OpenAILLM(api_key=KEY, base_url=vendor.base_url.removesuffix("/v1") + ending)
        await model.warmup()
        for _ in range(2):
            assert text_of(await answer(model)) == "Hello."
        assert len(vendor.completions) == 2
        await model.aclose()


@pytest.mark.anyio
async def test_a_server_that_has_no_such_api_anywhere_answers_404() -> None:
    async with FakeOpenAI(Failure(status=404, code="model_not_found")) as vendor:
        model = OpenAILLM(api_key=KEY, base_url=vendor.base_url.removesuffix("/v1"))
        for _ in range(2):
            with pytest.raises(ProviderStatusError) as caught:
                await answer(model)
            assert caught.value.status == 404
        await model.aclose()


def test_a_server_in_its_likeness_is_asked_in_words_everyone_knows() -> None:
    body = body_of(OpenAILLM(api_key="any", base_url="http://127.0.0.1:1/v1", model="llama3.2"))
    assert body["max_tokens"] == 300
    assert body["stream_options"] == {"include_usage": True}
    assert not {"max_completion_tokens", "temperature", "reasoning_effort"} & body.keys()


@pytest.mark.parametrize(
    ("model", "effort", "limit"),
    [
        ("gpt-6-luna", "none", 300),
        ("gpt-5.4-nano", "none", 300),
        ("gpt-5-mini", "minimal", 1300),
        ("o3", "low", 1300),
        ("gpt-5.3-chat-latest", None, 300),
        ("gpt-4.1-mini", None, 300),
    ],
)
def test_a_reasoning_model_is_told_to_hurry_and_has_room_for_what_it_cannot_help(
    model: str, effort: str | None, limit: int
) -> None:
    body = body_of(OpenAILLM(api_key=KEY, model=model), LlmOptions(temperature=0.4))
    assert body.get("reasoning_effort") == effort
    assert body["max_completion_tokens"] == limit
    assert ("temperature" in body) is (effort is None)


def test_the_users_effort_stands() -> None:
    assert body_of(OpenAILLM(api_key=KEY, model="gpt-6-luna", reasoning_effort="high"))["reasoning_effort"] == "high"


def test_beside_tool_calls_an_empty_text_is_null() -> None:
    history: list[Message] = [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "dial", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "", "tool_call_id": "a"},
    ]
    asked, result = json.loads(OpenAILLM(api_key=KEY).post(history, (), LlmOptions()).body)["messages"]
    assert asked["content"] is None
    assert result["content"] == ""


def test_groq_is_asked_not_to_show_its_thoughts() -> None:
    body = body_of(GroqLLM(api_key=KEY, model="openai/gpt-oss-120b"))
    assert (body["reasoning_effort"], body["include_reasoning"]) == ("low", False)
    assert body["max_completion_tokens"] == 1300
    assert "include_reasoning" not in body_of(GroqLLM(api_key=KEY, model="llama-3.3-70b-versatile"))
    assert body_of(GroqLLM(api_key=KEY, model="qwen/qwen3-32b"))["reasoning_effort"] == "none"


@pytest.mark.anyio
async def test_a_badly_written_call_at_groq_may_be_tried_again() -> None:
    async with FakeGroq(Failure(status=400, code="tool_use_failed")) as server:
        model = GroqLLM(api_key=KEY, base_url=server.base_url)
        with pytest.raises(ProviderStatusError) as caught:
            await answer(model)
        await model.aclose()
    assert caught.value.retryable


@pytest.mark.anyio
@pytest.mark.parametrize("gzip_requests", [True, False])
async def test_cerebras_takes_long_requests_compressed(gzip_requests: bool) -> None:
    async with FakeCerebras("Yes.") as server:
        model = CerebrasLLM(api_key=KEY, base_url=server.base_url, gzip_requests=gzip_requests)
        assert text_of(await answer(model, LONG)) == "Yes."
        await answer(model, ASKED)
        await model.aclose()
    long, short = server.completions
    assert ("content-encoding" in long.headers) is gzip_requests
    assert "content-encoding" not in short.headers
    assert long.json["messages"] == LONG
    assert (len(long.body) < 1000) is gzip_requests


def test_cerebras_compresses_at_home_only_unless_told() -> None:
    at_home = CerebrasLLM(api_key=KEY).post(LONG, (), LlmOptions())
    elsewhere = CerebrasLLM(api_key=KEY, base_url="http://127.0.0.1:1/v1").post(LONG, (), LlmOptions())
    assert gzip.decompress(at_home.body) == elsewhere.body


def test_cerebras_is_asked_to_hide_its_thoughts() -> None:
    body = body_of(CerebrasLLM(api_key=KEY, model="gpt-oss-120b"))
    assert (body["reasoning_effort"], body["reasoning_format"]) == ("low", "hidden")
    assert "reasoning_format" not in body_of(CerebrasLLM(api_key=KEY, model="gemma-4-31b"))


@pytest.mark.anyio
async def test_any_other_server_may_want_no_key() -> None:
    class OpenHouse(FakeOpenAI):
        def key_of(self, request: Any) -> str | None:
            return request.headers.get("authorization", "nobody")

    with anyio.fail_after(5):
        async with OpenHouse("Yes.") as server:
            model = OpenAICompatibleLLM(base_url=server.base_url, model="llama3.2")
            assert text_of(await answer(model)) == "Yes."
            await model.aclose()
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("settings", [{"model": "llama3.2"}, {"base_url": "http://127.0.0.1:1/v1"}, {}])
def test_any_other_server_has_to_be_named_and_so_has_its_model(settings: Any) -> None:
    with pytest.raises(ValueError, match="base_url and a model"):
        OpenAICompatibleLLM(**settings)


@pytest.mark.anyio
async def test_fragments_of_two_calls_may_come_in_turns() -> None:
    calls = (ScriptedCall(name="a", arguments='{"x": "one, two"}'), ScriptedCall(name="b", id="call_2"))
    async with FakeOpenAI(Reply(tool_calls=calls, shuffled=True)) as server:
        model = OpenAILLM(api_key=KEY, base_url=server.base_url)
        assert calls_of(await answer(model, tools=[END_CALL])) == [("a", '{"x": "one, two"}'), ("b", "{}")]
        await model.aclose()


def test_a_stream_without_its_end_mark_is_complete_once_it_said_why_it_ended() -> None:
    assert decoded(delta(content="Hi"), delta("stop")) == [TextChunk(text="Hi"), DoneChunk(reason="stop")]


def test_an_end_mark_without_a_reason_is_an_end() -> None:
    assert decoded(delta(content="Hi"), "[DONE]") == [TextChunk(text="Hi"), DoneChunk(reason="stop")]


def test_a_stop_that_wants_a_tool_is_told_as_such() -> None:
    fragment = {"index": 0, "id": "a", "function": {"name": "dial", "arguments": "{}"}}
    assert decoded(delta(tool_calls=[fragment]), delta("stop"))[-1] == DoneChunk(reason="tool_calls")


def test_usage_without_choices_and_choices_without_delta_do_no_harm() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": None}
    events = {"choices": [], "usage": None}, {"choices": [{"index": 0, "finish_reason": "stop"}]}, {"usage": usage}
    assert decoded(*events) == [UsageChunk(input_tokens=3, output_tokens=2), DoneChunk(reason="stop")]


def test_groqs_own_place_for_usage_is_known() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    assert decoded(delta("stop"), {"choices": [], "x_groq": {"id": "1", "usage": usage}})[0] == UsageChunk(
        input_tokens=3, output_tokens=2
    )


@pytest.mark.parametrize(
    ("pieces", "spoken"),
    [
        (["<think>", "Hm.", "</think>", "\n\nYes."], "Yes."),
        (["\n<th", "ink>Hm.</thi", "nk>Yes", "."], "Yes."),
        (["<think>Hm.</think>Yes."], "Yes."),
        (["<", "3 you"], "<3 you"),
        (["<b>Yes</b> <think>"], "<b>Yes</b> <think>"),
        (["<thin"], "<thin"),
        (["<think>never ending"], ""),
        (["Yes.", "<think>"], "Yes.<think>"),
    ],
)
def test_a_thought_in_the_text_itself_is_not_spoken(pieces: list[str], spoken: str) -> None:
    assert text_of(decoded(*(delta(content=piece) for piece in pieces), delta("stop"))).lstrip() == spoken


@pytest.mark.parametrize(("code", "status"), [(503, 503), ("overloaded", 500), (None, 500)])
def test_an_error_in_the_middle_has_its_code_as_status(code: object, status: int) -> None:
    with pytest.raises(ProviderStatusError) as caught:
        decoded({"error": {"message": "Sorry", "code": code}})
    assert (caught.value.status, caught.value.retryable) == (status, True)


@pytest.mark.anyio
async def test_half_a_surrogate_pair_does_not_reach_the_voice() -> None:
    class Splitting(FakeOpenAI):
        def chunk(self, body: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
            return super().chunk(body, {"content": "\ud83d é"} if delta.get("content") else delta, finish)

    def escaped(data: object) -> bytes:
        return b"data: " + json.dumps(data).encode() + b"\n\n"

    with pytest.MonkeyPatch.context() as patch, anyio.fail_after(5):
        patch.setattr("patter_mcp.testing.llm.openai.event", escaped)
        async with Splitting("x") as server:
            model = OpenAILLM(api_key=KEY, base_url=server.base_url)
            assert text_of(await answer(model)) == "? é"
            await model.aclose()
