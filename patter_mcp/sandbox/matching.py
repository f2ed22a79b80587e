"""Does what was heard contain a phrase? Tolerant, because the hearing is poor and people word things as they like."""

from __future__ import annotations

import re
from collections.abc import Sequence

Words = tuple[str, ...]

MAX_WORDS_BETWEEN = 2
"""So many words may stand between two neighbours of a phrase: "is that right" is heard in "is all that right"."""

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = frozenset((*_ONES, *_TENS))

_CONTRACTIONS = (
    ("can't", "can not"), ("cannot", "can not"), ("won't", "will not"), ("n't", " not"), ("'re", " are"),
    ("'ll", " will"), ("'ve", " have"), ("'m", " am"), ("'d", " would"), ("'s", " is"),
)  # fmt: skip


def words(text: str) -> Words:
    """The text in the form phrases are compared in: lower case, contractions and numbers written out, endings cut."""
    plain = text.lower().replace("\u2019", "'")
    for short, long in _CONTRACTIONS:
        plain = plain.replace(short, long)
    plain = re.sub(r"\d+", lambda digits: f" {spelled(digits.group())} ", plain)
    return tuple(_stem(word) for word in re.findall(r"[a-z]+", plain))


def contains(heard: Words, phrase: Words) -> bool:
    """The phrase's words occur in their order, with few others between them."""
    if not phrase:
        return False
    ends = {place for place, word in enumerate(heard) if word == phrase[0]}
    for wanted in phrase[1:]:
        ends = {
            place
            for end in ends
            for place in range(end + 1, min(end + 2 + MAX_WORDS_BETWEEN, len(heard)))
            if heard[place] == wanted
        }
    return bool(ends)


def contains_any(heard: Words, phrases: Sequence[Words]) -> bool:
    return any(contains(heard, phrase) for phrase in phrases)


def spelled(digits: str) -> str:
    """A number below a hundred in words, a longer one digit by digit."""
    if len(digits) > 2 or digits.startswith("0"):
        return " ".join(_ONES[int(digit)] for digit in digits)
    number = int(digits)
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f" {_ONES[ones]}" if ones else "")


def _stem(word: str) -> str:
    """Without its ending, so that "booking" is heard where "book" is listened for; numbers stay as they are."""
    if word in _NUMBERS:
        return word
    for ending in ("ing", "ed", "es", "s", "d"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word.rstrip("e") if len(word) > 3 else word
