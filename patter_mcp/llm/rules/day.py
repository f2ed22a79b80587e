"""Days as people say them: "tomorrow", "on Friday", "the fifth of June", "next week"."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from patter_mcp.llm.rules.words import ORDINALS, number_at

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_SHORT_MONTHS = {name[:3]: number for number, name in enumerate(MONTHS, start=1)} | {"sept": 9}
_SHORT_DAYS = {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "weds": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4, "sat": 5}
_NEAR = {"today": 0, "tonight": 0, "tomorrow": 1, "tomorrows": 1}
_SPANS = {"weekend": frozenset({5, 6}), "weekday": frozenset(range(5)), "weekdays": frozenset(range(5))}


@dataclass(frozen=True, slots=True)
class Day:
    """What was said of a day; whatever was not said is None."""

    spoken: str
    """As we say it, preposition included: "tomorrow", "on Friday"."""
    offset: int | None = None
    """Days from today."""
    weekdays: frozenset[int] | None = None
    """Monday is 0; more than one for a weekend."""
    month: int | None = None
    number: int | None = None
    """Day of the month."""
    is_next_week: bool = False

    def clashes(self, other: Day, today: datetime.date | None) -> bool:
        """True when this day, as they said it, cannot be the `other` one, as we meant it.

        "Next Friday" is not our "Friday", but their "Friday" may be our "next Friday".
        """
        if self.is_next_week and not other.is_next_week and other.number is None:
            return True
        mine, others = self._in_month_of(other), other._in_month_of(self)
        return _differ(mine._facts(today), others._facts(today))

    def _in_month_of(self, other: Day) -> Day:
        """ "The fifth" is the one of the month that is spoken of."""
        is_open = self.number is not None and self.month is None
        return replace(self, month=other.month) if is_open else self

    def _facts(self, today: datetime.date | None) -> _Facts:
        date = self._date(today)
        if date is None:
            return _Facts(self.offset, self.weekdays, self.month, self.number)
        offset = (date - today).days if today else None
        return _Facts(offset, frozenset({date.weekday()}), date.month, date.day)

    def _date(self, today: datetime.date | None) -> datetime.date | None:
        if today is None:
            return None
        if self.offset is not None:
            return today + datetime.timedelta(days=self.offset)
        if self.number is None:
            return None
        return _coming(today, self.month, self.number)


@dataclass(frozen=True, slots=True)
class _Facts:
    offset: int | None
    weekdays: frozenset[int] | None
    month: int | None
    number: int | None


@dataclass(frozen=True, slots=True)
class DayMention:
    """A day at words[start:end]."""

    start: int
    end: int
    day: Day


def find_days(words: Sequence[str]) -> list[DayMention]:
    """All days in the order they are said."""
    found: list[DayMention] = []
    index = 0
    while index < len(words):
        mention = _mention_at(words, index)
        if mention and found and _is_one_day(words, found[-1], mention):
            mention = DayMention(found[-1].start, mention.end, _joined(found.pop().day, mention.day))
        if mention:
            found.append(mention)
        index = mention.end if mention else index + 1
    return found


def _mention_at(words: Sequence[str], index: int) -> DayMention | None:
    for reader in (_near_day, _next_week, _span, _weekday, _iso_date, _date):
        read = reader(words, index)
        if read:
            return DayMention(index, read[1], read[0])
    return None


def _near_day(words: Sequence[str], index: int) -> tuple[Day, int] | None:
    word = words[index]
    if word == "day" and _word(words, index + 1) == "after" and _word(words, index + 2) == "tomorrow":
        return Day("the day after tomorrow", offset=2), index + 3
    if word == "this" and _word(words, index + 1) in ("morning", "afternoon", "evening"):
        return Day("today", offset=0), index + 1
    if word not in _NEAR:
        return None
    return Day(word.removesuffix("s"), offset=_NEAR[word]), index + 1


def _next_week(words: Sequence[str], index: int) -> tuple[Day, int] | None:
    is_next = (words[index], _word(words, index + 1)) in (("next", "week"), ("following", "week"), ("week", "after"))
    return (Day("next week", is_next_week=True), index + 2) if is_next else None


def _span(words: Sequence[str], index: int) -> tuple[Day, int] | None:
    if words[index] not in _SPANS:
        return None
    is_next = _word(words, index - 1) in ("next", "following")
    spoken = f"{'next' if is_next else 'this'} weekend" if words[index] == "weekend" else "on a weekday"
    return Day(spoken, weekdays=_SPANS[words[index]], is_next_week=is_next), index + 1


def _weekday(words: Sequence[str], index: int) -> tuple[Day, int] | None:
    word = words[index].removesuffix("'s")
    name = word.removesuffix("s") if word.removesuffix("s") in WEEKDAYS else word
    number = WEEKDAYS.index(name) if name in WEEKDAYS else _SHORT_DAYS.get(name)
    if number is None or (word in ("sat", "wed") and _word(words, index - 1) in ("i", "we", "get", "be")):
        return None
    name = WEEKDAYS[number].capitalize()
    is_next = _word(words, index - 1) in ("next", "following") or _word(words, index + 1) == "week"
    return Day(f"{'next' if is_next else 'on'} {name}", weekdays=frozenset({number}), is_next_week=is_next), index + 1


def _iso_date(words: Sequence[str], index: int) -> tuple[Day, int] | None:
    try:
        date = datetime.date.fromisoformat(words[index])
    except ValueError:
        return None
    return _on_date(date.month, date.day), index + 1


def _date(words: Sequence[str], index: int) -> tuple[Day, int] | None:
    """June fifth, June 5, the fifth of June, the fifth."""
    month = _month(words, index)
    if month:
        read = _ordinal(words, index + 1) or number_at(words, index + 1)
        return (_on_date(month, read[0]), read[1]) if read and 1 <= read[0] <= 31 else None
    read = _ordinal(words, index)
    if read is None:
        return None
    number, end = read
    after = end + (_word(words, end) == "of")
    month = _month(words, after)
    if month:
        return _on_date(month, number), after + 1
    has_article = _word(words, index - 1) == "the" and number > 3
    return (_on_date(None, number), end) if has_article else None


def _month(words: Sequence[str], index: int) -> int | None:
    word = _word(words, index)
    if word in ("may", "mar"):
        has_number = _ordinal(words, index + 1) or _ordinal(words, index - 1) or _word(words, index - 1) == "of"
        is_digits = _word(words, index + 1).isdecimal()
        return _SHORT_MONTHS[word] if has_number or is_digits else None
    return MONTHS.index(word) + 1 if word in MONTHS else _SHORT_MONTHS.get(word)


def _ordinal(words: Sequence[str], index: int) -> tuple[int, int] | None:
    word = _word(words, index)
    if word[:1].isdecimal() and word[-2:] in ("st", "nd", "rd", "th"):
        return int(word[:-2]), index + 1
    if word in ("twenty", "thirty") and ORDINALS.get(_word(words, index + 1), 99) < 10:
        return (20 if word == "twenty" else 30) + ORDINALS[words[index + 1]], index + 2
    return (ORDINALS[word], index + 1) if word in ORDINALS else None


def _on_date(month: int | None, number: int) -> Day:
    named = next((word for word, value in ORDINALS.items() if value == number), None)
    if named is None:
        unit = next(word for word, value in ORDINALS.items() if value == number % 10)
        named = f"{'twenty' if number < 30 else 'thirty'} {unit}"
    spoken = f"on {MONTHS[month - 1].capitalize()} {named}" if month else f"on the {named}"
    return Day(spoken, month=month, number=number)


def _is_one_day(words: Sequence[str], first: DayMention, second: DayMention) -> bool:
    """ "Friday the thirteenth", "Tuesday next week": one day said in two ways."""
    gap = words[first.end : second.start]
    is_close = all(word in ("the", "of", "that", "is", "on") for word in gap)
    return is_close and not _differ(_said(first.day), _said(second.day))


def _said(day: Day) -> _Facts:
    return _Facts(day.offset, day.weekdays, day.month, day.number)


def _joined(first: Day, second: Day) -> Day:
    return Day(
        f"{first.spoken} {second.spoken.removeprefix('on ')}" if first.spoken != second.spoken else first.spoken,
        offset=first.offset if first.offset is not None else second.offset,
        weekdays=first.weekdays or second.weekdays,
        month=first.month or second.month,
        number=first.number or second.number,
        is_next_week=first.is_next_week or second.is_next_week,
    )


def _differ(first: _Facts, second: _Facts) -> bool:
    if first.weekdays and second.weekdays and first.weekdays.isdisjoint(second.weekdays):
        return True
    pairs = ((first.offset, second.offset), (first.month, second.month), (first.number, second.number))
    return any(one is not None and other is not None and one != other for one, other in pairs)


def _coming(today: datetime.date, month: int | None, number: int) -> datetime.date | None:
    """The next date with that day of the month (and month), within a year."""
    for ahead in range(366):
        date = today + datetime.timedelta(days=ahead)
        if date.day == number and month in (None, date.month):
            return date
    return None


def _word(words: Sequence[str], index: int) -> str:
    return words[index] if 0 <= index < len(words) else ""
