"""Reading one table of a TOML file: each key at most once, of the right kind, within its bounds.

A complaint says where, what and how to put it right; reading goes on, so that one look shows all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from patter_mcp.sandbox.lines import TOP, Lines, Place

Word = TypeVar("Word", bound=str)


class Table:
    """Keys are taken one by one; `finish` complains about those nobody took.

    Args:
        values: The table.
        problems: Where complaints go.
        lines: Where in the file its tables and keys stand.
        name: How to call it, e.g. `step 3`; empty for the file's top level.
        place: Where in the file it stands.
    """

    def __init__(
        self, values: Mapping[str, Any], problems: list[str], lines: Lines, name: str = "", place: Place = TOP
    ) -> None:
        self._values = values
        self._problems = problems
        self._lines = lines
        self._name = name
        self._place = place
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def complain(self, message: str, key: str = "") -> None:
        """About the whole table, or one key of it."""
        line = self._lines.of(self._place, key)
        where = ", ".join(filter(None, (f"line {line}" if line else "", self._name)))
        self._problems.append(f"{where}: {message}" if where else message)

    def value(self, key: str) -> Any:
        self._known.append(key)
        return self._values.get(key)

    def text(self, key: str, default: str = "", *, max_chars: int = 500) -> str:
        value = self.value(key)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            self.complain(f'`{key}` must be a text in quotes, such as {key} = "…", and not empty', key)
            return default
        if len(value) > max_chars:
            self.complain(f"`{key}` has {len(value)} characters; {max_chars} are allowed", key)
        return value.strip()

    def needed_text(self, key: str, example: str) -> str:
        if key not in self:
            self._known.append(key)
            self.complain(f'`{key}` is missing; add {key} = "{example}"', key)
            return ""
        return self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.value(key)
        if value is None:
            return ()
        items = cast("list[object]", value) if isinstance(value, list) else []
        if not items or not all(isinstance(item, str) and item.strip() for item in items):
            self.complain(f'`{key}` must be a list of texts, such as {key} = ["first", "second"], and not empty', key)
            return ()
        return tuple(str(item).strip() for item in items)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        found = self.optional_number(key, low, high)
        return default if found is None else found

    def optional_number(self, key: str, low: float, high: float) -> float | None:
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.complain(f"`{key}` must be a number from {low:g} to {high:g}, without quotes", key)
            return None
        return value

    def flag(self, key: str) -> bool:
        value = self.value(key)
        if value not in (None, True):
            self.complain(f"`{key}` can only be {key} = true; leave the line out otherwise", key)
        return value is True

    def choice(self, key: str, options: Sequence[Word], default: Word | None = None) -> Word | None:
        value = self.value(key)
        if value is None or value in options:
            return cast("Word | None", value) or default
        self.complain(f"`{key}` must be one of {_listed(options)}{_meant(str(value), options)}", key)
        return default

    def table(self, key: str) -> Table | None:
        value = self.value(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.complain(f"`{key}` must be a table: a line [{key}] with its keys below", key)
            return None
        return Table(cast("dict[str, Any]", value), self._problems, self._lines, f"[{key}]", Place(key))

    def tables(self, key: str, name: str, heading: str) -> list[Table]:
        """An array of tables, written under [[heading]]; `name` and a number is what each of them is called."""
        value = self.value(key)
        items = cast("list[object]", value) if isinstance(value, list) else []
        if value is not None and not (items and all(isinstance(item, dict) for item in items)):
            self.complain(f"`{key}` must be written as one [[{heading}]] block for each entry", key)
            return []
        return [
            Table(
                cast("dict[str, Any]", item),
                self._problems,
                self._lines,
                f"{name} {position}",
                Place(heading, position),
            )
            for position, item in enumerate(items, 1)
        ]

    def slip_for(self, names: Sequence[str]) -> str:
        """Which of some names a key of this table may have been meant for: " (did you mean listen?)", or ""."""
        return next(filter(None, (_meant(key, names) for key in self._values)), "")

    def finish(self) -> None:
        for key in self._values:
            if key not in self._known:
                self.complain(f"unknown key `{key}`{_meant(key, self._known)}; known here: {_listed(self._known)}", key)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _meant(given: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(given, names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
