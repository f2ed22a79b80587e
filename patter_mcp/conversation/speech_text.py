"""What a transcript's words say about the turn: finished or not, a mere backchannel, a request to wait."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

BACKCHANNELS = frozenset(
    (
        "ah", "aha", "alright", "hm", "hmm", "huh", "mhm", "mm", "mmhm", "mmhmm", "mm-hm", "oh", "ok",
        "okay", "right", "sure", "uh", "uh-huh", "uhhuh", "uhuh", "yeah", "yep", "yes", "yup",
    )
)  # fmt: skip
"""Words that, alone and over our speech, mean "go on" rather than "stop"."""

_DANGLING = frozenset(
    (
        "a", "an", "and", "at", "because", "but", "for", "from", "if", "in", "is", "it's", "like", "my",
        "of", "on", "or", "so", "than", "that", "the", "to", "uh", "um", "when", "with",
    )
)  # fmt: skip
"""Words nobody ends a turn with."""

_DIGIT_WORDS = frozenset(
    (
        "oh", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double",
        "triple",
    )
)  # fmt: skip
_FAREWELLS = frozenset(
    (
        "a", "again", "bye", "day", "evening", "good", "goodbye", "great", "have", "later", "much", "nice", "night",
        "see", "so", "take", "care", "thank", "thanks", "then", "too", "very", "welcome", "you", "you're",
    )
)  # fmt: skip
_HOLD = re.compile(
    r"\b(?:hold (?:on|please|the line)|one (?:moment|second|sec|minute)|just a (?:moment|second|sec|minute)|"
    r"give me a (?:moment|second|sec|minute)|let me (?:check|see|look|have a look)|bear with me|please hold|wait a)\b"
)

_ASK = (
    r"(?:hello|hey|(?:are )?you (?:still )?there|(?:is )?any(?:one|body) there|"
    r"(?:can|do) you (?:still )?hear me)"
)
_PROD = re.compile(rf"(?:(?:um|uh|so|sorry|okay|yeah) )*{_ASK}(?: {_ASK}| sir| ma'am)*")


def words(text: str) -> list[str]:
    """Lower-case words, punctuation gone."""
    return [word.casefold() for word in _WORD.findall(unicodedata.normalize("NFKC", text))]


def same_words(one: str, other: str) -> bool:
    """Equal but for case and punctuation: a reply begun on one serves for the other."""
    return words(one) == words(other)


def is_backchannel(text: str) -> bool:
    """At most three words, all of them saying "go on"."""
    heard = words(text)
    return 0 < len(heard) <= 3 and all(word in BACKCHANNELS for word in heard)


def asks_to_wait(text: str) -> bool:
    return _HOLD.search(" ".join(words(text))) is not None


def sounds_unfinished(text: str) -> bool:
    """The speaker is likely to go on: a dangling word, or digits or letters being dictated."""
    if text.rstrip().endswith(("?", "!")):
        return False
    heard = words(text)
    return bool(heard) and (heard[-1] in _DANGLING or _is_dictating(heard))


def _is_dictating(heard: list[str]) -> bool:
    """Three or more digits or letters in a row at the end, fewer than make a phone number or a long name."""
    run = 0
    for word in reversed(heard):
        if not (word.isdigit() or word in _DIGIT_WORDS or len(word) == 1):
            break
        run += len(word) if word.isdigit() else 1
    return 3 <= run < 10


def asks_if_there(text: str) -> bool:
    """Nothing but "hello?" and "are you there?"."""
    return _PROD.fullmatch(" ".join(words(text))) is not None


def is_farewell(text: str) -> bool:
    """Nothing but thanks and goodbyes."""
    heard = words(text)
    return bool(heard) and len(heard) <= 8 and all(word in BACKCHANNELS or word in _FAREWELLS for word in heard)
