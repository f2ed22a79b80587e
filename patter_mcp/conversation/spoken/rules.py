"""What the formats have in common: each is a list of rules, applied in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

Rule = tuple[str, str | Callable[[re.Match[str]], str]]
"""A pattern and what replaces it. Compiled when first used: a server that merely starts speaks to nobody."""

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
"""1234, 1,234 or 1,234.5."""
APART = r"(?<![\w.,/:$€£¥₹+-])"
"""Before a number: it is not part of something else."""
COMPLETE = r"(?!\w|[.,:/-]\d)"
"""After a number, likewise."""
WORD = r"(?<![^\W\d_])"
"""Before a word: no letter; a digit may stand there, which becomes a word of its own."""
DOT = r"(?:\.(?=\s+[a-z]|\s*[,;:]))?"
"""An abbreviation's full stop that ends no sentence."""

compiled = cache(re.compile)


def apply(rules: Iterable[Rule], text: str) -> str:
    for pattern, replacement in rules:
        text = compiled(pattern).sub(replacement, text)
    return text


def any_of(words: Iterable[str]) -> str:
    """A pattern of alternatives, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
