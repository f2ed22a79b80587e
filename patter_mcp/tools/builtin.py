"""The tools every agent has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from patter_mcp.tools.base import CallControl, Tool
from patter_mcp.types import GoalMet

MAX_DIGITS_USES = 5
_SEND_DIGITS_TIMEOUT_SEC = 45.0
"""32 keys of 240 ms, or 32 pauses of a second, and some time for the line."""


def builtin_tools(control: CallControl) -> Sequence[Tool]:
    """`end_call` and `send_digits`, acting on one call."""

    async def end_call(goal_met: GoalMet, summary: str = "") -> str:
        await control.end_call(goal_met, summary)
        return "The call ends when you have finished speaking."

    async def send_digits(digits: str) -> str:
        await control.send_digits(digits.replace("W", "ww"))
        return "The keys have been pressed."

    return (
        Tool(
            name="end_call",
            description=(
                "Hang up. Say goodbye first. Use it when there is nothing left to do: the goal is met, cannot be met, "
                "or the other person wants to stop."
            ),
            parameters={
                "type": "object",
                "properties": {
                    "goal_met": {
                        "type": "string",
                        "enum": list(get_args(GoalMet)),
                        "description": "'yes' only if the other person confirmed it; 'unknown' if in doubt.",
                    },
                    "summary": {"type": "string", "description": "What was agreed or found out, in a sentence or two."},
                },
                "required": ["goal_met"],
                "additionalProperties": False,
            },
            handler=end_call,
        ),
        Tool(
            name="send_digits",
            description="Press keys on the phone, to answer a menu such as 'press 2 for reservations'.",
            parameters={
                "type": "object",
                "properties": {
                    "digits": {
                        "type": "string",
                        "pattern": "^[0-9*#wW]{1,32}$",
                        "description": "The keys in order. w waits half a second, W a second.",
                    }
                },
                "required": ["digits"],
                "additionalProperties": False,
            },
            handler=send_digits,
            timeout_sec=_SEND_DIGITS_TIMEOUT_SEC,
            max_uses=MAX_DIGITS_USES,
        ),
    )
