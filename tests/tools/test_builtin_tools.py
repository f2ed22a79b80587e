"""What every agent can do: hang up and press keys."""

from __future__ import annotations

import json

import pytest

from patter_mcp.tools.builtin import MAX_DIGITS_USES, builtin_tools
from patter_mcp.tools.executor import ToolExecutor, ToolOutcome
from patter_mcp.types import GoalMet

pytestmark = pytest.mark.anyio


class Control:
    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []
        self.digits: list[str] = []

    async def end_call(self, goal_met: GoalMet, summary: str) -> None:
        self.ended.append((goal_met, summary))

    async def send_digits(self, digits: str) -> None:
        self.digits.append(digits)


async def run(control: Control, name: str, **arguments: object) -> ToolOutcome:
    return await ToolExecutor([], control).run(name, json.dumps(arguments))


@pytest.mark.parametrize("goal_met", ["yes", "no", "unknown"])
async def test_end_call_says_whether_the_goal_was_met(goal_met: str) -> None:
    control = Control()
    assert (await run(control, "end_call", goal_met=goal_met, summary="Table at 7.")).ok
    assert (await run(control, "end_call", goal_met=goal_met)).ok
    assert control.ended == [(goal_met, "Table at 7."), (goal_met, "")]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"goal_met": True}, {"goal_met": "maybe"}, {"goal_met": "yes", "to": "+1"}, {"goal_met": "yes", "summary": 5}],
)
async def test_end_call_does_not_hang_up_on_wrong_arguments(arguments: dict[str, object]) -> None:
    control = Control()
    outcome = await run(control, "end_call", **arguments)
    assert not outcome.ok
    assert control.ended == []


@pytest.mark.parametrize(
    ("asked", "pressed"), [("2", "2"), ("12#", "12#"), ("1w2W3*", "1w2ww3*"), ("0" * 32, "0" * 32)]
)
async def test_send_digits_presses_keys(asked: str, pressed: str) -> None:
    control = Control()
    assert (await run(control, "send_digits", digits=asked)).ok
    assert control.digits == [pressed]


@pytest.mark.parametrize("digits", ["", "0" * 33, "a", "+1", "1 2", "1\n", "\uff11", "A", "1,2", 12, None, ["1"]])
async def test_send_digits_presses_nothing_else(digits: object) -> None:
    control = Control()
    assert not (await run(control, "send_digits", digits=digits)).ok
    assert control.digits == []


async def test_send_digits_works_five_times_a_call() -> None:
    control = Control()
    executor = ToolExecutor([], control)
    outcomes = [await executor.run("send_digits", '{"digits": "1"}') for _ in range(MAX_DIGITS_USES + 2)]
    assert [outcome.ok for outcome in outcomes] == [True] * 5 + [False] * 2
    assert len(control.digits) == 5


def test_the_model_is_told_of_both() -> None:
    specs = ToolExecutor([], Control()).specs
    assert [spec["name"] for spec in specs] == ["end_call", "send_digits"]
    assert specs[0]["parameters"]["properties"]["goal_met"]["enum"] == ["yes", "no", "unknown"]
    assert specs[1]["parameters"]["properties"]["digits"]["pattern"] == "^[0-9*#wW]{1,32}$"
    assert [tool.name for tool in builtin_tools(Control())] == ["end_call", "send_digits"]
