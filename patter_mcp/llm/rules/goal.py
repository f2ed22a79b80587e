"""A caller's goal in free text, read into what a phone call needs: what, when, for whom, and how strict."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from patter_mcp.llm.rules.clock import Clock
from patter_mcp.llm.rules.day import Day
from patter_mcp.llm.rules.words import word_set, words_of

_REASON = re.compile(r"(?:it is (?:about|for|because)|the reason|i have|there is)\b", re.IGNORECASE)
_COMMON = word_set(
    "the and for you your our that this with what which when where who how why are was will would like have has had "
    "does did can could should may shall please want need know get tell about there here then its okay yes yeah sure "
    "all right well just also any some from but not calling call number name come coming"
)
"""Words that many questions have, and that say nothing of what is asked about."""


class Kind(Enum):
    """What sort of errand it is; the first four end in an arrangement that has to be confirmed."""

    BOOK = "book"
    CANCEL = "cancel"
    MOVE = "move"
    DO = "do"
    """Something else they can do for us: renew, refill, hold."""
    ASK = "ask"
    TELL = "tell"
    NONE = "none"
    """Nothing we can judge."""

    @property
    def is_deal(self) -> bool:
        return self in (Kind.BOOK, Kind.CANCEL, Kind.MOVE, Kind.DO)


@dataclass(frozen=True, slots=True)
class Window:
    """Acceptable minutes since midnight, both ends included."""

    start: int
    end: int
    spoken: str = ""

    def within(self, limit: Window) -> Window | None:
        """What of it lies within the limit, called by the limit's name."""
        start, end = max(self.start, limit.start), min(self.end, limit.end)
        return Window(start, end, limit.spoken) if start < end else None


@dataclass(frozen=True, slots=True)
class Slot:
    """A day and a time; None where it was not said."""

    day: Day | None = None
    time: Clock | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    text: str = ""
    kind: Kind = Kind.NONE
    verb: str = ""
    """How we say what we want: "book", "order", "cancel"."""
    task: str = ""
    """What it is about, in words meant for the callee: "a haircut", "what time you close today", the message."""
    recipient: str = ""
    """Whom a message is for."""
    questions: tuple[str, ...] = ()
    """What to find out, in the caller's words."""
    further: str = ""
    """What is asked for beside the questions, which these rules do not pursue: "reserve two if they do"."""
    name: str = ""
    phone: str = ""
    party: int | None = None
    facts: tuple[tuple[str, str], ...] = ()
    """What else may be told when asked: ("order number", "4417")."""
    condition: str = ""
    """A proviso these rules cannot check: "only book if that is okay"."""
    wording: str = ""
    """What is to be written on the thing: a text in quotes."""
    details: tuple[str, ...] = ()
    """Plain statements beside the errand, in words meant for the callee: "the car is a blue Ford"."""
    days: tuple[Day, ...] = ()
    """The first is preferred."""
    any_day: bool = False
    excluded_days: tuple[Day, ...] = ()
    time: Clock | None = None
    windows: tuple[Window, ...] = ()
    """Where an offered time must lie; empty: anywhere on the day."""
    former: Slot = Slot()
    """When what is cancelled or moved was to be."""
    strict: bool = False
    """Nothing but what was asked for will do."""
    instead: Goal | None = None
    """What else is wanted when this is refused: a place on the waiting list."""
    today: datetime.date | None = None

    @property
    def wanted(self) -> Slot:
        return Slot(self.days[0] if self.days else None, self.time)

    @property
    def needs_time(self) -> bool:
        is_timed = self.kind is Kind.BOOK and self.verb not in ("order", "buy", "place", "request", "rent")
        return is_timed and not re.search(r"\b(nights?|rooms?|hotel|rental|cabin)\b", self.text.lower())

    @property
    def reference(self) -> int:
        """Minute of the day near which a bare "four" is meant."""
        if self.time:
            return self.time.minutes
        if self.windows:
            return (self.windows[0].start + self.windows[0].end) // 2
        return usual_hour(self.text)

    def fits(self, slot: Slot) -> bool:
        return self.day_fits(slot.day) and self.time_fits(slot.time)

    def day_fits(self, day: Day | None) -> bool:
        if day and any(not day.clashes(excluded, self.today) for excluded in self.excluded_days):
            return False
        if day is None or self.any_day or not self.days:
            return True
        return any(not day.clashes(wanted, self.today) for wanted in self.days)

    def time_fits(self, time: Clock | None) -> bool:
        if time is None or not (self.windows or self.strict):
            return True
        minutes = time.near(self.reference).minutes
        is_wanted = self.time is not None and self.time.same(time)
        return is_wanted or any(window.start <= minutes <= window.end for window in self.windows)

    def nearest(self, times: Iterable[Clock]) -> Clock | None:
        """Of some times the one closest to what is wanted."""
        settled = [time.near(self.reference) for time in times]
        return min(settled, key=lambda time: abs(time.minutes - self.reference), default=None)

    def fact(self, asked: Sequence[str]) -> str:
        """What the goal tells about something asked for by these words, "" if nothing."""
        return next((f"{label} is {value}" for label, value in self.facts if set(label.split()) & set(asked)), "")

    def fact_named(self, asked: Sequence[str]) -> str:
        """The fact whose whole name is among these words, "" if none is."""
        return next((f"{label} is {value}" for label, value in self.facts if set(label.split()) <= set(asked)), "")

    def detail(self, asked: Sequence[str]) -> str:
        """The statement that speaks of something asked about by these words, "" if none does."""
        telling = telling_words(asked)
        return next((detail for detail in self.details if telling & telling_words(words_of(detail))), "")

    @property
    def reason(self) -> str:
        """The statement that says what it is about, "" if none does."""
        return next((detail for detail in self.details if _REASON.match(detail)), "")

    def says(self, asked: Sequence[str]) -> bool:
        """Whether all that these words speak of stands in the goal."""
        telling = telling_words(asked)
        return bool(telling) and telling <= telling_words(words_of(self.text))


def telling_words(words: Sequence[str]) -> set[str]:
    """The words that say something, without their endings."""
    return {word.removesuffix("s") for word in words if len(word) > 2 and word not in _COMMON}


_USUAL_HOURS = (
    (r"morning|breakfast|brunch", 10),
    (r"dinner|supper|tonight|evening|drinks|concert|movie", 20),
    (r"table|restaurant", 19),
    (r"doctor|dentist|dental|clinic|nurse|vet|car|bike|tires?|garage|workshop|mechanic|plumber|electrician", 12),
)
"""The middle of the hours at which something happens, by a word that tells it; doctors and workshops open early."""


def usual_hour(text: str) -> int:
    """Where in the day an errand is likely to lie, in minutes since midnight."""
    words = text.lower()
    return 60 * next((hour for pattern, hour in _USUAL_HOURS if re.search(rf"\b(?:{pattern})\b", words)), 13)
