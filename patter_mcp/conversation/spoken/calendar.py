"""Dates and times of day."""

from __future__ import annotations

import re

from patter_mcp.conversation.spoken.number_words import cardinal, ordinal, pairs
from patter_mcp.conversation.spoken.rules import APART, COMPLETE, DOT, WORD, Rule, any_of

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SHORT_MONTHS = {name[:3]: name for name in _MONTHS} | {"Sept": "September"}
_SHORT_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip

_MONTH = f"({any_of(_MONTHS)})"
_SHORT = any_of(_SHORT_DAYS)
_DAY = r"([12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"((?:1[1-9]|20)\d\d)"
_COMMA_YEAR = rf"(?:,? {_YEAR}{COMPLETE})?"

_SHORT_MONTH = rf"\b({any_of(_SHORT_MONTHS)})\b\.?(?= \d)|(?<=\d )({any_of(_SHORT_MONTHS)})\b{DOT}"
_BEFORE_DATE = rf"(?=,? (?:{any_of(_MONTHS)}|{any_of(_SHORT_MONTHS)}\b|\d))"
_SHORT_DAY = rf"\b({_SHORT})(?:\.(?=\s+\w)|\b{_BEFORE_DATE}|(?= ?[-–] ?(?:{_SHORT})\b))"
_LAST_DAY = rf"(?<=day) ?[-–] ?({_SHORT})\b"
_ISO = rf"{APART}(\d{{4}})-(\d\d)-(\d\d)(?:([T ])(?=\d\d:\d\d)|{COMPLETE})"
_MONTH_FIRST = rf"\b{_MONTH} {_DAY}(?: ?[-–] ?{_DAY})?{COMPLETE}{_COMMA_YEAR}"
_DAY_FIRST = rf"(\b[Tt]he )?{APART}{_DAY}(?: of)? {_MONTH}\b{_COMMA_YEAR}"
_MONTH_YEAR = rf"\b{_MONTH},? {_YEAR}{COMPLETE}"
_SLASHED = rf"{APART}(\d{{1,2}})/(\d{{1,2}})(?:/(\d{{4}}|\d\d))?{COMPLETE}"
_DOTTED = rf"{APART}(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}}){COMPLETE}"
_DECADE = r"(?<![\w.,])['’]?((?:1[1-9]|20)?[1-9]0)['’]?s\b"
_YEARS = rf"{APART}{_YEAR} ?[-–] ?{_YEAR}{COMPLETE}"
_BEFORE_YEAR = "in|since|until|till|before|after|during|from|year|of|by|to|early|late|mid"
_YEAR_ALONE = rf"(?i)\b({_BEFORE_YEAR}) {_YEAR}(?![%°'’]){COMPLETE}"

_HALF = rf"([AaPp])\.? ?[Mm]\b{DOT}"
_TO = r"(?<=\d[ap]m|[\d ][AP]M|\.[mM]\.) ?[-–—] ?(?=\d)|(?<=:\d\d) ?[-–—] ?(?=\d)"
_CLOCK = rf"(?<![\w.,/:$+-])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?:Z\b| ?{_HALF})?(?![\d:])"
_HOUR = rf"{APART}(1[0-2]|0?[1-9]) ?{_HALF}(?!\w)"
_HALF_ALONE = rf"{WORD}([AaPp])\.[Mm]\b{DOT}"


def _spoken_year(year: str | None) -> str:
    if year is None:
        return ""
    return f", {pairs(int(year) if len(year) == 4 else 2000 + int(year))}"


def _date(match: re.Match[str], month: str, day: str, year: str | None) -> str:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return match[0]
    return f"{_MONTHS[int(month) - 1]} {ordinal(int(day))}{_spoken_year(year)}"


def _iso(match: re.Match[str]) -> str:
    return _date(match, match[2], match[3], match[1]) + (" at " if match[4] else "")


def _month_first(match: re.Match[str]) -> str:
    until = f" to {ordinal(int(match[3]))}" if match[3] else ""
    return f"{match[1]} {ordinal(int(match[2]))}{until}{_spoken_year(match[4])}"


def _day_first(match: re.Match[str]) -> str:
    return f"{match[1] or 'the '}{ordinal(int(match[2]))} of {match[3]}{_spoken_year(match[4])}"


def _slashed(match: re.Match[str]) -> str:
    """11/20 can only be November; 3/4 is left alone, because the day comes first in some countries."""
    first, second, year = match[1], match[2], match[3]
    if int(second) > 12 or (first == second and year):
        return _date(match, first, second, year)
    if int(first) > 12:
        return _date(match, second, first, year)
    return f"{cardinal(int(first))} slash {cardinal(int(second))}{_spoken_year(year)}" if year else match[0]


def _decade(match: re.Match[str]) -> str:
    words = pairs(int(match[1]))
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _clock(match: re.Match[str]) -> str:
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    words = cardinal(hour)
    if minute:
        words += f" {cardinal(minute)}" if minute >= 10 else f" oh {cardinal(minute)}"
    elif not match[4] and not match.string.startswith(" to ", match.end()):
        words += " o'clock" if 1 <= hour <= 12 else " hundred"
    if second:
        words += f" and {cardinal(second)} second{'s' * (second != 1)}"
    return f"{words} {match[4].upper()}M" if match[4] else words


NAMES: tuple[Rule, ...] = (
    (_SHORT_DAY, lambda match: _SHORT_DAYS[match[1]]),
    (_LAST_DAY, lambda match: f" to {_SHORT_DAYS[match[1]]}"),
    (_HALF_ALONE, lambda match: f"{match[1].upper()}M"),
)
"""What needs no digits beside it."""
DATES: tuple[Rule, ...] = (
    (_SHORT_MONTH, lambda match: _SHORT_MONTHS[match[1] or match[2]]),
    (_ISO, _iso),
    (_MONTH_FIRST, _month_first),
    (_DAY_FIRST, _day_first),
    (_MONTH_YEAR, lambda match: match[1] + _spoken_year(match[2]).removeprefix(",")),
    (_SLASHED, _slashed),
    (_DOTTED, lambda match: _date(match, match[2], match[1], match[3])),
    (_DECADE, _decade),
    (_YEARS, lambda match: f"{pairs(int(match[1]))} to {pairs(int(match[2]))}"),
    (_YEAR_ALONE, lambda match: f"{match[1]} {pairs(int(match[2]))}"),
)
TIMES: tuple[Rule, ...] = (
    (_TO, " to "),
    (_CLOCK, _clock),
    (_HOUR, lambda match: f"{cardinal(int(match[1]))} {match[2].upper()}M"),
)
