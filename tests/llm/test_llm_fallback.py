"""Several models as one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import anyio
import pytest
from llm_vendors import ASKED, KEY, answer, text_of, until_error

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderStatusError, overcome
from patter_mcp.llm.base import Chunk, DoneChunk, LanguageModel, LlmOptions, Message, TextChunk, ToolSpec, served_by
from patter_mcp.llm.fallback import FallbackLLM
from patter_mcp.llm.openai import OpenAILLM
from patter_mcp.testing.llm import FakeOpenAI, Fault, Reply

pytestmark = pytest.mark.anyio

DOWN = ProviderStatusError("down", provider="first", status=503, retryable=True)


class Scripted:
    """A model that says its words, and then fails if it is to."""

    def __init__(self, provider: str, *words: str, error: ProviderError | None = None, silent: bool = False) -> None:
        self.provider = provider
        self.model = "m"
        self.words = words
        self.error = error
        self.silent = silent
        self.asked = 0
        self.closed = 0

    async def warmup(self) -> None:
        if self.error is not None:
            raise self.error

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: LlmOptions = LlmOptions()
    ) -> AsyncGenerator[Chunk]:
        self.asked += 1
        try:
            if self.silent:
                await anyio.sleep_forever()
            for word in self.words:
                yield TextChunk(text=word)
            if self.error is not None:
                raise self.error
            yield DoneChunk()
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        self.closed = -1


class Clock:
    now_sec = 100.0

    def __call__(self) -> float:
        return self.now_sec


async def served(model: FallbackLLM) -> tuple[str, LanguageModel]:
    with anyio.fail_after(5):
        async with aclosing(model.stream(ASKED)) as chunks:
            heard = [chunk async for chunk in chunks]
            return text_of(heard), served_by(chunks, model)


async def test_the_first_model_serves_while_it_can() -> None:
    first, second = Scripted("first", "Yes"), Scripted("second", "No")
    assert await served(FallbackLLM(first, second)) == ("Yes", first)
    assert second.asked == 0


async def test_the_next_one_serves_when_the_first_fails_before_a_word() -> None:
    first, second = Scripted("first", error=DOWN), Scripted("second", "Yes")
    assert await served(FallbackLLM(first, second)) == ("Yes", second)


async def test_a_failure_that_was_got_over_is_told() -> None:
    model = FallbackLLM(Scripted("first", error=DOWN), Scripted("second", "Yes"))
    async with aclosing(model.stream(ASKED)) as chunks:
        async for _ in chunks:
            continue
        assert overcome(chunks) == [DOWN]


async def test_a_model_passed_over_is_told_with_the_reason_and_as_one_and_the_same() -> None:
    model = FallbackLLM(Scripted("first", error=DOWN), Scripted("second", "Yes"))
    told: list[ProviderError] = []
    for _ in range(2):
        await model.warmup()
        async with aclosing(model.stream(ASKED)) as chunks:
            async for _ in chunks:
                continue
            told += overcome(chunks)
    assert [(error.code, error.provider, error.message) for error in told[:1]] == [
        ("passed-over", "first", "m was passed over: down")
    ]
    assert len(told) == 2 and told[0] is told[1]


async def test_the_next_one_serves_when_the_first_keeps_silent() -> None:
    first, second = Scripted("first", silent=True), Scripted("second", "Yes")
    assert await served(FallbackLLM(first, second, first_token_sec=0.01)) == ("Yes", second)
    assert first.closed == 1


async def test_the_last_one_may_take_its_time() -> None:
    class Slow(Scripted):
        async def stream(
            self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: LlmOptions = LlmOptions()
        ) -> AsyncGenerator[Chunk]:
            await anyio.sleep(0.05)
            yield TextChunk(text="At last")

    slow = Slow("second")
    assert await served(FallbackLLM(Scripted("first", error=DOWN), slow, first_token_sec=0.01)) == ("At last", slow)


async def test_a_failure_after_a_word_is_not_papered_over() -> None:
    first, second = Scripted("first", "Half a", error=DOWN), Scripted("second", "Yes")
    heard: list[Chunk] = []
    with pytest.raises(ProviderStatusError):
        await until_error(FallbackLLM(first, second).stream(ASKED), heard)
    assert text_of(heard) == "Half a"
    assert second.asked == 0


async def test_when_all_fail_the_last_error_stands() -> None:
    lost = ProviderConnectionError("lost", provider="second", retryable=True)
    model = FallbackLLM(Scripted("first", error=DOWN), Scripted("second", error=lost))
    with pytest.raises(ProviderConnectionError):
        await answer(model)


@pytest.mark.parametrize("words", [(), ("Half a",)])
async def test_a_sick_model_is_asked_last_until_it_may_be_well_again(words: Sequence[str]) -> None:
    clock = Clock()
    first, second = Scripted("first", *words, error=DOWN), Scripted("second", "Yes")
    model = FallbackLLM(first, second, sick_sec=30, clock=clock)
    await until_error_or_end(model)
    first.words, first.error = ("Well again",), None
    assert await served(model) == ("Yes", second)
    clock.now_sec += 30
    assert await served(model) == ("Well again", first)


async def until_error_or_end(model: FallbackLLM) -> None:
    try:
        await answer(model)
    except ProviderError:
        return


async def test_a_vendor_that_says_when_to_come_back_is_believed() -> None:
    clock = Clock()
    busy = ProviderStatusError("busy", provider="first", status=429, retryable=True, retry_after_sec=60)
    first, second = Scripted("first", error=busy), Scripted("second", "Yes")
    model = FallbackLLM(first, second, sick_sec=30, clock=clock)
    await served(model)
    clock.now_sec += 59
    await served(model)
    assert (first.asked, second.asked) == (1, 2)


async def test_where_all_are_sick_the_first_is_asked_first() -> None:
    first, second = Scripted("first", error=DOWN), Scripted("second", error=DOWN)
    model = FallbackLLM(first, second, clock=Clock())
    await until_error_or_end(model)
    first.words, first.error = ("Yes",), None
    assert await served(model) == ("Yes", first)


async def test_warming_up_finds_the_sick_before_anyone_waits_for_them() -> None:
    first, second = Scripted("first", error=DOWN), Scripted("second", "Yes")
    model = FallbackLLM(first, second)
    await model.warmup()
    assert await served(model) == ("Yes", second)
    assert first.asked == 0


async def test_warming_up_fails_when_nobody_can_be_reached() -> None:
    with pytest.raises(ProviderStatusError):
        await FallbackLLM(Scripted("first", error=DOWN), Scripted("second", error=DOWN)).warmup()


async def test_leaving_the_stream_leaves_the_model() -> None:
    first = Scripted("first", "One", "two")
    async with aclosing(FallbackLLM(first).stream(ASKED)) as chunks:
        await anext(chunks)
    assert first.closed == 1


async def test_one_within_another_tells_who_served_in_the_end() -> None:
    inner = Scripted("third", "Yes")
    model = FallbackLLM(Scripted("first", error=DOWN), FallbackLLM(Scripted("second", error=DOWN), inner))
    assert await served(model) == ("Yes", inner)


async def test_it_goes_by_the_first_ones_name_and_closes_them_all() -> None:
    first, second = Scripted("first"), Scripted("second")
    model = FallbackLLM(first, second)
    assert (model.provider, model.model) == ("first", "m")
    await model.aclose()
    assert first.closed == second.closed == -1


async def test_a_model_that_is_not_a_fallback_serves_itself() -> None:
    first = Scripted("first", "Yes")
    async with aclosing(first.stream(ASKED)) as chunks:
        assert served_by(chunks, first) is first


async def test_a_real_stream_that_stalls_is_left_for_the_next() -> None:
    stalled = Reply(text="Never", fault=Fault(kind="stall", after=0))
    with anyio.fail_after(5):
        async with FakeOpenAI(stalled) as slow, FakeOpenAI("Yes.") as quick:
            first, second = (OpenAILLM(api_key=KEY, base_url=server.base_url) for server in (slow, quick))
            model = FallbackLLM(first, second, first_token_sec=0.2)
            await model.warmup()
            assert await served(model) == ("Yes.", second)
            await slow.completions[0].abandoned.wait()
            await model.aclose()
