"""Times of day as people say them: "four thirty", "half past four", "quarter to five", "3 pm", "at three", "noon".

A recogniser writes some hours as the little words they sound like ("for thirty", "to p m", "ate o'clock"); where
only a time makes sense they are read as hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from patter_mcp.llm.rules.words import TENS, UNITS, number_at, word_set

Bound = Literal["at", "after", "before"]
HALF_DAY = 12 * 60
_SMALL_HOURS = 6 * 60
_LATE_HOURS = 22 * 60 + 30
_EVENING = 20 * 60


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. Unless morning or afternoon was said (`sure`), `minutes` is the reading before noon."""

    minutes: int
    """Since midnight."""
    sure: bool = False

    def same(self, other: Clock) -> bool:
        if self.sure and other.sure:
            return self.minutes == other.minutes
        return self.minutes % HALF_DAY == other.minutes % HALF_DAY

    def near(self, minutes: int) -> Clock:
        """The reading closest to `minutes`, now sure; nobody means the small hours, few the late ones."""
        if self.sure:
            return self
        before_noon = self.minutes % HALF_DAY
        after_noon = before_noon + HALF_DAY
        is_nearer = abs(after_noon - minutes) <= abs(before_noon - minutes)
        is_too_late = after_noon >= _LATE_HOURS and minutes < _EVENING
        is_later = before_noon < _SMALL_HOURS or (is_nearer and not is_too_late)
        return Clock(after_noon if is_later else before_noon, sure=True)

    @property
    def spoken(self) -> str:
        """ "four thirty p m", "noon", "eight o'clock" (where the half of the day is open)."""
        if self.sure and self.minutes in (0, HALF_DAY):
            return "noon" if self.minutes else "midnight"
        hour, minute = _NAMES[(self.minutes // 60 - 1) % 12 + 1], self.minutes % 60
        parts = [hour, *(_minute_words(minute) if minute else ())]
        if self.sure:
            parts.append("p m" if self.minutes >= HALF_DAY else "a m")
        elif not minute:
            parts.append("o'clock")
        return " ".join(parts)

    @property
    def written(self) -> str:
        """ "4:30 pm"; without am or pm where that is open."""
        hour, minute = (self.minutes // 60 - 1) % 12 + 1, self.minutes % 60
        half = (" pm" if self.minutes >= HALF_DAY else " am") if self.sure else ""
        return f"{hour}:{minute:02d}{half}"


@dataclass(frozen=True, slots=True)
class TimeMention:
    """A time at words[start:end]; `bound` tells "at five" from "after five" and "before five"."""

    start: int
    end: int
    clock: Clock
    bound: Bound = "at"


_NAMES = {value: word for word, value in UNITS.items()}
_NAMED = {"noon": HALF_DAY, "midday": HALF_DAY, "midnight": 0}
_HOMOPHONES = {"for": 4, "fore": 4, "to": 2, "too": 2, "ate": 8, "won": 1, "tree": 3, "free": 3}
_LITTLE_WORDS = frozenset({"for", "to", "too", "free"})
_HALVES = {"am": 0, "pm": HALF_DAY, "tonight": HALF_DAY}
_PARTS = {"morning": 0, "afternoon": HALF_DAY, "evening": HALF_DAY, "night": HALF_DAY}
_PART_LEADS = frozenset({"the", "this", "tomorrow", "at", "in"})
_PAST, _TO = frozenset({"past", "after"}), frozenset({"to", "of", "till", "til", "before"})
_AFTER = frozenset({"after", "from", "past", "since", "between"})
_BEFORE = frozenset({"before", "until", "till", "til", "by"})
_RANGE_WORDS = frozenset({"from", "between", "open", "anytime", "time", "hours"})
_LEADS = (
    _AFTER
    | _BEFORE
    | word_set(
        "at about around roughly or is are have has do only say like maybe perhaps than make made want need next "
        "got offer not no yes okay to and then actually could can was said sorry mean would does will just hmm be it"
    )
)
_TAILS = word_set(
    "works work be too might could may would will instead or tomorrow today tonight sharp exactly okay then please "
    "fine free is if but"
)
_COUNTED = word_set(
    "people person persons guests adults kids children minutes minute hours hour day days week weeks month months "
    "night nights year years dollars dollar euros euro pounds pound bucks cents percent of more other others times "
    "miles hundred thousand point rooms room beds tables table chairs seats slots slot openings spots spot left "
    "moment second sec third blocks doors star stars appointments appointment copies pieces thing things in "
    "stylist stylists you your me us"
)
_NOT_HOURS_AFTER = word_set(
    "press option number extension dial room suite floor street line gate pump lane that this which any every the "
    "another last other each someone bus channel"
)
_SET = word_set("booked set down scheduled confirmed appointment in you it that arranged sure")
_STREETS = word_set("street road avenue lane drive boulevard way court")
_PARTY_WORDS = word_set("table tables party reservation group seat seats dinner lunch brunch")


def find_times(words: Sequence[str]) -> list[TimeMention]:
    """All times of day in the order they are said; numbers that count something else are left alone."""
    found: list[TimeMention] = []
    index = 0
    while index < len(words):
        run = _digit_run(words, index)
        mention = None if run else _mention_at(words, index, found[-1] if found else None)
        if mention:
            found.append(mention)
        index = run or (mention.end if mention else index + 1)
    return _share_halves(found)


def _mention_at(words: Sequence[str], index: int, last: TimeMention | None) -> TimeMention | None:
    read = _spelled(words, index) or _hour_first(words, index)
    if read is None:
        return None
    clock, end, is_bare = read
    if is_bare and not _bare_hour_fits(words, index, end):
        return None
    return TimeMention(index, end, clock, _bound(words, index, end, last))


def _digit_run(words: Sequence[str], index: int) -> int:
    """End of a row of four or more single digits (a phone number, a code), else 0."""
    end = index
    while end < len(words) and (UNITS.get(words[end], 99) < 10 or words[end] == "oh" or _is_long_number(words[end])):
        end += 1
    return end if end - index >= 4 or (end > index and _is_long_number(words[index])) else 0


def _is_long_number(word: str) -> bool:
    return word.isdecimal() and len(word) > 2


def _spelled(words: Sequence[str], index: int) -> tuple[Clock, int, bool] | None:
    """Noon, 16:30, half past four, quarter to five, twenty past six."""
    word = words[index]
    if word in _NAMED:
        return Clock(_NAMED[word], sure=True), index + 1, False
    if ":" in word or (word[0].isdecimal() and "h" in word[1:3] and word[-1].isdecimal()):
        hour, minute = (int(part) for part in word.replace("h", ":").split(":"))
        return _finished(words, index + 1, hour, minute) if hour < 24 and minute < 60 else None
    return _fraction(words, index)


def _fraction(words: Sequence[str], index: int) -> tuple[Clock, int, bool] | None:
    if words[index] == "half":
        skip = 2 if _word(words, index + 1) in _PAST else 1
        hour = _hour(words, index + skip)
        return _finished(words, index + skip + 1, hour, 30) if hour else None
    count = (15, index + 1) if words[index] == "quarter" else number_at(words, index)
    if count is None or count[0] not in (5, 10, 15, 20, 25):
        return None
    minute, at = count
    at += _word(words, at) == "minutes"
    hour = _hour(words, at + 1)
    if hour is None or _TO.isdisjoint({_word(words, at)}) and _PAST.isdisjoint({_word(words, at)}):
        return None
    if _word(words, at) in _PAST:
        return _finished(words, at + 2, hour, minute)
    is_range = minute <= 10 and not _RANGE_WORDS.isdisjoint(words[max(0, index - 2) : index])
    return None if is_range else _finished(words, at + 2, (hour - 1) % 24, 60 - minute)


def _hour_first(words: Sequence[str], index: int) -> tuple[Clock, int, bool] | None:
    """Four, four thirty, four oh five, 16 30, for thirty (four thirty)."""
    hour = _hour(words, index)
    is_guess = hour is None
    hour = _HOMOPHONES.get(words[index]) if hour is None else hour
    if hour is None:
        return None
    minute, end = _minutes(words, index + 1)
    if is_guess and not _homophone_fits(words, index, end):
        return None
    if hour > 12 and end == index + 1:
        return None
    return _finished(words, end, hour, minute, bare=end == index + 1)


def _hour(words: Sequence[str], index: int) -> int | None:
    word = _word(words, index)
    if word.isdecimal() and len(word) <= 2:
        return int(word) if 0 < int(word) < 24 else None
    value = UNITS.get(word, 0)
    return value or None


def _minutes(words: Sequence[str], index: int) -> tuple[int, int]:
    """Minutes after an hour at `index` and where they end; (0, index) when there are none."""
    if _word(words, index) in ("oh", "o", "zero") and 0 < UNITS.get(_word(words, index + 1), 0) < 10:
        return UNITS[words[index + 1]], index + 2
    read = number_at(words, index)
    if read is None or not 10 <= read[0] <= 59:
        return 0, index
    after = _word(words, read[1])
    is_counted = (after in _COUNTED and _half(words, read[1])[0] is None) or after in _TO
    return (0, index) if is_counted else read


def _homophone_fits(words: Sequence[str], index: int, end: int) -> bool:
    """A little word is an hour when minutes, "o'clock" or "pm" follow and nothing before asks for the little word."""
    before, after = _word(words, index - 1), _word(words, end)
    if after in ("oclock", "am", "pm"):
        return True
    if words[index] not in _LITTLE_WORDS and before == "at":
        return True
    if end == index + 1 or after in _COUNTED:
        return False
    is_minute = words[index + 1] in TENS or words[index + 1] in ("fifteen", "oh")
    is_led = before in ("at", "about", "around", "is", "for", "have", "or")
    return is_led or (is_minute and _PARTY_WORDS.isdisjoint({before}) and not _hour(words, index - 1))


def _finished(words: Sequence[str], end: int, hour: int, minute: int, *, bare: bool = False) -> tuple[Clock, int, bool]:
    """Adds "o'clock" and the half of the day to a time read so far."""
    minutes = hour * 60 + minute
    if _word(words, end) == "oclock":
        end, bare = end + 1, False
    half, after = _half(words, end)
    if half is None:
        is_sure = minutes >= HALF_DAY + 60
        return Clock(minutes if is_sure else minutes % HALF_DAY, sure=is_sure), end, bare
    late = HALF_DAY if half and not (words[after - 1] == "night" and hour == 12) else 0
    return Clock(minutes % HALF_DAY + late if hour <= 12 else minutes, sure=True), after, False


def _half(words: Sequence[str], index: int) -> tuple[int | None, int]:
    """Which half of the day is named at `index`, in minutes to add, and where that ends."""
    if _word(words, index) in _HALVES:
        return _HALVES[words[index]], index + 1
    at = index
    while at < index + 2 and _word(words, at) in _PART_LEADS:
        at += 1
    if at > index and _word(words, at) in _PARTS:
        return _PARTS[words[at]], at + 1
    return None, index


def _bare_hour_fits(words: Sequence[str], index: int, end: int) -> bool:
    """Whether a lone number is a time: by the words around it."""
    before, after = _word(words, index - 1), _word(words, end)
    if (
        after in _COUNTED
        or not _STREETS.isdisjoint(words[end : end + 3])
        or before in _NOT_HOURS_AFTER
        or _value(words[index]) > 12
    ):
        return False
    if words[index] == "one" and before not in _AFTER | _BEFORE | {"at", "about", "around", "or"}:
        return False
    if after in ("to", "till", "until") and _hour(words, end + 1):
        return True
    if before in ("for", "of"):
        return before == "for" and _word(words, index - 2) in _SET and _PARTY_WORDS.isdisjoint(words)
    return before in _LEADS or after in _TAILS or len(words) <= 2


def _minute_words(minute: int) -> tuple[str, ...]:
    if minute < 10:
        return "oh", _NAMES[minute]
    if minute < 20:
        return (_NAMES[minute],)
    tens = next(word for word, value in TENS.items() if value == minute // 10 * 10)
    return (tens, _NAMES[minute % 10]) if minute % 10 else (tens,)


def _value(word: str) -> int:
    return int(word) if word.isdecimal() else UNITS.get(word, 0)


def _bound(words: Sequence[str], index: int, end: int, last: TimeMention | None) -> Bound:
    before = _word(words, index - 1)
    follows_time = last is not None and last.end == index - 1
    if follows_time and (before in ("to", "till", "until") or (before == "and" and last and last.bound == "after")):
        return "before"
    if before in _AFTER or (_word(words, end) in ("or", "and") and _word(words, end + 1) in ("later", "after")):
        return "after"
    if _word(words, end) in ("onwards", "onward"):
        return "after"
    is_earlier = _word(words, end) == "or" and _word(words, end + 1) in ("earlier", "before")
    return "before" if before in _BEFORE or is_earlier else "at"


def _share_halves(found: list[TimeMention]) -> list[TimeMention]:
    """ "Between three and five pm": what is said of the later time holds for an earlier one just before it."""
    shared = list(found)
    for index in range(len(found) - 2, -1, -1):
        first, second = shared[index], shared[index + 1]
        is_near = second.start - first.end <= 2
        if second.clock.sure and not first.clock.sure and is_near:
            later = first.clock.near(second.clock.minutes)
            half = second.clock.minutes // HALF_DAY * HALF_DAY
            same_half = Clock(first.clock.minutes + half, sure=True)
            is_rising = same_half.minutes < second.clock.minutes
            shared[index] = replace(first, clock=same_half if is_rising else later)
    return shared


def _word(words: Sequence[str], index: int) -> str:
    return words[index] if 0 <= index < len(words) else ""
