"""What a goal accepts: the preferred day and time, and how far an offer may lie from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from patter_mcp.llm.rules.clock import HALF_DAY, Clock, TimeMention, find_times
from patter_mcp.llm.rules.day import Day, find_days
from patter_mcp.llm.rules.goal import Window, usual_hour
from patter_mcp.llm.rules.people import find_party
from patter_mcp.llm.rules.words import words_of

AROUND_MIN = 90
"""How far from "around three" an offer may be, in minutes."""
_DAY_END = 24 * 60 - 1
_PARTS = {
    "morning": Window(6 * 60, 12 * 60, "in the morning"),
    "afternoon": Window(12 * 60, 18 * 60, "in the afternoon"),
    "evening": Window(17 * 60, 23 * 60, "in the evening"),
    "lunchtime": Window(11 * 60 + 30, 14 * 60, "around lunchtime"),
}

_AROUND = frozenset({"around", "about", "approximately", "roughly"})

_CONDITION = re.compile(
    r"\b(?:if|when|in case|should)\b[^.;]*?\b(?:available|possible|free|full|taken|booked|open|gone|works?|closed|"
    r"busy|not)\b",
    re.IGNORECASE,
)
_PIECES = re.compile(
    r"[.;\n,!?]|\s-\s|\b(?=(?:otherwise|alternatively|but|or else|preferably|ideally|any ?time)\b)", re.I
)
_SECOND_CHOICE = re.compile(
    r"\b(?:otherwise|alternatively|also|too|fine|okay|ok|acceptable|accept|alternative|instead|as well|works|"
    r"backup|fallback|"
    r"flexible|or else|good|any ?time|possible|settle|any)\b",
    re.IGNORECASE,
)
_STRICT = re.compile(
    r"\b(?:only|exactly|sharp|no other|nothing else|not flexible|must be|has to be|have to be|strictly|precisely|"
    r"(?:do not|don't|never) (?:accept|agree|book|take|settle)|no alternatives?|other (?:times?|days?) (?:will|do|"
    r"does)(?: not|n't))\b",
    re.IGNORECASE,
)
_ANY_TIME = re.compile(
    r"\b(?:any ?time|any (?:other )?time|time (?:does not|doesn't) matter|whatever time|flexible|another time|"
    r"any slot|earliest|"
    r"as soon as possible|asap|first available|next available|soonest)\b",
    re.IGNORECASE,
)
_ANY_DAY = re.compile(
    r"\b(?:any (?:other )?(?:week)?day|day (?:does not|doesn't) matter|whatever day|another day|other days|"
    r"as soon as possible|"
    r"asap|next available|first available|earliest|soonest|(?:next|following) day|day after (?:is|would|works))\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:no|not|never)\b|n't\b", re.IGNORECASE)
_NOT_DAY = re.compile(r"\b(?:not|except(?: for)?|but not|never|avoid|no)\s+(?:on\s+)?(\w+day)s?\b", re.IGNORECASE)
_NOT_LATER = re.compile(
    r"\b(?:no|not) later than|\bat the latest by|\blatest\b|\b(?:nothing|none|not|never) (?:later than|after)\b",
    re.IGNORECASE,
)
_NOT_EARLIER = re.compile(
    r"\b(?:no|not) earlier than|\bearliest at\b|\b(?:nothing|none|not|never) (?:earlier than|before)\b", re.IGNORECASE
)


@dataclass(slots=True)
class Terms:
    """Filled while the pieces of a goal are read from left to right."""

    reference: int
    time: Clock | None = None
    days: list[Day] = field(default_factory=list[Day])
    excluded_days: list[Day] = field(default_factory=list[Day])
    windows: list[Window] = field(default_factory=list[Window])
    any_time: bool = False
    any_day: bool = False
    strict: bool = False

    @property
    def accepted(self) -> tuple[Window, ...]:
        """ "Any time" lifts single times, but not the limits set beside it."""
        return tuple(window for window in self.windows if not self.any_time or window.start < window.end)


def read_terms(text: str) -> Terms:
    """Terms of an arrangement in a goal's words."""
    terms = Terms(usual_hour(text), strict=bool(_STRICT.search(text)))
    terms.excluded_days = [
        mention.day for match in _NOT_DAY.finditer(text) for mention in find_days(words_of(match[1]))
    ]
    text = _NOT_DAY.sub(" ", text)
    text = _NOT_EARLIER.sub(" after ", _NOT_LATER.sub(" before ", text))
    for piece in _PIECES.split(_CONDITION.sub("; otherwise ", text)):
        _read_piece(terms, piece)
    terms.any_day |= bool(_ANY_DAY.search(text)) and not terms.strict
    return terms


def _read_piece(terms: Terms, piece: str) -> None:
    words = _without_party(words_of(piece))
    is_second = bool(_SECOND_CHOICE.search(piece)) and (terms.time is not None or bool(terms.days or terms.windows))
    times = find_times(words)
    _read_days(terms, words, is_second=is_second)
    _read_times(terms, words, times, is_second=is_second)
    if times:
        return
    parts = [window for name, window in _PARTS.items() if name in words]
    is_free = terms.time is None and not terms.windows
    if is_free or (is_second and not _STRICT.search(piece)):
        terms.windows += parts
    terms.any_time |= bool(_ANY_TIME.search(piece)) and not parts and not _NEGATED.search(piece)


def _read_days(terms: Terms, words: Sequence[str], *, is_second: bool) -> None:
    days = [mention.day for mention in find_days(words)]
    is_choice = "or" in words or "either" in words
    known = is_second or is_choice or not terms.days
    for day in days if is_choice or is_second else days[:1]:
        if known and all(day.spoken != other.spoken for other in terms.days):
            terms.days.append(day)


def _read_times(terms: Terms, words: Sequence[str], times: Sequence[TimeMention], *, is_second: bool) -> None:
    reference = _reference(terms, words)
    limits = [mention for mention in times if mention.bound != "at"]
    if limits:
        window = _window(limits, reference)
        is_choice = is_second or "or" in words or bool(find_days(words))
        narrowed = [] if is_choice else [part for known in terms.windows if (part := known.within(window))]
        terms.windows = narrowed or [*terms.windows, window]
    for mention in times:
        clock = mention.clock.near(reference)
        if mention.start > 0 and words[mention.start - 1] in _AROUND:
            terms.windows.append(_around(clock, AROUND_MIN))
        if mention.bound != "at":
            continue
        if terms.time is None and not is_second:
            terms.time = clock
        elif is_second or "or" in words:
            terms.windows.append(_around(clock, 0))


def _window(limits: Sequence[TimeMention], reference: int) -> Window:
    times = {mention.bound: mention.clock.near(reference) for mention in reversed(limits)}
    start, end = times.get("after"), times.get("before")
    if start and end:
        if end.minutes < start.minutes:
            end = Clock(end.minutes + HALF_DAY, sure=True)
        return Window(start.minutes, end.minutes, f"between {start.spoken} and {end.spoken}")
    if start:
        return Window(start.minutes, _DAY_END, f"after {start.spoken}")
    return Window(0, end.minutes, f"before {end.spoken}") if end else Window(0, _DAY_END)


def _around(clock: Clock, margin: int) -> Window:
    spoken = f"around {clock.spoken}" if margin else f"at {clock.spoken}"
    return Window(clock.minutes - margin, clock.minutes + margin, spoken)


def _reference(terms: Terms, words: Sequence[str]) -> int:
    """Where a bare hour of this piece is likely to lie."""
    part = next((window for name, window in _PARTS.items() if name in words), None)
    if part:
        return (part.start + part.end) // 2
    return terms.time.minutes if terms.time else terms.reference


def _without_party(words: Sequence[str]) -> list[str]:
    """ "A table for four at eight": the four is nobody's time."""
    party = find_party(words)
    return [*words[: party.start], *words[party.end :]] if party else list(words)
