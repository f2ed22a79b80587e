"""Tool calls out of fragments, as OpenAI and the many servers after its likeness send them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from patter_mcp.llm.base import ToolCallChunk


def new_call_id() -> str:
    """For vendors that send none. OpenAI takes at most 40 characters, Anthropic letters, digits, `_` and `-`."""
    return f"call_{uuid.uuid4().hex[:24]}"


@dataclass(slots=True)
class _Call:
    number: int
    id: str = ""
    name: str = ""
    waiting: list[str] = field(default_factory=list[str])
    """Arguments that came before the name."""
    announced: bool = False
    empty: bool = True


class ToolFragments:
    """Sorts fragments by call.

    By the book a fragment has an `index`, and the first one of a call its id and name. Some servers omit the index,
    give all calls the same one, repeat id and name every time, send arguments first, or as an object.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def feed(self, fragment: Mapping[str, Any]) -> Iterator[ToolCallChunk]:
        function = fragment.get("function") or {}
        call = self._call(fragment.get("index"), fragment.get("id") or "", bool(function.get("name")))
        call.name = call.name or function.get("name") or ""
        call.waiting.append(_text(function.get("arguments")))
        if call.name:
            yield from self._release(call)

    def close(self) -> Iterator[ToolCallChunk]:
        """Raises:
        ValueError: a call never got a name.
        """
        for call in self._calls:
            if not call.announced:
                raise ValueError("a tool call without a name")
            if call.empty:
                yield ToolCallChunk(index=call.number, arguments="{}")

    def _call(self, index: int | None, call_id: str, begins: bool) -> _Call:
        call = self._find(index, call_id, begins)
        if call is None:
            call = _Call(number=self._number(index))
            self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        call.id = call.id or call_id
        return call

    def _find(self, index: int | None, call_id: str, begins: bool) -> _Call | None:
        if index is None:
            named = next((call for call in self._calls if call_id and call.id == call_id), None)
            last = self._calls[-1] if self._calls and not call_id and not begins else None
            return named or last
        call = self._by_index.get(index)
        is_another = call is not None and begins and call_id and call.id not in ("", call_id)
        return None if is_another else call

    def _number(self, index: int | None) -> int:
        taken = {call.number for call in self._calls}
        return index if index is not None and index not in taken else max(taken, default=-1) + 1

    def _release(self, call: _Call) -> Iterator[ToolCallChunk]:
        arguments = "".join(call.waiting)
        call.waiting.clear()
        call.empty = call.empty and not arguments
        if not call.announced:
            call.announced = True
            call.id = call.id or new_call_id()
            yield ToolCallChunk(index=call.number, id=call.id, name=call.name, arguments=arguments)
        elif arguments:
            yield ToolCallChunk(index=call.number, arguments=arguments)


def _text(arguments: object) -> str:
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else json.dumps(arguments)
