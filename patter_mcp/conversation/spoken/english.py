"""English as it is spoken."""

from __future__ import annotations

import re

from patter_mcp.conversation.spoken import abbreviations, addresses, calendar, identifiers, measures, money
from patter_mcp.conversation.spoken.number_words import decimal, dictated, digits
from patter_mcp.conversation.spoken.rules import NUMBER, Rule, any_of, apply

_BETWEEN_NUMBERS = {
    "*": "times", "×": "times", "x": "by", "+": "plus", "=": "equals", "<": "less than", ">": "greater than",
    "÷": "divided by", "/": "slash", ":": "to", "−": "minus", "^": "to the power of",
}  # fmt: skip
_SIGNS = {
    "&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals", "°": "degrees", "§": "section", "≈": "about",
    "±": "plus or minus", "×": "times", "÷": "divided by", "≤": "at most", "≥": "at least", "№": "number", "→": "to",
    "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "₹": "rupees", "¢": "cents", "²": "squared", "³": "cubed",
}  # fmt: skip
_COMPARISONS = {"<": "less than", ">": "greater than", "->": "to", "=>": "to", "<=": "at most", ">=": "at least"}
_KEYS = {"*": "star", "#": "pound"}


def english(text: str) -> str:
    """No digit is left in it, and no sign a voice might read out by its name."""
    text = apply(_WORDS, text)
    if any(map(str.isdecimal, text)):
        text = apply(_NUMBERS, text)
    return apply(_REST, text).strip()


def _plain(match: re.Match[str]) -> str:
    """A zero in front, or more digits than anybody writes without a comma, make it a name rather than a quantity."""
    whole, point, fraction = match[0].partition(".")
    is_long = len(whole) >= 7 and "," not in whole and not point and not whole.endswith("000")
    if is_long or (len(whole) > 1 and whole[0] == "0"):
        return dictated(whole) + (f" point {digits(fraction)}" if point else "")
    return decimal(match[0])


_KEY: tuple[Rule, ...] = (
    (r"(?<![^\s\"'(])([*#])(?![^\s\"').,!?])", lambda match: _KEYS[match[1]]),
    (r"(?<!\w)\*(?=\d)", "star "),
    (r"(?<=\d)#", " pound "),
)
_WORDS: tuple[Rule, ...] = (*addresses.RULES, *abbreviations.RULES, *calendar.NAMES)
_NUMBERS: tuple[Rule, ...] = (
    *identifiers.SHORT,
    *calendar.DATES,
    *identifiers.RULES,
    *measures.RANGES,
    *calendar.TIMES,
    *money.RULES,
    *measures.RULES,
    *identifiers.CODES,
    (r"#(?=\d)", "number "),
    (r"~(?=\d)", "about "),
    (
        rf"(?<=\d) ?([{re.escape(''.join(_BETWEEN_NUMBERS))}]) ?(?=[-−]?\d)",
        lambda match: f" {_BETWEEN_NUMBERS[match[1]]} ",
    ),
    *_KEY,
    (r"(?<=\d) ?/ ?(?=[a-z])", " per "),
    (rf"(?<![\w.,)])[-−](?={NUMBER})", "minus "),
    (identifiers.SEAM, " "),
    (rf"{NUMBER}|\.\d+", _plain),
)
_REST: tuple[Rule, ...] = (
    *_KEY,
    (r"(?<=\b[A-G])#", " sharp"),
    (rf"(?<=\s)({any_of(_COMPARISONS)})(?=\s)", lambda match: _COMPARISONS[match[1]]),
    (f" ?([{re.escape(''.join(_SIGNS))}]) ?", lambda match: f" {_SIGNS[match[1]]} "),
    (r" ?/ ?", " "),
    (r"[*#_\\^`{}|<>~•©®™º]+", " "),
    (r"\s+", " "),
    (r" +(?=[.,;:!?](?:[\s\"')]|$))", ""),
)
