"""Where the tables and keys of a TOML text stand, which its parser does not tell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_HEADING = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_MANY_LINES = re.compile(r'"""|' + "'''")
"""Begins and ends a text of several lines."""


@dataclass(frozen=True, slots=True)
class Place:
    """A table in a file: the `position`-th [[heading]], or the only [heading] (0); without a heading the top level."""

    heading: str = ""
    position: int = 0


TOP = Place()


class Lines:
    """Line numbers of one file, from 1."""

    def __init__(self, text: str) -> None:
        self._found: dict[tuple[Place, str], int] = {}
        self._read(text)

    def of(self, place: Place, key: str = "") -> int | None:
        """The line of a key, else that of its table; None where the table is not written under a heading."""
        return self._found.get((place, key)) or self._found.get((place, ""))

    def _read(self, text: str) -> None:
        place, counts, is_text = TOP, Counter[str](), False
        for number, line in enumerate(text.splitlines(), 1):
            if heading := None if is_text else _HEADING.match(line):
                counts[heading[2]] += 1
                place = Place(heading[2], counts[heading[2]] if heading[1] == "[[" else 0)
                self._found[place, ""] = number
            elif key := None if is_text else _KEY.match(line):
                self._found.setdefault((place, key[1]), number)
            is_text ^= len(_MANY_LINES.findall(line)) % 2 == 1
