"""The part of JSON Schema that tools are described in, and the check of arguments against it.

A small validator of its own: vendors take little more than this from a tool's schema, and a general one
takes 30 ms and more to import. What it does not know is an error when the tool is defined, so nothing
goes unchecked in a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from patter_mcp.errors import ConfigError
from patter_mcp.types import Json


def _is_integer(value: Any) -> bool:
    return value.is_integer() if isinstance(value, float) else isinstance(value, int) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": _is_integer,
}


_ANNOTATIONS = frozenset({"$schema", "title", "description", "default", "examples", "format", "deprecated"})


def _of_type(kind: str, passes: Callable[[Any, Any], bool], complaint: str) -> Callable[[Any, Any], str | None]:
    """A check that concerns values of one type only, as JSON Schema has it."""

    def check(value: Any, expected: Any) -> str | None:
        return None if not _TYPES[kind](value) or passes(value, expected) else complaint.format(expected)

    return check


def _check_type(value: Any, expected: Any) -> str | None:
    kinds: list[str] = expected if isinstance(expected, list) else [expected]
    return None if any(_TYPES[kind](value) for kind in kinds) else f"must be of type {' or '.join(kinds)}"


def _check_enum(value: Any, allowed: list[Any]) -> str | None:
    return None if any(_same(value, one) for one in allowed) else f"must be one of {allowed}"


_CHECKS: Mapping[str, Callable[[Any, Any], str | None]] = {
    "type": _check_type,
    "enum": _check_enum,
    "const": lambda value, expected: None if _same(value, expected) else f"must be {expected!r}",
    "minimum": _of_type("number", lambda value, least: value >= least, "must be at least {}"),
    "maximum": _of_type("number", lambda value, most: value <= most, "must be at most {}"),
    "exclusiveMinimum": _of_type("number", lambda value, bound: value > bound, "must be more than {}"),
    "exclusiveMaximum": _of_type("number", lambda value, bound: value < bound, "must be less than {}"),
    "minLength": _of_type("string", lambda value, least: len(value) >= least, "must have at least {} characters"),
    "maxLength": _of_type("string", lambda value, most: len(value) <= most, "must have at most {} characters"),
    "pattern": _of_type("string", lambda value, pattern: bool(_compiled(pattern).search(value)), "must match {}"),
    "minItems": _of_type("array", lambda value, least: len(value) >= least, "must have at least {} items"),
    "maxItems": _of_type("array", lambda value, most: len(value) <= most, "must have at most {} items"),
}

_NESTED = frozenset({"properties", "required", "additionalProperties", "items", "anyOf"})


def problems(value: Any, schema: Json, path: str = "") -> Iterator[str]:
    """What is wrong with a JSON value, one sentence each; nothing if it fits."""
    for keyword, expected in schema.items():
        complaint = _CHECKS[keyword](value, expected) if keyword in _CHECKS else None
        if complaint:
            yield f"{path or 'the arguments'} {complaint}"
    if "anyOf" in schema and not any(fits(value, option) for option in schema["anyOf"]):
        yield f"{path} fits none of the allowed forms"
    if isinstance(value, dict):
        yield from _problems_in_object(value, schema, path)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from problems(item, schema["items"], f"{path}[{index}]")


def fits(value: Any, schema: Json) -> bool:
    return next(problems(value, schema), None) is None


def _problems_in_object(value: Json, schema: Json, path: str) -> Iterator[str]:
    properties: Json = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    yield from (f"{_joined(path, name)} is missing" for name in schema.get("required", ()) if name not in value)
    for name, item in value.items():
        if name in properties:
            yield from problems(item, properties[name], _joined(path, name))
        elif others is False:
            yield f"{_joined(path, name)} is unknown"
        elif others is not True:
            yield from problems(item, others, _joined(path, name))


def check_schema(schema: object, where: str = "parameters") -> None:
    """Raises:
    ConfigError: this is no JSON Schema, or one that says more than can be checked here.
    """
    if not isinstance(schema, dict):
        raise ConfigError(f"{where} must be a JSON Schema object (a dict).")
    for keyword, expected in schema.items():
        if keyword not in _CHECKS.keys() | _NESTED | _ANNOTATIONS:
            raise ConfigError(f"{where} has the keyword {keyword!r}, which tools cannot be described with.")
        _check_keyword(keyword, expected, f"{where}.{keyword}")


def _check_keyword(keyword: str, expected: Any, where: str) -> None:
    match keyword:
        case "properties":
            for name, schema in _mapping(expected, where).items():
                check_schema(schema, f"{where}.{name}")
        case "anyOf":
            for schema in _list(expected, where):
                check_schema(schema, where)
        case "items":
            check_schema(expected, where)
        case "additionalProperties" if not isinstance(expected, bool):
            check_schema(expected, where)
        case "required" | "enum":
            _list(expected, where)
        case "type":
            if not all(kind in [*_TYPES] for kind in (expected if isinstance(expected, list) else [expected])):
                raise ConfigError(f"{where} must be of {', '.join(_TYPES)}, not {expected!r}.")
        case "pattern":
            _check_pattern(expected, where)
        case _ if keyword.startswith(("min", "max", "exclusive")) and not _TYPES["number"](expected):
            raise ConfigError(f"{where} must be a number, not {expected!r}.")
        case _:
            pass


def _mapping(value: Any, where: str) -> Json:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a dict.")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} must be a list.")
    return value


def _check_pattern(pattern: Any, where: str) -> None:
    try:
        _compiled(pattern)
    except (TypeError, re.error) as error:
        raise ConfigError(f"{where} is not a regular expression: {error}") from error


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """In JSON Schema `$` is the very end; Python's also matches before a trailing line feed."""
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: True is not 1."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name[:64]}" if path else name[:64]
