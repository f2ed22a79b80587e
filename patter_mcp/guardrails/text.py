"""Which characters have no place in text that comes from outside."""

from __future__ import annotations

import re

_HIDDEN = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
"""Bidirectional controls, which make text read differently from what it says, and Unicode tag
characters, which models read and people do not see."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
"""C0 and C1 controls but line feed and tab; lone surrogates, which cannot be written as UTF-8, and U+FFFD, which says
that a character was lost on the way here."""


def without_hidden(text: str) -> str:
    return _HIDDEN.sub("", text)


def has_control(text: str) -> bool:
    return _CONTROL.search(text) is not None
