"""Amounts of money."""

from __future__ import annotations

import re

from patter_mcp.conversation.spoken.number_words import cardinal, decimal
from patter_mcp.conversation.spoken.rules import NUMBER, Rule, any_of

_CURRENCIES = {
    "$": ("dollar", "cent"), "US$": ("US dollar", "cent"), "C$": ("Canadian dollar", "cent"),
    "A$": ("Australian dollar", "cent"), "USD": ("US dollar", "cent"), "CAD": ("Canadian dollar", "cent"),
    "AUD": ("Australian dollar", "cent"), "€": ("euro", "cent"), "EUR": ("euro", "cent"), "£": ("pound", "penny"),
    "GBP": ("pound", "penny"), "CHF": ("Swiss franc", "centime"), "¥": ("yen", ""), "JPY": ("yen", ""),
    "₹": ("rupee", "paisa"), "INR": ("rupee", "paisa"), "₩": ("won", ""), "¢": ("cent", ""),
}  # fmt: skip
_PLURALS = {"penny": "pence", "yen": "yen", "won": "won", "paisa": "paise"}
_SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion"}

_SIGN = any_of(_CURRENCIES)
_SCALE = r"(?: ?(thousand|million|billion|trillion)\b|(k|mn|m|bn|b)\b)?"
_AMOUNT = rf"({NUMBER}|\.\d+){_SCALE}"
_RANGE = rf"(?<![\w.,])({_SIGN}) ?({NUMBER}) ?(?:[-–—] ?(?:{_SIGN})?|to (?:{_SIGN})) ?{_AMOUNT}"
_BEFORE = rf"(?i)([-−])?(?<![\w.,])({_SIGN}) ?([-−])?{_AMOUNT}"
_AFTER = rf"(?<![\w.,])([-−])?{_AMOUNT} ?({_SIGN})(?!\w)"
_PER = r"(?<=[a-z]) ?/ ?(?=(?:hour|hr|day|week|month|year|person|night|item|unit|minute|min|each)\b)"


def _money(sign: str, number: str, scale: str) -> str:
    unit, small = _CURRENCIES[sign.upper()]
    whole, point, fraction = number.replace(",", "").partition(".")
    if scale or not small or not point or len(fraction) != 2:
        words = f"{decimal(number)} {scale}".rstrip()
        return f"{words} {_counted(unit, one=words == 'one')}"
    large, cents = decimal(whole or "0"), int(fraction)
    parts = [f"{large} {_counted(unit, one=large == 'one')}"] if large != "zero" or not cents else []
    if cents:
        parts.append(f"{cardinal(cents)} {_counted(small, one=cents == 1)}")
    return " and ".join(parts)


def _counted(unit: str, *, one: bool) -> str:
    return unit if one else _PLURALS.get(unit, f"{unit}s")


def _scale(word: str | None, letter: str | None) -> str:
    return word.lower() if word else _SCALES.get((letter or "").lower(), "")


def _range(match: re.Match[str]) -> str:
    return f"{decimal(match[2])} to {_money(match[1], match[3], _scale(match[4], match[5]))}"


def _before(match: re.Match[str]) -> str:
    minus = "minus " if match[1] or match[3] else ""
    return minus + _money(match[2], match[4], _scale(match[5], match[6]))


def _after(match: re.Match[str]) -> str:
    return ("minus " if match[1] else "") + _money(match[5], match[2], _scale(match[3], match[4]))


RULES: tuple[Rule, ...] = ((_RANGE, _range), (_BEFORE, _before), (_AFTER, _after), (_PER, " per "))
