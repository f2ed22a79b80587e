"""The phrase-book: templates of what people say on the phone, expanded to sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

_SLOT = re.compile(r"<(\w+)>")
_MAX_EXPANSIONS = 48
"""Of one template. Neighbouring templates take different ones, so that every value of a slot occurs somewhere."""

Slots = dict[str, list[str]]


def sentences() -> Iterator[tuple[str, float]]:
    """Every sentence and its weight: a template of many values weighs more than a fixed phrase, but not so often."""
    slots: Slots = {}
    for number, line in enumerate(_lines()):
        name, is_slot, values = line.partition("=")
        if is_slot:
            slots[name.strip()] = [value for form in values.split("|") for value in _all(form.strip(), slots)]
        else:
            expanded = _some(line, slots, number)
            yield from ((sentence, len(expanded) ** -0.5) for sentence in expanded)


def _lines() -> Iterator[str]:
    text = resources.files("patter_mcp.stt.pocketsphinx").joinpath("phrasebook.txt").read_text(encoding="utf-8")
    return (line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#"))


def _all(template: str, slots: Slots) -> list[str]:
    """As many sentences as the largest slot has values; the other slots take theirs in turn."""
    count = max((len(slots[name]) for name in _SLOT.findall(template)), default=1)
    return [_fill(template, slots, turn) for turn in range(count)]


def _some(template: str, slots: Slots, number: int) -> list[str]:
    expanded = _all(template, slots)
    step = -(-len(expanded) // _MAX_EXPANSIONS)
    return expanded[number % step :: step]


def _fill(template: str, slots: Slots, turn: int) -> str:
    parts = _SLOT.split(template)
    for position in range(1, len(parts), 2):
        values = slots[parts[position]]
        parts[position] = values[(turn * position + position // 2 * 7) % len(values)]
    return "".join(parts)
