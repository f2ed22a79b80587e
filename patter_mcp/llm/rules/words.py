"""Text as plain words: what a recogniser hears and what a person writes look the same after this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


def word_set(text: str) -> frozenset[str]:
    """The words of a plain list."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Token:
    """One word in lower case and the stretch of the text it came from."""

    word: str
    start: int
    end: int


UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip

_TOKEN = re.compile(
    r"(?<![^\W\d_])[ap]\.\s?m\b\.?"  # a.m., p. m.
    r"|\d{4}-\d{2}-\d{2}|\d{1,2}[:h]\d{2}(?!\d)|\d+(?:st|nd|rd|th)\b|\d+"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*",
    re.IGNORECASE,
)
_ENDINGS = (("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'m", "am"), ("'d", "would"))
_WHOLE = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "let's": "let us",
    "o'clock": "oclock", "ma'am": "madam", "gonna": "going to", "wanna": "want to", "gotta": "got to",
    "dont": "do not", "cant": "can not", "wont": "will not", "isnt": "is not", "arent": "are not", "wasnt": "was not",
    "doesnt": "does not", "didnt": "did not", "havent": "have not", "hasnt": "has not", "couldnt": "could not",
    "wouldnt": "would not", "thats": "that is", "whats": "what is", "im": "i am", "ive": "i have", "youre": "you are",
    "theyre": "they are", "theres": "there is", "whos": "who is", "ok": "okay", "alright": "all right",
    "voicemail": "voice mail",
}  # fmt: skip
_IS_AFTER = word_set("that it what who where when there here he she how everything nothing this name")
_PAIRS = {("p", "m"): "pm", ("a", "m"): "am", ("o", "clock"): "oclock", ("good", "bye"): "goodbye"}


def tokens_of(text: str) -> list[Token]:
    """The words of a text; contractions are spelled out ("can't" -> "can not"), "p m" and "p.m." become "pm"."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        raw = match.group().lower().replace("’", "'")
        tokens += (Token(word, match.start(), match.end()) for word in _plain(raw))
    return _paired(tokens)


def words_of(text: str) -> list[str]:
    return [token.word for token in tokens_of(text)]


def number_at(words: Sequence[str], index: int) -> tuple[int, int] | None:
    """The number 0 to 99 standing at `index` and the index after it."""
    if index >= len(words):
        return None
    word = words[index]
    if word.isdecimal():
        return int(word), index + 1
    if word in UNITS:
        return UNITS[word], index + 1
    if word not in TENS:
        return None
    unit = UNITS.get(words[index + 1], 0) if index + 1 < len(words) else 0
    return (TENS[word] + unit, index + 2) if 1 <= unit <= 9 else (TENS[word], index + 1)


def spoken_digits(words: Sequence[str]) -> str:
    """The digits of a code read aloud, in words or figures: "five two nine" -> "529"."""
    return "".join(
        word if word.isdecimal() else str(UNITS[word]) for word in words if word.isdecimal() or UNITS.get(word, 10) < 10
    )


def _plain(raw: str) -> list[str]:
    if raw in _WHOLE:
        return _WHOLE[raw].split()
    if raw[0] in "ap" and raw.replace(".", "").replace(" ", "") in ("am", "pm") and "." in raw:
        return [raw[0] + "m"]
    for ending, word in _ENDINGS:
        if raw.endswith(ending):
            return [raw.removesuffix(ending), word]
    stem = raw.removesuffix("'s")
    if stem != raw and (stem in _IS_AFTER or stem in UNITS):
        return [stem, "is"]
    return [raw]


def _paired(tokens: list[Token]) -> list[Token]:
    merged: list[Token] = []
    for token in tokens:
        pair = _PAIRS.get((merged[-1].word, token.word)) if merged else None
        if pair:
            token = Token(pair, merged.pop().start, token.end)
        merged.append(token)
    return merged
