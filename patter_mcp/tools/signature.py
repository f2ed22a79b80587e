"""Describes a function to a model: its parameters as JSON Schema, from annotations and docstring.

Types that can be described: str, int, float, bool, list[T], dict, dict[str, T], T | None, and Literal or
Enum of strings or of integers. Anything else is an error where the function is decorated.
"""

from __future__ import annotations

import inspect
import re
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from patter_mcp.errors import ConfigError
from patter_mcp.types import Json

Convert = Callable[[Any], Any]
"""Makes the value a function is annotated for of the JSON value that was checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    description: str
    parameters: Json
    converters: Mapping[str, Convert]


def signature_of(function: Callable[..., Any]) -> Signature:
    """Raises:
    ConfigError: the function cannot be described to a model.
    """
    name = getattr(function, "__name__", type(function).__name__)
    description, notes = read_docstring(inspect.getdoc(function) or "")
    if not description:
        raise ConfigError(f"The tool {name} needs a docstring: it tells the model what the tool is for.")
    properties: dict[str, Json] = {}
    required: list[str] = []
    converters: dict[str, Convert] = {}
    for parameter, annotation in _annotated_parameters(function, name):
        schema, converters[parameter.name] = describe(annotation, f"{parameter.name!r} of the tool {name}")
        note = notes.pop(parameter.name, "")
        properties[parameter.name] = {**schema, "description": note} if note else schema
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    if notes:
        raise ConfigError(f"The docstring of the tool {name} describes {', '.join(notes)}, which it does not take.")
    parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return Signature(description=description, parameters=parameters, converters=converters)


def _annotated_parameters(function: Callable[..., Any], name: str) -> Iterator[tuple[inspect.Parameter, Any]]:
    try:
        hints = typing.get_type_hints(function)
    except NameError as error:
        raise ConfigError(f"An annotation of the tool {name} cannot be resolved: {error}") from error
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ConfigError(f"The tool {name} takes {parameter}, which cannot be given by name.")
        if parameter.name not in hints:
            raise ConfigError(f"{parameter.name!r} of the tool {name} needs a type annotation.")
        yield parameter, hints[parameter.name]


def takes_mapping(function: Callable[..., Any], parameters: Json) -> bool:
    """Whether it is a `handler(arguments, context)`: two parameters of which the schema knows neither."""
    names = inspect.signature(function).parameters.keys()
    return len(names) == 2 and names.isdisjoint(parameters.get("properties", {}))


def misfit(function: Callable[..., Any], names: Iterable[str]) -> str | None:
    """What keeps a function from being called with arguments of these names; None if nothing does."""
    try:
        inspect.signature(function).bind(**dict.fromkeys(names))
    except TypeError as error:
        return str(error)
    return None


_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def describe(annotation: Any, where: str) -> tuple[Json, Convert]:
    """A type as JSON Schema.

    Raises:
        ConfigError: it cannot be described; `where` says whose type it is.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _PLAIN:
        # JSON does not tell 5 from 5.0; whoever asked for an int gets one.
        return {"type": _PLAIN[annotation]}, annotation
    if annotation is dict or origin is dict:
        return _describe_dict(args, where)
    if origin is list:
        schema, convert = describe(args[0], where)
        return {"type": "array", "items": schema}, lambda value: [convert(item) for item in value]
    if origin is Literal:
        return _describe_choice(list(args), where), _unchanged
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _describe_choice([member.value for member in annotation], where), annotation
    if origin in (typing.Union, types.UnionType) and len(args) == 2 and type(None) in args:
        schema, convert = describe(next(arg for arg in args if arg is not type(None)), where)
        return {"anyOf": [schema, {"type": "null"}]}, lambda value: None if value is None else convert(value)
    shown = "list (of what? list[str])" if annotation is list else annotation
    raise ConfigError(f"{where} is annotated {shown}, which cannot be described to a model.")


def _describe_dict(args: tuple[Any, ...], where: str) -> tuple[Json, Convert]:
    if not args or args[1] is Any:
        return {"type": "object"}, _unchanged
    if args[0] is not str:
        raise ConfigError(f"{where} is a dict whose keys are not strings, which JSON does not have.")
    schema, convert = describe(args[1], where)
    described = {"type": "object", "additionalProperties": schema}
    return described, lambda value: {key: convert(item) for key, item in value.items()}


def _describe_choice(values: list[Any], where: str) -> Json:
    for kind in (str, int):
        if values and all(type(value) is kind for value in values):
            return {"type": _PLAIN[kind], "enum": values}
    raise ConfigError(f"{where} must be a choice among strings or among integers, not {values}.")


def _unchanged(value: Any) -> Any:
    return value


_SECTION = re.compile(r"(Args|Arguments|Returns|Raises|Yields|Examples?|Notes?):\s*")
_ARGUMENT = re.compile(r"(\w+)(?: \(.*?\))?: *(.*)")


def read_docstring(docstring: str) -> tuple[str, dict[str, str]]:
    """What a Google-style docstring, as `inspect.getdoc` returns it, says of the function and of each argument."""
    sections: dict[str, list[str]] = {"": []}
    lines = sections[""]
    for line in docstring.splitlines():
        heading = _SECTION.fullmatch(line)
        if heading:
            lines = sections.setdefault(heading[1], [])
        else:
            lines.append(line)
    notes: dict[str, str] = {}
    argument = ""
    for line in textwrap.dedent("\n".join(sections.get("Args") or sections.get("Arguments") or [])).splitlines():
        entry = _ARGUMENT.fullmatch(line)
        if entry:
            argument, notes[entry[1]] = entry[1], entry[2]
        elif argument and line.strip():
            notes[argument] += f" {line.strip()}"
    return "\n".join(sections[""]).strip(), notes
