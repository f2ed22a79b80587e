"""What every vendor's adapter must do, each against its fake."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import anyio
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from llm_vendors import (
    ASKED,
    END_CALL,
    KEY,
    VENDORS,
    Vendor,
    answer,
    calls_of,
    text_of,
    until_error,
)

from patter_mcp.errors import (
    ProviderConnectionError,
    ProviderError,
    ProviderProtocolError,
    ProviderStatusError,
    ProviderTimeout,
)
from patter_mcp.llm.base import Chunk, DoneChunk, LlmOptions, Message, TextChunk, UsageChunk
from patter_mcp.llm.history import mended
from patter_mcp.llm.http import Timeouts
from patter_mcp.llm.vendor import VendorLLM
from patter_mcp.testing.llm import Failure, FakeLlmServer, Fault, Reply, Request, ScriptedCall, Tokens

pytestmark = pytest.mark.anyio

ODD_TEXT = "Grüß Gott, ça va? 電話 👩🏽‍🚀 “ok”\u2028end"


@asynccontextmanager
async def ready(
    vendor: Vendor, *script: Any, timeouts: Timeouts | None = None, **settings: Any
) -> AsyncGenerator[tuple[FakeLlmServer, VendorLLM]]:
    """The fake and an adapter for it; the test has five seconds."""
    with anyio.fail_after(5):
        async with vendor.fake(*script) as server:
            model = vendor.model(server, timeouts=timeouts, **settings)
            try:
                yield server, model
            finally:
                await model.aclose()


async def failure_of(model: VendorLLM, heard: list[Chunk] | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await until_error(model.stream(ASKED), heard if heard is not None else [])
    assert caught.value.provider == model.provider
    return caught.value


async def test_text_comes_in_pieces_and_its_end_last(vendor: Vendor) -> None:
    async with ready(vendor, "It is about Tuesday.") as (_, model):
        *text, usage, done = await answer(model)
    assert text == [TextChunk(text=piece) for piece in ("It", " is", " about", " Tuesday.")]
    assert isinstance(usage, UsageChunk)
    assert done == DoneChunk(reason="stop")


async def test_the_first_piece_is_given_before_the_second_has_come(vendor: Vendor) -> None:
    reply = Reply(text="One two", fault=Fault(kind="stall", after=1))
    async with ready(vendor, reply) as (_, model), aclosing(model.stream(ASKED)) as chunks:
        assert await anext(chunks) == TextChunk(text="One")


async def test_text_cut_anywhere_even_inside_a_character_arrives_whole(vendor: Vendor) -> None:
    async with ready(vendor, Reply(text=ODD_TEXT, write_bytes=1)) as (_, model):
        assert text_of(await answer(model)) == ODD_TEXT


async def test_thoughts_are_never_spoken(vendor: Vendor) -> None:
    async with ready(vendor, Reply(reasoning="They want an appointment.", text="Yes.")) as (_, model):
        assert text_of(await answer(model)) == "Yes."


async def test_a_tool_call_follows_the_text_before_it(vendor: Vendor) -> None:
    call = ScriptedCall(name="end_call", arguments='{"reason": "all is said and done"}')
    async with ready(vendor, Reply(text="Goodbye!", tool_calls=(call,))) as (_, model):
        chunks = await answer(model, tools=[END_CALL])
    assert chunks[0] == TextChunk(text="Goodbye!")
    [(name, arguments)] = calls_of(chunks)
    assert (name, json.loads(arguments)) == ("end_call", {"reason": "all is said and done"})
    assert chunks[-1] == DoneChunk(reason="tool_calls")


async def test_several_tool_calls_keep_their_arguments_apart(vendor: Vendor) -> None:
    calls = [ScriptedCall(name=f"look_up_{n}", id=f"call_{n}", arguments=f'{{"number": "{n * 1111}"}}') for n in (1, 2)]
    async with ready(vendor, Reply(tool_calls=calls)) as (_, model):
        heard = [(name, json.loads(arguments)) for name, arguments in calls_of(await answer(model, tools=[END_CALL]))]
    assert heard == [("look_up_1", {"number": "1111"}), ("look_up_2", {"number": "2222"})]


async def test_a_tool_call_without_arguments_has_an_empty_object(vendor: Vendor) -> None:
    async with ready(vendor, Reply(tool_calls=(ScriptedCall(name="end_call"),))) as (_, model):
        assert calls_of(await answer(model, tools=[END_CALL])) == [("end_call", "{}")]


async def test_usage_counts_the_whole_prompt_and_tells_the_cached_part(vendor: Vendor) -> None:
    reply = Reply(text="Yes.", usage=Tokens(prompt=900, output=12, cache_read=700))
    async with ready(vendor, reply) as (_, model):
        assert (await answer(model))[-2] == UsageChunk(input_tokens=900, output_tokens=12, cache_read_tokens=700)


async def test_usage_that_is_not_told_is_not_made_up(vendor: Vendor) -> None:
    async with ready(vendor, Reply(text="Yes.", usage="none")) as (_, model):
        chunks = await answer(model)
    assert chunks == [TextChunk(text="Yes."), DoneChunk(reason="stop")]


@pytest.mark.parametrize("reason", ["length", "refusal", "other"])
async def test_why_an_answer_ended_is_told_in_one_language(vendor: Vendor, reason: Any) -> None:
    async with ready(vendor, Reply(text="I", finish=vendor.words[reason])) as (_, model):
        assert (await answer(model))[-1] == DoneChunk(reason=reason)


async def test_a_refusal_is_the_reason_it_ended(vendor: Vendor) -> None:
    async with ready(vendor, Reply(refusal="I can't help with that.")) as (_, model):
        chunks = await answer(model)
    assert text_of(chunks) in ("I can't help with that.", "")
    assert chunks[-1] == DoneChunk(reason="refusal")


async def test_closing_the_stream_closes_the_connection(vendor: Vendor) -> None:
    reply = Reply(text="One two", fault=Fault(kind="stall", after=1))
    async with ready(vendor, reply) as (server, model), garbage_left_lying():
        async with aclosing(model.stream(ASKED)) as chunks:
            await anext(chunks)
        await server.completions[0].abandoned.wait()


async def test_cancelling_a_task_that_is_busy_with_a_chunk_closes_the_connection(vendor: Vendor) -> None:
    async def speak() -> None:
        async with aclosing(model.stream(ASKED)) as chunks:
            await anext(chunks)
            speaking.set()
            await anyio.sleep_forever()

    speaking = anyio.Event()
    reply = Reply(text="One two", fault=Fault(kind="stall", after=1))
    async with ready(vendor, reply) as (server, model), garbage_left_lying():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak)
            await speaking.wait()
            tasks.cancel_scope.cancel()
        await server.completions[0].abandoned.wait()


@asynccontextmanager
async def garbage_left_lying() -> AsyncGenerator[None]:
    """Keeps the event loop from closing generators that were merely dropped."""
    dropped: list[AsyncGenerator[object]] = []
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=hooks.firstiter, finalizer=dropped.append)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(*hooks)
        for generator in dropped:
            await generator.aclose()


@pytest.mark.parametrize("pieces", [0, 1])
async def test_cancelling_the_task_closes_the_connection(vendor: Vendor, pieces: int) -> None:
    async with ready(vendor, Reply(text="One two", fault=Fault(kind="stall", after=pieces))) as (server, model):
        heard: list[Chunk] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(until_error, model.stream(ASKED), heard)
            while len(heard) < pieces or not server.completions:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await server.completions[0].abandoned.wait()


async def test_warming_up_and_every_turn_share_one_connection(vendor: Vendor) -> None:
    async with ready(vendor, "Yes.", Reply(tool_calls=(ScriptedCall(name="end_call"),)), "No.") as (server, model):
        await model.warmup()
        for _ in range(3):
            await answer(model, tools=[END_CALL])
        assert server.connections_opened == 1


async def test_every_request_says_who_asks_and_how(vendor: Vendor) -> None:
    async with ready(vendor, "Yes.") as (server, model):
        for _ in range(3):
            await answer(model)
        first, *others = ({**request.headers, "content-length": ""} for request in server.completions)
        assert server.key_of(server.completions[0]) == KEY
        assert all(other == first for other in others)


async def test_a_connection_outlives_a_long_pause(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    later = _ShiftedTime()
    monkeypatch.setattr("patter_mcp.llm.direct.time", later)
    async with ready(vendor, "Yes.") as (server, model):
        await model.warmup()
        later.shift_sec = 240
        await answer(model)
        assert server.connections_opened == 1


async def test_a_connection_that_others_may_have_forgotten_is_not_used(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = _ShiftedTime()
    monkeypatch.setattr("patter_mcp.llm.direct.time", later)
    async with ready(vendor, "Yes.") as (server, model):
        await model.warmup()
        later.shift_sec = 360
        await answer(model)
        assert server.connections_opened == 2


class _ShiftedTime:
    shift_sec = 0.0

    def monotonic(self) -> float:
        return anyio.current_time() + self.shift_sec


async def test_a_connection_that_broke_before_any_answer_is_made_anew(vendor: Vendor) -> None:
    lost = Reply(text="Lost.", fault=Fault(kind="cut", after=0))
    async with ready(vendor, lost, "Found.") as (server, model):
        assert text_of(await answer(model)) == "Found."
        assert len(server.completions) == 2


async def test_a_second_break_is_an_error(vendor: Vendor) -> None:
    async with ready(vendor, Reply(text="Lost.", fault=Fault(kind="cut", after=0))) as (server, model):
        error = await failure_of(model)
        assert isinstance(error, ProviderConnectionError) and error.retryable
        assert len(server.completions) == 2


async def test_many_calls_at_once_get_each_their_own_answer(vendor: Vendor) -> None:
    def echo(request: Request) -> str:
        return "".join(word for word in request.content.decode().split("§") if word.isdecimal())

    heard: dict[int, str] = {}

    async def ask(number: int) -> None:
        heard[number] = text_of(await answer(model, [{"role": "user", "content": f"§{number}§"}]))

    async with ready(vendor, echo) as (_, model), anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(ask, number)
    assert heard == {number: str(number) for number in range(20)}


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (401, False), (404, False), (429, True), (500, True), (503, True)]
)
async def test_an_error_status_is_passed_on_at_once(vendor: Vendor, status: int, retryable: bool) -> None:
    async with ready(vendor, Failure(status=status, message="because")) as (server, model):
        error = await failure_of(model)
        assert len(server.completions) == 1
    assert isinstance(error, ProviderStatusError)
    assert (error.status, error.retryable, error.retry_after_sec) == (status, retryable, None)
    assert error.message == f"{vendor.name} answered {status}: because"


async def test_a_rate_limit_says_when_to_come_back(vendor: Vendor) -> None:
    async with ready(vendor, Failure(status=429, headers={"retry-after": "7"})) as (_, model):
        error = await failure_of(model)
    assert isinstance(error, ProviderStatusError) and error.retryable
    assert error.retry_after_sec == 7


async def test_an_error_page_is_not_quoted(vendor: Vendor) -> None:
    def gateway(*script: Any) -> FakeLlmServer:
        server = vendor.fake(*script)
        server.error_body = lambda failure: b"<html>Bad gateway</html>"
        return server

    async with ready(replace(vendor, fake=gateway), Failure(status=502)) as (_, model):
        error = await failure_of(model)
    assert error.message == f"{vendor.name} answered 502"


async def test_a_cut_in_the_middle_comes_after_what_was_said(vendor: Vendor) -> None:
    heard: list[Chunk] = []
    async with ready(vendor, Reply(text="One two three", fault=Fault(kind="cut", after=2))) as (_, model):
        error = await failure_of(model, heard)
    assert text_of(heard) == "One two"
    assert isinstance(error, ProviderConnectionError) and error.retryable


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("truncate", ProviderConnectionError),
        ("garbage", ProviderProtocolError),
        ("half-character", ProviderProtocolError),
        ("error", ProviderStatusError),
    ],
)
async def test_a_stream_that_goes_wrong_is_an_error_of_ours(
    vendor: Vendor, kind: Any, expected: type[ProviderError]
) -> None:
    heard: list[Chunk] = []
    async with ready(vendor, Reply(text="One two three", fault=Fault(kind=kind, after=2))) as (_, model):
        error = await failure_of(model, heard)
    assert text_of(heard) == "One two"
    assert type(error) is expected and error.retryable
    assert "Traceback" not in error.message and "Error(" not in error.message


@pytest.mark.parametrize("pieces", [0, 1])
async def test_silence_is_not_waited_out(vendor: Vendor, pieces: int) -> None:
    timeouts = Timeouts(first_token_sec=0.3, stall_sec=0.05)
    heard: list[Chunk] = []
    reply = Reply(text="One two", fault=Fault(kind="stall", after=pieces))
    async with ready(vendor, reply, timeouts=timeouts) as (server, model):
        await model.warmup()
        error = await failure_of(model, heard)
        await server.completions[0].abandoned.wait()
    assert len(heard) == pieces
    assert isinstance(error, ProviderTimeout) and error.retryable


async def test_a_slow_answer_that_keeps_coming_is_heard_to_its_end() -> None:
    timeouts = Timeouts(first_token_sec=1.0, stall_sec=0.8)
    reply = Reply(text="one two three four five six seven", token_sec=0.2)
    async with ready(VENDORS[-1], reply, timeouts=timeouts) as (_, model):
        await model.warmup()
        assert text_of(await answer(model)) == reply.text


async def test_nobody_at_the_address_is_an_error_of_ours(vendor: Vendor) -> None:
    async with vendor.fake() as server:
        model = vendor.model(server)
    error = await failure_of(model)
    await model.aclose()
    assert isinstance(error, ProviderConnectionError) and error.retryable


async def test_warming_up_asks_for_no_words(vendor: Vendor) -> None:
    async with ready(vendor) as (server, model):
        await model.warmup()
        assert [request.method for request in server.requests] == ["GET"]


async def test_warming_up_tells_of_a_wrong_key(vendor: Vendor) -> None:
    with anyio.fail_after(5):
        async with vendor.fake(api_key="another") as server:
            model = vendor.model(server)
            with pytest.raises(ProviderStatusError) as caught:
                await model.warmup()
            await model.aclose()
    assert caught.value.status == 401


async def test_a_proxy_is_not_asked_for_a_server_on_this_machine(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with ready(vendor, "Yes.") as (_, model):
        assert text_of(await answer(model)) == "Yes."


@pytest.mark.parametrize("proxy", ["carrier-pigeon://127.0.0.1:9", "socks5://127.0.0.1:nine"])
async def test_a_proxy_that_cannot_be_used_is_an_error_of_ours(
    vendor: Vendor, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    model = vendor.adapter(api_key=KEY, base_url="https://vendor.invalid/v1")
    error = await failure_of(model)
    assert isinstance(error, ProviderConnectionError) and not error.retryable


async def test_it_can_be_used_again_after_it_was_closed(vendor: Vendor) -> None:
    async with ready(vendor, "Yes.") as (server, model):
        await answer(model)
        await model.aclose()
        while server.connections_open:
            await anyio.lowlevel.checkpoint()
        assert text_of(await answer(model)) == "Yes."


async def test_what_an_answer_may_have_is_the_requests_business_first(vendor: Vendor) -> None:
    async with ready(vendor, max_output_tokens=120) as (server, model):
        await answer(model)
        await answer(model, options=LlmOptions(max_output_tokens=40))
        first, second = (_limit(request) for request in server.completions)
    assert first - second == 80


def _limit(request: Request) -> int:
    fields = {**request.json, **request.json.get("generationConfig", {})}
    return next(fields[name] for name in ("max_tokens", "max_completion_tokens", "maxOutputTokens") if name in fields)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # nobody can close what belongs to a loop that is gone
@pytest.mark.parametrize("anyio_backend", [None])
def test_one_adapter_serves_one_event_loop_after_another(vendor: Vendor, anyio_backend: None) -> None:
    model = vendor.adapter(api_key=KEY, base_url="http://127.0.0.1:1")

    async def ask(last: bool) -> str:
        async with vendor.fake("Yes.") as server:
            model.base_url = vendor.model(server).base_url
            heard = text_of(await answer(model))
            if last:
                await model.aclose()
            return heard

    assert [anyio.run(ask, False), anyio.run(ask, True)] == ["Yes.", "Yes."]


def test_without_a_key_it_says_which_variable_is_missing(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (vendor.adapter.key_variable, "GEMINI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ValueError, match=f"{vendor.name.upper()}_API_KEY"):
        vendor.adapter()


def test_key_and_address_come_from_the_environment(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{vendor.name.upper()}_API_KEY", KEY)
    monkeypatch.setenv(f"{vendor.name.upper()}_BASE_URL", "http://127.0.0.1:1/api/")
    assert vendor.adapter().base_url.startswith("http://127.0.0.1:1/api")
    assert vendor.adapter(base_url="http://127.0.0.1:2/api").base_url.startswith("http://127.0.0.1:2/api")


def test_the_key_is_not_shown(vendor: Vendor) -> None:
    assert KEY not in repr(vendor.adapter(api_key=KEY))


def test_the_module_calls_its_class_llm_as_well(vendor: Vendor) -> None:
    module = __import__(vendor.adapter.__module__, fromlist=["LLM"])
    assert module.LLM is vendor.adapter


_contents = st.sampled_from(["", " ", "Yes.", "{}", '{"a": 1}', "[1]"])
_ids = st.sampled_from(["1", "2", "3+/="])


@st.composite
def _messages(draw: st.DrawFn) -> Message:
    role = draw(st.sampled_from(["system", "user", "assistant", "assistant", "tool", "tool"]))
    message: dict[str, Any] = {"role": role, "content": draw(_contents)}
    if role == "tool":
        message["tool_call_id"] = draw(_ids)
    elif role == "assistant" and draw(st.booleans()):
        ids = draw(st.lists(_ids, min_size=1, max_size=2, unique=True))
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": f"tool_{id_}", "arguments": "{}"}} for id_ in ids
        ]
    return cast(Message, message)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("model", [None, "gemini-3.5-flash-lite", "gpt-6-luna"])
@settings(max_examples=60, deadline=None)
@given(st.lists(_messages(), max_size=8))
def test_no_history_makes_a_request_the_vendor_would_refuse(
    vendor: Vendor, model: str | None, history: list[Message]
) -> None:
    messages = mended(history)
    assume(messages)
    fake = vendor.fake()
    adapter = vendor.adapter(api_key=KEY, base_url=f"http://127.0.0.1:1{fake.prefix}", model=model)
    post = adapter.post(messages, [END_CALL], LlmOptions(temperature=0.3))
    path, _, query = (adapter.base_url + post.path).removeprefix("http://127.0.0.1:1").partition("?")
    request = Request(
        method="POST",
        path=path,
        query=query,
        headers={"anthropic-version": "2026-10-21", **post.headers},
        body=post.body,
        connection=1,
        arrived_at=0,
    )
    assert fake.objection(request) is None
