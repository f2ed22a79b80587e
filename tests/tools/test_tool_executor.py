"""Running tools: whatever happens, the model gets an answer it can act on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.errors import ConfigError, ToolError
from patter_mcp.tools.base import Tool, tool
from patter_mcp.tools.breaker import FAILURES, Breakers
from patter_mcp.tools.executor import MAX_ANSWER_BYTES, MAX_RESULT_BYTES, ToolExecutor, ToolOutcome
from patter_mcp.types import GoalMet

pytestmark = pytest.mark.anyio


class Control:
    async def end_call(self, goal_met: GoalMet, summary: str) -> None: ...
    async def send_digits(self, digits: str) -> None: ...


def executor(*tools: Tool, **overrides: Any) -> ToolExecutor:
    complete: dict[str, Any] = {"call_id": "c1", "backoff_sec": 0.0, **overrides}
    return ToolExecutor(tools, Control(), **complete)


def failure(outcome: ToolOutcome) -> str:
    assert not outcome.ok
    answer = json.loads(outcome.text)
    assert answer["fallback"] is True
    assert answer.keys() == {"error", "fallback"}
    return answer["error"]


def returning(result: object) -> Tool:
    return Tool("do", "Do.", handler=lambda: result)


@tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@tool
async def greet(name: str) -> str:
    """Greet."""
    return f"Hello {name}"


async def test_sync_and_async_functions_run_with_the_models_arguments() -> None:
    tools = executor(add, greet)
    assert (await tools.run("add", '{"a": 2, "b": 3}')).text == "5"
    assert (await tools.run("add", '{"a": 2}')).text == "3"
    assert (await tools.run("greet", '{"name": "Ann"}')).text == "Hello Ann"


async def test_a_handler_may_take_all_arguments_as_one_dict_with_the_calls_context() -> None:
    def handler(arguments: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        return {"got": arguments, "in": context}

    async def async_handler(args: dict[str, Any], ctx: dict[str, Any]) -> dict[str, Any]:
        return handler(args, ctx)

    parameters = {"type": "object", "properties": {"day": {"type": "string"}}}
    tools = executor(
        Tool("sync", "Do.", parameters, handler=handler), Tool("async", "Do.", parameters, handler=async_handler)
    )
    for name in ("sync", "async"):
        outcome = await tools.run(name, '{"day": "mon"}')
        assert json.loads(outcome.text) == {"got": {"day": "mon"}, "in": {"call_id": "c1"}}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("plain text", "plain text"),
        ({"a": [1, "é"]}, '{"a": [1, "é"]}'),
        (3, "3"),
        (False, "false"),
        (None, '{"ok": true}'),
        ("", '{"ok": true}'),
        ({"on": date(2030, 1, 2)}, '{"on": "2030-01-02"}'),
    ],
)
async def test_results_become_text(result: object, text: str) -> None:
    assert (await executor(returning(result)).run("do", "{}")).text == text


async def test_a_handler_that_does_not_take_what_an_open_schema_lets_through_is_not_run() -> None:
    def handler(day: str) -> str:
        return day

    open_schema = {"type": "object", "properties": {"day": {"type": "string"}}}
    tools = executor(Tool("do", "Do.", open_schema, handler=handler))
    assert (await tools.run("do", '{"day": "mon"}')).ok
    assert "unexpected keyword argument 'time'" in failure(await tools.run("do", '{"day": "mon", "time": "7"}'))
    assert "missing a required argument: 'day'" in failure(await tools.run("do", "{}"))


async def test_no_arguments_at_all_are_an_empty_object() -> None:
    assert (await executor(returning("done")).run("do", "")).ok


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("subtract", "{}", "there are add, greet, end_call, send_digits"),
        ("x" * 10_000, "{}", "no tool"),
        ("add", "", "a is missing"),
        ("add", "{", "not valid JSON"),
        ("add", '{"a": NaN}', "not valid JSON"),
        ("add", "[" * 50_000, "not valid JSON"),
        ("add", '{"a": ' + "9" * 10_000 + "}", "not valid JSON"),
        ("add", "[1, 2]", "must be of type object"),
        ("add", "null", "must be of type object"),
        ("add", '{"a": "2"}', "a must be of type integer"),
        ("add", '{"a": 1, "c": 1}', "c is unknown"),
        ("add", '{"a": 1, "c": 1, "d": 1, "e": 1, "f": 1}', "e is unknown."),
        ("greet", '{"name": "' + "x" * 70_000 + '"}', "too long"),
        ("greet", '{"\\ud800": 1}', "name is missing; ? is unknown"),
    ],
)
async def test_wrong_requests_are_answered_with_what_to_put_right(name: str, arguments: str, said: str) -> None:
    outcome = await executor(add, greet).run(name, arguments)
    assert said in failure(outcome)
    assert len(outcome.text) < 500
    outcome.text.encode()


@settings(deadline=None)
@given(name=st.sampled_from(["add", "greet", "end_call"]) | st.text(max_size=5), arguments=st.text(max_size=30))
def test_nothing_the_model_writes_raises(name: str, arguments: str) -> None:
    outcome = anyio.run(executor(add, greet).run, name, arguments)
    assert outcome.ok or failure(outcome)


async def test_a_crash_is_told_without_its_message() -> None:
    def handler() -> None:
        raise ValueError("password is hunter2")

    error = failure(await executor(Tool("do", "Do.", handler=handler)).run("do", "{}"))
    assert error == "do failed (ValueError)."


async def test_a_tool_error_is_told_in_its_own_words() -> None:
    def handler() -> None:
        raise ToolError("No table at 7; there is one at 8.")

    error = failure(await executor(Tool("do", "Do.", handler=handler)).run("do", "{}"))
    assert error == "No table at 7; there is one at 8."


@pytest.mark.parametrize("result", [{1, 2, 3}, {("a",): 1}])
async def test_a_result_that_is_not_json_is_a_failure_or_text(result: object) -> None:
    outcome = await executor(returning(result)).run("do", "{}")
    assert outcome.ok == (result == {1, 2, 3})


async def test_a_result_that_contains_itself_is_a_failure() -> None:
    result: list[Any] = []
    result.append(result)
    assert "ValueError" in failure(await executor(returning(result)).run("do", "{}"))


async def test_a_long_result_is_cut_for_the_model_at_a_character_border() -> None:
    outcome = await executor(returning("é" * 50_000)).run("do", "{}")
    assert outcome.ok
    kept, mark = outcome.text.split("…")
    assert kept == "é" * (MAX_ANSWER_BYTES // 2)
    assert "100,000 bytes in all" in mark


async def test_a_result_without_measure_is_a_failure() -> None:
    tools = executor(returning("x" * (MAX_RESULT_BYTES + 1)))
    assert "1,000,000" in failure(await tools.run("do", "{}"))


async def test_a_long_error_is_cut_too() -> None:
    def handler() -> None:
        raise ToolError("x" * 50_000)

    outcome = await executor(Tool("do", "Do.", handler=handler)).run("do", "{}")
    assert len(failure(outcome)) < 9_000


async def test_a_tool_that_takes_too_long_is_given_up() -> None:
    async def handler() -> None:
        await anyio.sleep_forever()

    with anyio.fail_after(5):
        outcome = await executor(Tool("do", "Do.", handler=handler, timeout_sec=0.02)).run("do", "{}")
    assert failure(outcome) == "do did not answer within 0.02 seconds."


async def test_a_sync_handler_neither_stalls_the_loop_nor_outlives_its_deadline() -> None:
    release = threading.Event()
    slow = Tool("slow", "Do.", handler=lambda: release.wait(10), timeout_sec=0.02)
    try:
        with anyio.fail_after(5):
            assert "within 0.02" in failure(await executor(slow).run("slow", "{}"))
    finally:
        release.set()


async def test_cancelling_the_turn_cancels_the_tool() -> None:
    cancelled = anyio.Event()

    async def handler() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    with anyio.move_on_after(0.01) as scope:
        await executor(Tool("do", "Do.", handler=handler)).run("do", "{}")
    assert scope.cancelled_caught
    assert cancelled.is_set()


def failing(times: int, *, error: Callable[[], Exception] = OSError) -> tuple[Callable[[], str], list[int]]:
    attempts: list[int] = []

    def handler() -> str:
        attempts.append(1)
        if len(attempts) <= times:
            raise error()
        return "done"

    return handler, attempts


async def test_a_handler_that_crashed_may_have_acted_and_is_not_run_again() -> None:
    handler, attempts = failing(1)
    assert "OSError" in failure(await executor(Tool("book", "Book.", handler=handler)).run("book", "{}"))
    assert len(attempts) == 1


@pytest.mark.parametrize(("times", "ok", "expected"), [(1, True, 2), (2, True, 3), (3, False, 3)])
async def test_an_idempotent_handler_is_tried_three_times(times: int, ok: bool, expected: int) -> None:
    handler, attempts = failing(times)
    outcome = await executor(Tool("look", "Look.", handler=handler, idempotent=True)).run("look", "{}")
    assert outcome.ok is ok
    assert len(attempts) == expected


async def test_a_tool_that_says_no_is_not_asked_again() -> None:
    handler, attempts = failing(1, error=lambda: ToolError("closed on Mondays"))
    outcome = await executor(Tool("look", "Look.", handler=handler, idempotent=True)).run("look", "{}")
    assert "closed" in failure(outcome)
    assert len(attempts) == 1


async def test_all_attempts_share_one_deadline() -> None:
    handler, attempts = failing(10)
    look = Tool("look", "Look.", handler=handler, idempotent=True, timeout_sec=0.02)
    with anyio.fail_after(5):
        assert "within 0.02" in failure(await executor(look, backoff_sec=60.0).run("look", "{}"))
    assert len(attempts) == 1


async def test_a_tool_that_keeps_failing_is_left_alone_in_other_calls_too() -> None:
    handler, attempts = failing(100)
    breakers = Breakers(lambda: 0.0)
    for _ in range(FAILURES):
        await executor(Tool("do", "Do.", handler=handler), breakers=breakers).run("do", "{}")
    error = failure(await executor(Tool("do", "Do.", handler=handler), breakers=breakers).run("do", "{}"))
    assert "left alone" in error
    assert len(attempts) == FAILURES


async def test_hanging_up_stays_possible_whatever_happened_before_and_in_other_calls() -> None:
    class Broken(Control):
        async def end_call(self, goal_met: GoalMet, summary: str) -> None:
            raise OSError("the line is gone")

    breakers = Breakers(lambda: 0.0)
    for _ in range(FAILURES + 1):
        outcome = await ToolExecutor([], Broken(), breakers=breakers).run("end_call", '{"goal_met": "yes"}')
        assert failure(outcome) == "end_call failed (OSError)."
    assert (await executor(breakers=breakers).run("end_call", '{"goal_met": "yes"}')).ok


async def test_wrong_arguments_do_not_count_against_a_tool() -> None:
    tools = executor(add)
    for _ in range(FAILURES + 1):
        await tools.run("add", "{}")
    assert (await tools.run("add", '{"a": 1}')).ok


async def test_a_tool_may_be_limited_to_so_many_uses_a_call() -> None:
    once = Tool("once", "Once.", handler=lambda: "done", max_uses=1)
    tools = executor(once)
    assert (await tools.run("once", "{}")).ok
    assert "limit of 1 use" in failure(await tools.run("once", "{}"))
    assert (await executor(once).run("once", "{}")).ok


async def test_the_duration_is_measured() -> None:
    ticks = iter([10.0, 10.25])
    outcome = await executor(returning("done"), clock=lambda: next(ticks), breakers=Breakers()).run("do", "{}")
    assert outcome.duration_ms == 250


@pytest.mark.parametrize("names", [["a", "a"], ["end_call"], ["send_digits"]])
def test_two_tools_of_one_name_are_refused(names: list[str]) -> None:
    with pytest.raises(ConfigError, match=names[0]):
        executor(*(Tool(name, "Do.", handler=print) for name in names))


def test_the_model_sees_the_agents_tools_and_the_built_in_ones() -> None:
    tools = executor(add, greet)
    assert [spec["name"] for spec in tools.specs] == ["add", "greet", "end_call", "send_digits"]
    assert tools.tools["add"] is add
