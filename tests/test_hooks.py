"""Hooks: what each stage's answer means, and that a bad hook hurts nobody."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from patter_mcp.errors import ConfigError
from patter_mcp.hooks import DROP, HookContext, HookLimits, HookRunner, PipelineHooks
from patter_mcp.llm.base import Message
from patter_mcp.types import TranscriptLine

pytestmark = pytest.mark.anyio

CONTEXT = HookContext(call_id="c1", to_number="+12025550123")
SHORT = HookLimits(audio_sec=0.01, text_sec=0.01, response_sec=0.01)
MESSAGES: list[Message] = [{"role": "user", "content": "hello"}]


def runner(limits: HookLimits | None = None, **hooks: Any) -> HookRunner:
    return HookRunner(PipelineHooks(**hooks), CONTEXT, limits=limits)


STAGES: dict[str, Callable[[HookRunner], Any]] = {
    "before_send_to_stt": lambda r: r.before_send_to_stt(b"\xff"),
    "after_transcribe": lambda r: r.after_transcribe("hello"),
    "before_llm": lambda r: r.before_llm(MESSAGES),
    "on_sentence": lambda r: r.on_sentence("hello"),
    "on_response": lambda r: r.on_response("hello"),
    "before_synthesize": lambda r: r.before_synthesize("hello"),
    "after_synthesize": lambda r: r.after_synthesize(b"\xff", "hello"),
}
UNCHANGED = dict.fromkeys(STAGES, "hello") | {
    "before_send_to_stt": b"\xff",
    "before_llm": MESSAGES,
    "after_synthesize": b"\xff",
}
DROPPING = {"before_send_to_stt", "after_transcribe", "before_synthesize", "after_synthesize"}

each_stage = pytest.mark.parametrize("stage", STAGES)


def with_hook(stage: str, hook: object, limits: HookLimits | None = None) -> HookRunner:
    if stage.startswith("on_"):
        return runner(limits, after_llm={stage: hook})
    return runner(limits, **{stage: hook})


@each_stage
async def test_a_stage_without_a_hook_hands_its_value_back(stage: str) -> None:
    assert await STAGES[stage](runner()) is UNCHANGED[stage]


@each_stage
@pytest.mark.parametrize("kind", ["sync", "async", "callable object", "partial", "lambda around async"])
async def test_hooks_of_any_kind_change_the_value(stage: str, kind: str) -> None:
    changed: Any = {bytes: b"\x00", str: "changed", list: [{"role": "user", "content": "changed"}]}[
        type(UNCHANGED[stage])
    ]

    async def hook(*args: object) -> Any:
        return changed

    class Hook:
        async def __call__(self, *args: object) -> Any:
            return changed

    def sync_hook(*args: object) -> Any:
        return changed

    hooks: dict[str, object] = {
        "sync": sync_hook,
        "async": hook,
        "callable object": Hook(),
        "partial": functools.partial(sync_hook),
        "lambda around async": lambda *args: hook(*args),  # pyright: ignore[reportUnknownLambdaType]
    }
    assert await STAGES[stage](with_hook(stage, hooks[kind])) == changed


@each_stage
async def test_none_drops_or_keeps_as_the_stage_has_it(stage: str) -> None:
    result = await STAGES[stage](with_hook(stage, lambda *args: None))  # pyright: ignore[reportUnknownLambdaType]
    assert result is DROP if stage in DROPPING else result is UNCHANGED[stage]


@each_stage
async def test_an_empty_value_is_a_value(stage: str) -> None:
    empty = type(UNCHANGED[stage])()
    assert await STAGES[stage](with_hook(stage, lambda *args: empty)) == empty  # pyright: ignore[reportUnknownLambdaType]


@each_stage
@pytest.mark.parametrize("answer", ["crash", "wrong type"])
async def test_a_broken_hook_passes_the_value_on_and_is_logged_once(
    stage: str, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(*args: object) -> object:
        if answer == "crash":
            raise ValueError("boom")
        return 42

    hooks = with_hook(stage, hook)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await STAGES[stage](hooks) is UNCHANGED[stage]
    (record,) = caplog.records
    assert vars(record)["stage"] == stage
    assert vars(record)["call_id"] == "c1"


@each_stage
async def test_a_slow_async_hook_is_left_behind(stage: str) -> None:
    async def hook(*args: object) -> None:
        await anyio.sleep_forever()

    with anyio.fail_after(5):
        assert await STAGES[stage](with_hook(stage, hook, SHORT)) is UNCHANGED[stage]


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "before_send_to_stt"])
async def test_a_blocking_sync_hook_neither_stalls_the_loop_nor_outlives_its_limit(stage: str) -> None:
    release = threading.Event()

    def hook(*args: object) -> object:
        release.wait(2)
        return type(UNCHANGED[stage])()

    try:
        assert await STAGES[stage](with_hook(stage, hook, SHORT)) is UNCHANGED[stage]
    finally:
        release.set()


async def test_the_frame_stage_and_on_chunk_run_in_the_event_loop() -> None:
    threads: list[threading.Thread] = []

    def on_frame(frame: bytes, ctx: HookContext) -> bytes:
        threads.append(threading.current_thread())
        return frame

    def on_chunk(chunk: str) -> str:
        threads.append(threading.current_thread())
        return chunk

    hooks = runner(before_send_to_stt=on_frame, after_llm={"on_chunk": on_chunk})
    await hooks.before_send_to_stt(b"\xff")
    hooks.on_chunk("a")
    assert threads == [threading.current_thread()] * 2


async def test_cancellation_passes_through_a_hook() -> None:
    async def hook(text: str, ctx: HookContext) -> str:
        await anyio.sleep_forever()
        return text

    with anyio.move_on_after(0.01) as scope:
        await runner(after_transcribe=hook).after_transcribe("hello")
    assert scope.cancelled_caught


async def test_hooks_are_told_which_call_they_are_looking_at() -> None:
    seen: list[object] = []
    history = [TranscriptLine(role="agent", text="Hello?")]
    context = HookContext(call_id="c1", to_number="+12025550123", history=history)

    def hook(audio: bytes, sentence: str, ctx: HookContext) -> bytes:
        seen.extend([sentence, ctx.call_id, ctx.to_number, [line.text for line in ctx.history]])
        return audio

    hooks = HookRunner(PipelineHooks(after_synthesize=hook), context)
    await hooks.after_synthesize(b"\xff", "Hello?")
    assert seen == ["Hello?", "c1", "+12025550123", ["Hello?"]]


def test_the_context_is_frozen_and_keeps_the_number_out_of_its_repr() -> None:
    with pytest.raises(FrozenInstanceError):
        CONTEXT.call_id = "c2"  # pyright: ignore[reportAttributeAccessIssue]
    assert "2025550123" not in repr(CONTEXT)


@pytest.mark.parametrize("outcome", ["none", "crash"])
async def test_messages_edited_in_place_do_not_reach_the_history(outcome: str) -> None:
    def hook(messages: list[Message], ctx: HookContext) -> None:
        messages[0]["content"] = "edited"
        messages.clear()
        if outcome == "crash":
            raise ValueError("boom")

    messages: list[Message] = [{"role": "user", "content": "hello"}]
    assert await runner(before_llm=hook).before_llm(messages) == [{"role": "user", "content": "hello"}]
    assert messages == [{"role": "user", "content": "hello"}]


def test_on_chunk_changes_a_chunk_and_none_keeps_it() -> None:
    def shout(chunk: str) -> str | None:
        return None if chunk == "quiet" else chunk.upper()

    hooks = runner(after_llm=SimpleNamespace(on_chunk=shout))
    assert hooks.has_on_chunk
    assert [hooks.on_chunk("loud"), hooks.on_chunk("quiet")] == ["LOUD", "quiet"]
    assert runner().on_chunk("loud") == "loud"


@pytest.mark.parametrize("answer", [ValueError("boom"), 42])
def test_a_broken_on_chunk_passes_the_chunk_on_and_is_logged_once(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(chunk: str) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    hooks = runner(after_llm={"on_chunk": hook})
    assert [hooks.on_chunk("a"), hooks.on_chunk("b")] == ["a", "b"]
    assert len(caplog.records) == 1


async def test_a_plain_after_llm_sees_the_whole_response() -> None:
    def hook(text: str, ctx: HookContext) -> str:
        return text.replace("foo", "bar")

    hooks = runner(after_llm=hook)
    assert hooks.has_on_response
    assert await hooks.on_response("foo") == "bar"
    assert await hooks.on_sentence("foo") == "foo"


async def test_an_object_may_have_all_stages_of_after_llm() -> None:
    class AfterLlm:
        def on_chunk(self, chunk: str) -> str:
            return chunk + "1"

        async def on_sentence(self, sentence: str, ctx: HookContext) -> str:
            return sentence + "2"

        def on_response(self, text: str, ctx: HookContext) -> str:
            return text + "3"

    hooks = runner(after_llm=AfterLlm())
    assert [hooks.on_chunk("a"), await hooks.on_sentence("a"), await hooks.on_response("a")] == ["a1", "a2", "a3"]


async def test_flags_say_which_stages_can_be_left_out() -> None:
    none, all_of_them = (
        runner(),
        runner(before_send_to_stt=print, after_llm={"on_chunk": print}, after_synthesize=print),
    )
    assert not (none.has_before_send_to_stt or none.has_on_chunk or none.has_on_response or none.has_after_synthesize)
    assert all_of_them.has_before_send_to_stt
    assert all_of_them.has_after_synthesize
    assert not all_of_them.has_on_response


async def async_on_chunk(chunk: str) -> str:
    return chunk


@pytest.mark.parametrize(
    "hooks",
    [
        {"after_transcribe": "not callable"},
        {"after_llm": {}},
        {"after_llm": {"on_sentance": print}},
        {"after_llm": {"on_sentence": print, "on_token": print}},
        {"after_llm": {"on_sentence": "not callable"}},
        {"after_llm": 42},
        {"after_llm": {"on_chunk": async_on_chunk}},
    ],
)
def test_hooks_that_could_never_run_are_refused_at_once(hooks: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PipelineHooks(**hooks)
