"""Making tools: of functions, of handlers, of webhooks."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, Optional

import pytest

from patter_mcp.errors import ConfigError
from patter_mcp.tools.base import Tool, WebhookOptions, tool
from patter_mcp.tools.signature import read_docstring


class Day(Enum):
    MON = "mon"
    TUE = "tue"


class Level(Enum):
    LOW = 1
    HIGH = 2


def parameters_of(function: Callable[..., Any]) -> dict[str, Any]:
    return tool(function).parameters


def test_a_function_becomes_a_tool() -> None:
    @tool
    def book_table(day: str, guests: int = 2) -> str:
        """Book a table.

        Only for this evening's restaurant.

        Args:
            day: Which day,
                as a weekday.
            guests (int): How many.

        Returns:
            Nothing the model needs to know.
        """
        return ""

    assert isinstance(book_table, Tool)
    assert book_table.spec == {
        "name": "book_table",
        "description": "Book a table.\n\nOnly for this evening's restaurant.",
        "parameters": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "description": "Which day, as a weekday."},
                "guests": {"type": "integer", "description": "How many."},
            },
            "required": ["day"],
            "additionalProperties": False,
        },
    }


def test_every_type_a_model_can_be_told_of() -> None:
    def everything(
        a: str,
        b: int,
        c: float,
        d: bool,
        e: list[int],
        f: dict[str, Any],
        g: dict[str, float],
        h: Literal["x", "y"],
        i: Day,
        j: Level,
        k: str | None,
        l: Optional[Day],  # noqa: E741, UP045
        m: list[dict[str, Day | None]],
        n: dict,  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
        *,
        o: Literal[1, 2],
    ) -> None:
        """Take everything."""

    day = {"type": "string", "enum": ["mon", "tue"]}
    optional_day = {"anyOf": [day, {"type": "null"}]}
    assert parameters_of(everything)["properties"] == {
        "a": {"type": "string"},
        "b": {"type": "integer"},
        "c": {"type": "number"},
        "d": {"type": "boolean"},
        "e": {"type": "array", "items": {"type": "integer"}},
        "f": {"type": "object"},
        "g": {"type": "object", "additionalProperties": {"type": "number"}},
        "h": {"type": "string", "enum": ["x", "y"]},
        "i": day,
        "j": {"type": "integer", "enum": [1, 2]},
        "k": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "l": optional_day,
        "m": {"type": "array", "items": {"type": "object", "additionalProperties": optional_day}},
        "n": {"type": "object"},
        "o": {"type": "integer", "enum": [1, 2]},
    }


def test_a_handler_gets_the_types_it_is_annotated_for() -> None:
    @tool
    def take(day: Day, count: int, days: list[Day | None], by_name: dict[str, Day], share: float = 0.5) -> Any:
        """Take them."""
        return [day, count, days, by_name, share]

    assert take.handler
    values = take.handler(day="mon", count=5.0, days=["tue", None], by_name={"a": "mon"}, share=1)
    assert values == [Day.MON, 5, [Day.TUE, None], {"a": Day.MON}, 1.0]
    assert [type(values[1]), type(values[4])] == [int, float]


def test_an_async_function_stays_async() -> None:
    @tool(name="other", timeout_sec=3, idempotent=True, reassurance="One moment.")
    async def wait(day: Day) -> Day:
        """Wait."""
        return day

    assert (wait.name, wait.timeout_sec, wait.idempotent, wait.reassurance) == ("other", 3, True, "One moment.")
    assert wait.handler
    assert inspect.iscoroutinefunction(wait.handler)
    assert asyncio.run(wait.handler(day="tue")) is Day.TUE


def no_docstring(a: str) -> None: ...


def no_annotation(a) -> None:  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Do."""


def variadic(*args: str) -> None:
    """Do."""


def keywords(**kwargs: str) -> None:
    """Do."""


def positional(a: str, /) -> None:
    """Do."""


def unresolvable(a: Missing) -> None:  # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]  # noqa: F821
    """Do."""


def bare_list(a: list) -> None:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
    """Do."""


def union(a: int | str) -> None:
    """Do."""


def bytes_(a: bytes) -> None:
    """Do."""


def any_(a: Any) -> None:
    """Do."""


def int_keys(a: dict[int, str]) -> None:
    """Do."""


def mixed_literal(a: Literal["x", 1]) -> None:
    """Do."""


def arbitrary(a: logging.Logger) -> None:
    """Do."""


def three(arguments: str, context: str, more: str) -> None:
    """Do."""


def documents_more(a: str) -> None:
    """Do.

    Args:
        a: One.
        b: Another.
    """


@pytest.mark.parametrize(
    "function",
    [
        no_docstring, no_annotation, variadic, keywords, positional, unresolvable, bare_list, union, bytes_, any_,
        int_keys, mixed_literal, arbitrary, documents_more,
    ],
)  # fmt: skip
def test_what_cannot_be_described_is_an_error_at_decoration(function: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match=function.__name__):
        tool(function)


def test_a_docstring_without_arguments_is_all_description() -> None:
    assert read_docstring("Do.\n\nRaises:\n    Nothing: ever.") == ("Do.", {})
    assert read_docstring("") == ("", {})


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"handler": print, "webhook_url": "https://example.com/"},
        {"handler": print, "name": "with space"},
        {"handler": print, "name": ""},
        {"handler": print, "name": "x" * 65},
        {"handler": print, "description": " "},
        {"handler": print, "timeout_sec": 0},
        {"handler": print, "timeout_sec": 301},
        {"handler": print, "timeout_sec": float("nan")},
        {"handler": print, "parameters": {"type": "string"}},
        {"handler": print, "parameters": {"properties": {}}},
        {"handler": print, "parameters": {"type": "object", "properties": {"day": {"type": "day"}}}},
        {"handler": bare_list},
        {"handler": three},
        {"handler": lambda: None, "parameters": {"type": "object", "properties": {"day": {"type": "string"}}}},
        {"handler": "not callable"},
        {"webhook_url": "http://example.com/"},
    ],
)
def test_a_tool_that_could_not_work_is_refused_at_once(arguments: dict[str, Any]) -> None:
    complete: dict[str, Any] = {"name": "do", "description": "Do.", **arguments}
    with pytest.raises(ConfigError):
        Tool(**complete)


def test_a_tool_needs_no_parameters() -> None:
    assert Tool("do", "Do.", handler=print).parameters["type"] == "object"


def test_secrets_stay_out_of_the_repr() -> None:
    options = WebhookOptions(secret="s3cret", headers={"Authorization": "Bearer t0ken"})
    shown = repr(Tool("do", "Do.", webhook_url="https://example.com/", webhook=options))
    assert "s3cret" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X": "é"}, {"X": "a\x00"}, {"X Y": "a"}, {"": "a"}])
def test_headers_that_would_break_a_request_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        WebhookOptions(headers=headers)
