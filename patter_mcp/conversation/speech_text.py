"""What a transcript's words say about the turn: finished or not, a mere backchannel, a request to wait."""

from __future__ import annotations

import re
import unicodedata

from patter_mcp.conversation.dangling import is_dangling

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

BACKCHANNELS = frozenset(
    (
        "ah", "aha", "alright", "hm", "hmm", "huh", "mhm", "mm", "mmhm", "mmhmm", "mm-hm", "oh", "ok",
        "okay", "right", "sure", "uh", "uh-huh", "uhhuh", "uhuh", "yeah", "yep", "yes", "yup",
        "ach", "genau", "gut", "ja", "jo", "klar",
        "claro", "sí", "vale",
        "d'accord", "oui", "ouais", "voilà",
        "certo", "esatto", "sì", "va", "bene",
        "precies",
        "certo", "isso", "sim", "tá",
    )
)  # fmt: skip
"""Words that, alone and over our speech, mean "go on" rather than "stop"; of several languages, as they differ."""

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
    r"give me a (?:moment|second|sec|minute)|let me (?:check|see|look|have a look)|bear with me|please hold|wait a|"
    r"(?:einen|ein|kleinen) (?:moment|augenblick)|moment bitte|bleiben sie dran|"
    r"(?:un|une) (?:instant|moment|seconde|minute)|ne quittez pas|patientez|"
    r"un (?:momento|momentito|segundo|minuto)|espere|no cuelgue|"
    r"un attimo|attenda|resti in linea|(?:een|één) (?:moment|ogenblik)|momentje|blijf aan de lijn|"
    r"um (?:momento|instante|minuto|minutinho)|só um|aguarde)\b"
)

_TOKEN = re.compile(r"[^\s,.;!?\"'()]+(?:[.:]\d+)*")
_DIGITS = re.compile(r"\d+(?:-\d+)*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_HALF_DAY = re.compile(r"\b[ap]\.? ?m\b\W*$")
_SPELLED = re.compile(r"\b[a-z] (?:as in|for|like) [a-z']+\W*$")
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


def sounds_unfinished(text: str, language: str = "en") -> bool:
    """The speaker is likely to go on: a dangling word, or digits or letters being dictated."""
    if text.rstrip().endswith(("?", "!")):
        return False
    heard = words(text)
    return bool(heard) and (is_dangling(heard[-1], language) or _is_dictating(text.casefold()))


def _is_dictating(text: str) -> bool:
    """Digits or letters in a row at the end, fewer than make a phone number or a long name.

    Not a year, a price or a time of day.
    """
    if _HALF_DAY.search(text):
        return False
    if _SPELLED.search(text):
        return True
    tokens: list[str] = _TOKEN.findall(text)
    run: list[str] = []
    for token in reversed(tokens):
        # A letter has a capital: a lone Chinese character is a word.
        is_letter = len(token) == 1 and token != token.upper()
        if not (is_letter or _DIGITS.fullmatch(token) or token in _DIGIT_WORDS):
            break
        run.append(token)
    if len(run) == 1 and _YEAR.fullmatch(run[0]):
        return False
    length = sum(len(token.replace("-", "")) if token[0].isdigit() else 1 for token in run)
    if _DIGIT_WORDS.isdisjoint(run) and all(map(str.isalpha, run)):
        # A single letter is the beginning of a spelled name if nothing was said before it, and else an answer.
        return len(run) >= min(2, len(tokens))
    return 3 <= length < 10


def asks_if_there(text: str) -> bool:
    """Nothing but "hello?" and "are you there?"."""
    return _PROD.fullmatch(" ".join(words(text))) is not None


def is_farewell(text: str) -> bool:
    """Nothing but thanks and goodbyes."""
    heard = words(text)
    return bool(heard) and len(heard) <= 8 and all(word in BACKCHANNELS or word in _FAREWELLS for word in heard)
