"""English words for numbers, the American way: no "and" inside them."""

from __future__ import annotations

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion")
_LONGEST = 3 * len(_SCALES)
"""Digits of the longest number that has words."""
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip


def cardinal(number: int) -> str:
    """ "one thousand two hundred thirty-four", of a number of at most 15 digits."""
    if number == 0:
        return _ONES[0]
    parts: list[str] = []
    for scale in _SCALES:
        number, group = divmod(number, 1000)
        if group:
            parts.append(f"{_below_thousand(group)} {scale}".rstrip())
    return " ".join(reversed(parts))


def ordinal(number: int) -> str:
    """ "twenty-first"."""
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last in _ORDINALS:
        return words[:cut] + _ORDINALS[last]
    return words[:cut] + (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")


def decimal(text: str) -> str:
    """ "1,234.50" as "one thousand two hundred thirty-four point five zero"; a sign may stand before it."""
    sign, text = ("minus ", text[1:]) if text[:1] in ("-", "−") else ("", text)
    whole, point, fraction = text.replace(",", "").partition(".")
    words = cardinal(int(whole or 0)) if len(whole) <= _LONGEST else digits(whole)
    return f"{sign}{words} point {digits(fraction)}" if point else sign + words


def digits(text: str) -> str:
    """Each digit by itself; anything else in the text is skipped."""
    return " ".join(_ONES[int(char)] for char in text if char.isdecimal())


def dictated(text: str) -> str:
    """Digit by digit, with a comma between groups."""
    return ", ".join(map(digits, grouped(text)))


def grouped(text: str) -> list[str]:
    """The digits of the text in its own groups; in threes and fours where it has none."""
    runs = "".join(char if char.isdecimal() else " " for char in text).split()
    if all(len(run) == 1 for run in runs):
        runs = ["".join(runs)]
    groups: list[str] = []
    for run in runs:
        while len(run) > 5:
            cut = 4 if len(run) == 8 else 3
            groups.append(run[:cut])
            run = run[cut:]
        groups.append(run)
    return groups


def pairs(number: int) -> str:
    """Years, rooms, house numbers: 2026 is "twenty twenty-six", 305 "three oh five"."""
    if number < 100 or number >= 10_000 or number % 1000 < 10:
        return cardinal(number)
    high, low = divmod(number, 100)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {cardinal(low) if low >= 10 else f'oh {cardinal(low)}'}"


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    parts = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        parts.append(f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens])
    elif rest:
        parts.append(_ONES[rest])
    return " ".join(parts)
