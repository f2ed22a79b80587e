"""The fake vendors, heard by the vendors' own clients: what these understand is the real format."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import anyio
import httpx2
import openai
import pytest

from patter_mcp.testing.llm import (
    Failure,
    FakeAnthropic,
    FakeCerebras,
    FakeGoogle,
    FakeGroq,
    FakeOpenAI,
    Fault,
    Reply,
    Request,
    ScriptedCall,
    Tokens,
)

pytestmark = pytest.mark.anyio

CALL = ScriptedCall(name="end_call", arguments='{"reason": "all is said and done"}')
REPLY = Reply(text="Grüß Gott.", tool_calls=(CALL,), usage=Tokens(prompt=90, output=9, cache_read=40))
ASKED: Any = [{"role": "user", "content": "Hi"}]


@asynccontextmanager
async def openai_client(server: FakeOpenAI) -> AsyncGenerator[Any]:
    with anyio.fail_after(5):
        async with server, openai.AsyncOpenAI(api_key="k", base_url=server.base_url, max_retries=0) as client:
            yield client


@pytest.mark.parametrize("fake", [FakeOpenAI, FakeCerebras])
async def test_openais_client_puts_a_whole_completion_together(fake: type[FakeOpenAI]) -> None:
    async with (
        openai_client(fake(REPLY)) as client,
        client.chat.completions.stream(
            model="gpt-4o-mini", messages=ASKED, stream_options={"include_usage": True}
        ) as stream,
    ):
        completion = await stream.get_final_completion()
    [choice] = completion.choices
    assert choice.message.content == "Grüß Gott."
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].function.arguments == CALL.arguments
    assert completion.usage.prompt_tokens_details.cached_tokens == 40


async def test_groq_tells_usage_in_its_own_place() -> None:
    async with openai_client(FakeGroq(REPLY)) as client:
        stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].x_groq["usage"]["completion_tokens"] == 9


async def test_openais_client_knows_the_errors() -> None:
    async with openai_client(FakeOpenAI(Failure(status=429, headers={"retry-after": "3"}))) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="m", messages=ASKED, stream=True)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "3"


async def test_anthropics_client_puts_a_whole_message_together() -> None:
    with anyio.fail_after(5):
        async with (
            FakeAnthropic(REPLY) as server,
            anthropic.AsyncAnthropic(api_key="k", base_url=server.base_url, max_retries=0) as client,
            client.messages.stream(model="claude-haiku-4-5", max_tokens=99, messages=ASKED) as stream,
        ):
            message = await stream.get_final_message()
    text, tool = message.content
    assert text.type == "text" and text.text == "Grüß Gott."
    assert tool.type == "tool_use" and tool.input == json.loads(CALL.arguments)
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (50, 40)
    assert message.usage.output_tokens == 9


async def test_anthropics_client_knows_the_errors() -> None:
    with anyio.fail_after(5):
        async with (
            FakeAnthropic(Failure(status=529), api_key="k") as server,
            anthropic.AsyncAnthropic(api_key="k", base_url=server.base_url, max_retries=0) as client,
        ):
            with pytest.raises(anthropic.APIStatusError) as caught:
                await client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=ASKED, stream=True)
            with pytest.raises(anthropic.AuthenticationError):
                await client.with_options(api_key="x").models.retrieve("claude-haiku-4-5")
    assert caught.value.status_code == 529


async def test_gemini_ends_its_lines_as_http_does() -> None:
    with anyio.fail_after(5):
        async with FakeGoogle(REPLY) as server, httpx2.AsyncClient() as client:
            response = await client.post(
                f"{server.base_url}/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
                headers={"x-goog-api-key": "k"},
                json={"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
            )
    events = [json.loads(event.removeprefix("data: ")) for event in response.text.split("\r\n\r\n") if event]
    parts = [part for event in events for part in event["candidates"][0]["content"]["parts"]]
    assert "".join(part.get("text", "") for part in parts) == "Grüß Gott."
    assert parts[2]["functionCall"]["args"] == json.loads(CALL.arguments)
    assert events[-1]["usageMetadata"]["totalTokenCount"] == 99


@pytest.mark.parametrize(
    ("body", "objection"),
    [
        ({"tools": []}, "too short"),
        ({"model": "gpt-5-mini", "temperature": 1}, "Unsupported parameter"),
        ({"model": "gpt-6-luna", "tools": [{}]}, "reasoning_effort"),
        ({"messages": [{"role": "tool", "tool_call_id": "a", "content": ""}]}, "must follow"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "without response"),
    ],
)
async def test_openai_refuses_what_it_refuses(body: dict[str, Any], objection: str) -> None:
    async with openai_client(FakeOpenAI()) as client:
        with pytest.raises(openai.BadRequestError, match=objection):
            await client.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                body={"model": "gpt-4o-mini", "messages": ASKED, "stream": True, **body},
            )


async def test_only_cerebras_takes_compressed_requests() -> None:
    body = gzip.compress(json.dumps({"model": "m", "messages": ASKED, "stream": True}).encode())
    headers = {"authorization": "Bearer k", "content-encoding": "gzip"}
    statuses: list[int] = []
    with anyio.fail_after(5):
        for fake in (FakeOpenAI, FakeGroq, FakeCerebras):
            async with fake() as server, httpx2.AsyncClient() as client:
                url = f"{server.base_url}/chat/completions"
                statuses.append((await client.post(url, content=body, headers=headers)).status_code)
    assert statuses == [400, 400, 200]


async def test_a_script_is_followed_and_its_last_entry_stays() -> None:
    def second(request: Request) -> str:
        return f"Two to {request.json['model']}"

    async with openai_client(FakeOpenAI("One", second, Reply(text="Three"))) as client:
        heard: list[str] = []
        for _ in range(4):
            stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
            heard.append("".join([chunk.choices[0].delta.content or "" async for chunk in stream]))
    assert heard == ["One", "Two to m", "Three", "Three"]


async def test_pieces_are_due_at_fixed_instants() -> None:
    reply = Reply(text=[str(n) for n in range(20)], first_token_sec=0.05, token_sec=0.01)
    async with openai_client(server := FakeOpenAI(reply)) as client:
        stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
        arrivals = [anyio.current_time() async for chunk in stream if chunk.choices[0].delta.content]
        started_at = server.completions[0].arrived_at
    early = [number for number, at in enumerate(arrivals) if at < started_at + 0.05 + number * 0.01]
    assert len(arrivals) == 20 and not early


async def test_it_notices_who_leaves_and_who_stays() -> None:
    stalled = Reply(text="One two", fault=Fault(kind="stall"))
    async with openai_client(server := FakeOpenAI("All of it.", stalled)) as client:
        for _ in range(2):
            async with await client.chat.completions.create(model="m", messages=ASKED, stream=True) as stream:
                async for chunk in stream:
                    if chunk.choices[0].delta.content == "One":
                        break
        stayed, left = server.completions
        await left.abandoned.wait()
        assert not stayed.abandoned.is_set()
        assert stayed.connection == left.connection
