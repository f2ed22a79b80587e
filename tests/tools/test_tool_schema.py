"""Our validator agrees with a complete one on everything it claims to know."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.errors import ConfigError
from patter_mcp.tools.schema import check_schema, fits, problems

scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, -2.5]) | st.text("ab1", max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
numbers = st.integers(-2, 2) | st.sampled_from([0.5, 1.0])
sizes = st.integers(0, 3)


def schemas_over(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keywords: dict[str, st.SearchStrategy[Any]] = {
        "type": kinds | st.lists(kinds, min_size=1, max_size=2, unique=True),
        "enum": st.lists(scalars, min_size=1, max_size=3),
        "const": scalars,
        "minimum": numbers,
        "maximum": numbers,
        "exclusiveMinimum": numbers,
        "exclusiveMaximum": numbers,
        "minLength": sizes,
        "maxLength": sizes,
        "pattern": st.sampled_from(["^a", "b$", "^[ab]{1,2}$", "1"]),
        "minItems": sizes,
        "maxItems": sizes,
        "items": inner,
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        "additionalProperties": st.booleans() | inner,
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "description": st.just("words"),
    }
    return st.fixed_dictionaries({}, optional=keywords)


schemas = st.recursive(st.fixed_dictionaries({}, optional={"type": kinds}), schemas_over, max_leaves=4)


@settings(deadline=None)
@given(schema=schemas, value=values)
def test_values_fit_exactly_when_a_complete_validator_says_so(schema: dict[str, Any], value: Any) -> None:
    check_schema(schema)
    assert fits(value, schema) == jsonschema.Draft202012Validator(schema).is_valid(value)


SCHEMA = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "enum": ["mon", "tue"]},
        "guests": {"type": "integer", "minimum": 1, "maximum": 8},
        "names": {"type": "array", "items": {"type": "string", "maxLength": 5}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["day"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({}, "day is missing"),
        ([], "the arguments must be of type object"),
        ({"day": "sun"}, "day must be one of ['mon', 'tue']"),
        ({"day": "mon", "guests": "four"}, "guests must be of type integer"),
        ({"day": "mon", "guests": True}, "guests must be of type integer"),
        ({"day": "mon", "guests": 9}, "guests must be at most 8"),
        ({"day": "mon", "names": ["Ann", "Bartholomew"]}, "names[1] must have at most 5 characters"),
        ({"day": "mon", "note": 1}, "note fits none of the allowed forms"),
        ({"day": "mon", "time": "7pm"}, "time is unknown"),
    ],
)
def test_complaints_say_what_to_put_right(value: Any, complaint: str) -> None:
    assert list(problems(value, SCHEMA)) == [complaint]


def test_a_pattern_that_ends_does_not_let_a_line_feed_through() -> None:
    assert not fits("12\n", {"pattern": "^[0-9]+$"})
    assert fits("12$", {"pattern": r"^[0-9]+\$"})


@pytest.mark.parametrize(
    "schema",
    [
        "string",
        None,
        {"type": "text"},
        {"type": {}},
        {"$ref": "#/$defs/Day"},
        {"oneOf": [{"type": "string"}]},
        {"properties": ["day"]},
        {"properties": {"day": "string"}},
        {"properties": {"day": {"patern": "x"}}},
        {"items": "string"},
        {"items": {"type": "text"}},
        {"additionalProperties": {"type": "text"}},
        {"anyOf": {"type": "string"}},
        {"anyOf": [{"type": "text"}]},
        {"required": "day"},
        {"enum": "day"},
        {"pattern": "("},
        {"pattern": 5},
        {"minimum": "1"},
        {"maxLength": None},
        {"exclusiveMinimum": True},
    ],
)
def test_what_cannot_be_checked_is_an_error_when_the_tool_is_defined(schema: Any) -> None:
    with pytest.raises(ConfigError):
        check_schema(schema)
