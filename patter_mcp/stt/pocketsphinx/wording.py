"""Written text to the words a recogniser can hear: lower case, no punctuation, numbers spelled out."""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"\$?\d+(?::\d\d)?(?:st|nd|rd|th)?|&|[a-z]+(?:'[a-z]+)*")
_MERIDIEM = re.compile(r"(?<=\d)\s*([ap])\.?m\b\.?|\b([ap])\.\s?m\b\.?")
_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_SHORT_FORMS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "pm": "p m", "&": "and"}


def spoken_words(text: str) -> list[str]:
    """`"Come at 4:30 p.m."` becomes `come at four thirty p m`."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("’", "'")).encode("ascii", "ignore").decode()
    tokens = _TOKEN.findall(_MERIDIEM.sub(r" \1\2 m ", plain))
    return [word for token in tokens for word in _spoken(token)]


def _spoken(token: str) -> list[str]:
    if token.startswith("$"):
        return [*_spoken(token[1:]), "dollars"]
    if ":" in token:
        hour, minutes = token.split(":")
        return [*_cardinal(hour), *_minutes(minutes)]
    if token[0].isdigit() and not token.isdigit():
        return _ordinal(token[:-2])
    if token.isdigit():
        return _cardinal(token)
    return _SHORT_FORMS.get(token, token).split()


def _cardinal(digits: str) -> list[str]:
    """Up to 999 as a number; what is longer is read digit by digit."""
    if len(digits) > 3 or (len(digits) > 1 and digits[0] == "0"):
        return [_ONES[int(digit)] for digit in digits]
    hundreds, rest = divmod(int(digits), 100)
    if not hundreds:
        return _below_hundred(rest)
    return [_ONES[hundreds], "hundred", *(_below_hundred(rest) if rest else ())]


def _below_hundred(number: int) -> list[str]:
    if number < 20:
        return [_ONES[number]]
    tens, ones = divmod(number, 10)
    return [_TENS[tens], *([_ONES[ones]] if ones else ())]


def _ordinal(digits: str) -> list[str]:
    *front, last = _cardinal(digits)
    return [*front, _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")]


def _minutes(digits: str) -> list[str]:
    if digits == "00":
        return ["o'clock"]
    return ["oh", _ONES[int(digits)]] if digits[0] == "0" else _below_hundred(int(digits))
