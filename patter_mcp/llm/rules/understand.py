"""A callee's words, read into cues, offers and refusals. Knows nothing of what was said before."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from patter_mcp.llm.rules import cues, yes_no
from patter_mcp.llm.rules.clock import Clock, TimeMention, find_times
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.day import Day, find_days
from patter_mcp.llm.rules.people import find_party
from patter_mcp.llm.rules.words import number_at, word_set, words_of


@dataclass(frozen=True, slots=True)
class Offer:
    """A day, a time or a part of the day put forward."""

    day: Day | None = None
    time: Clock | None = None
    until: Clock | None = None
    """Latest time of a range."""
    is_range: bool = False
    """`time` is only the earliest of many ("after five")."""
    part: str = ""
    """ "morning", "afternoon" or "evening", when no time was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One turn of the callee."""

    raw: str = ""
    text: str = ""
    """Plain words, see `words.words_of`."""
    cues: frozenset[Cue] = frozenset()
    offers: tuple[Offer, ...] = ()
    refused_times: tuple[Clock, ...] = ()
    refused_days: tuple[Day, ...] = ()
    hours: tuple[TimeMention, ...] = ()
    """Times said of opening and closing."""
    assents: bool = False
    """A yes that can be relied on: a plain one, or an "okay" that the turn begins with."""
    is_parting: bool = False
    """A goodbye, polite as it may be, and no more."""
    party: int | None = None

    def has(self, *wanted: Cue) -> bool:
        return not self.cues.isdisjoint(wanted)

    @property
    def words(self) -> list[str]:
        return self.text.split()

    @property
    def has_number(self) -> bool:
        words = self.words
        return any(number_at(words, index) for index in range(len(words)))


_STARTERS = (
    "but|however|how about|what about|instead|maybe|perhaps|although|though|except|because|so|then|only|unless|"
    "actually|let me|you are|it is|that is|do you|are you|there (?:is|are)|(?:the )?(?:earliest|latest|soonest)|"
    "the (?:next|first|only)|next (?:available|opening|free)|first available|or (?:i|we|maybe|perhaps)|"
    "(?:could|can|might) do|(?:would|could|can|does|is) (?:you|we|i|that|it|he|she|there)|"
    "(?:i|we) (?:do )?(?:can|could|have|got|had|only|might|may|will)|"
    "and (?:i|we|then|that|you|what|which|how|who|where|when|is|are|do|can|could|would|will)|"
    "how (?:many|much|long)|what (?:is|was|name|kind|time)|which (?:day|name|one)"
)
_GOES_ON = "(?:at|for|on|until|till|from|between|before|after|up|by|in|with|out|solid|today|tomorrow|tonight|then)\\b"
_CLAUSE = re.compile(
    rf"\s+(?=(?:{_STARTERS})\b)"
    r"|(?<!\bam)\s+(?=sorry\b)"
    # "Three is taken four is free": what was said of one time ends before the next.
    rf"|(?<=\b(?:full|free|gone|open|busy|fine|okay|good))\s+(?!booked\b|{_GOES_ON})"
    rf"|(?<=\btaken)\s+(?!{_GOES_ON})"
    rf"|(?<=\bbooked)\s+(?!you\b|{_GOES_ON})"
    rf"|(?<=\bavailable)\s+(?!{_GOES_ON})"
)
_NEGATIVE = re.compile(
    r"\b(?:not|no|nothing|none|never|taken|gone|full|busy|unavailable|closed|neither|impossible|vacation|holiday|"
    r"missed|too (?:late|early)|problem|booked(?! (?:you|in|for you))|reserved(?! for you)|sold out)\b"
)
_TAKES_BACK = re.compile(r"\b(?:not|no|fully|(?:we|they) are all booked(?! in\b))\b")
"""Words by which "booked" is no booking of ours."""
_HOURS = re.compile(
    r"\b(?:close|closes|closing|shut|shuts|opens|(?<!are )(?<!am )(?<!is )open at|open (?:from|until|till|to|"
    r"between|daily|every|again|(?:on )?\w+days?\b)|hours are|last (?:order|orders|entry|seating|admission))\b"
)
_TOO_LATE = re.compile(r"^(?:is|would|does) .*too (?:late|early)$")
_HUM = re.compile(r"\b(?:uh huh|mm hmm|mhm)\b")
_LEADING_NO = re.compile(
    r"^(?:ah |oh )?(?:no|nope|nah)(?: no| nope| sorry)*\s+(?=(?:it|i|we|that|the|at|on|make|noon|quarter|half|\d+|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|today|tomorrow|monday|tuesday|wednesday|"
    r"thursday|friday|saturday|sunday)\b)"
)
_CORRECTION = re.compile(
    r"\b(?:(?:no|oh|wait|actually|hmm) sorry|sorry (?:i mean|no)|i mean|i meant|make that|scratch that|or rather|"
    r"no wait)\b"
)
_DOUBT_BEFORE = word_set(
    "not no if unless once until think thought whether never shall should would could want when might may before after"
)
_QUESTION = re.compile(
    r"^(?:(?:okay|yes|yeah|sure|and|so|well|great|all|right|um|uh|oh|but|no|thanks|perfect|sorry|just) )*"
    r"(?:do(?! not)|does|did|are you|is it|is that|is there|is this|is your|was|were|have you|has|will you|"
    r"would you|can you|can i|could|should|shall|may i|what|which|where|when|why|how|who|any|whose)\b"
)
_BRINGING = re.compile(
    r"\b(?:please )?bring(?: along)? (?:your|an?|his|her) (?:\w+ ){,2}(?:card|id|passport|license|number)\b"
)
"""Wants nothing said."""
_TO_DO = re.compile(
    r"\b(have|has|need|needs|want|wants|going|able|try) (?:two|too)(?= (?:be|bring|call|check|come|do|find|get|give|go|"
    r"look|make|pay|say|see|send|speak|talk|wait|write)\b)"
)
"""A "to" written as the number it sounds like."""
_FREE = word_set("free available open any anything anytime something come slot slots openings opening before")
_FILLERS = word_set("at on for by around the and okay so well um uh in hmm then")
_SHORT_YES = 7
"""Words: an "okay" in so few is one."""
MAX_UNEXPLAINED = 2
_PARTS = ("morning", "afternoon", "evening")
_CHECKING = re.compile(
    r"^(?!(?:yes|yeah|yep|correct|right|that is|it is|absolutely|exactly|sure)\b).{12,}\b(?:right|correct|yeah)$|"
    r"\b(?:did you say|you said|did you mean|do you mean|you mean)\b"
)


@functools.lru_cache(maxsize=256)
def understand(raw: str) -> Heard:
    """Reads one turn. Remembered for a while: every reply reads the whole conversation again."""
    text = _TO_DO.sub(r"\1 to", " ".join(words_of(raw)))
    plain = " ".join(yes_no.POLITE_NO.sub("okay ", _BRINGING.sub(" ", text)).split())
    plain = yes_no.YES_BOOKED.sub(r"\1 you are booked", plain)
    found = {cue for cue, pattern in cues.COMPILED.items() if cue is not Cue.CONFIRMED and pattern.search(plain)}
    clauses = _clauses(_corrected(plain))
    heard = _with_offers(Heard(raw=raw, text=text), clauses)
    found |= set(_assent(plain, clauses))
    if _CHECKING.search(text):
        found.add(Cue.CHECKING)
    if any(_is_question(clause) for clause in clauses):
        found.add(Cue.QUESTION)
    party = find_party(text.split())
    return replace(
        heard, cues=frozenset(found), assents=_assents(plain, clauses), party=party.count if party else None,
        is_parting=Cue.GOODBYE in found and not heard.offers and not _says_more(plain, clauses),
    )  # fmt: skip


def _says_more(text: str, clauses: Sequence[str]) -> bool:
    """Than a goodbye: a firm yes, or that something is done."""
    is_done = cues.COMPILED[Cue.CONFIRMED].search(yes_no.UNTIL_THEN.sub(" ", text)) is not None
    return is_done or _is_said(yes_no.FIRM_YES, clauses)


def _is_question(clause: str) -> bool:
    """One that wants an answer: "can you hold" and "anything else" do not."""
    return bool(_QUESTION.search(clause)) and not any(
        cues.COMPILED[cue].search(clause) for cue in (Cue.HOLD, Cue.ANYTHING_ELSE)
    )


def _clauses(text: str) -> list[str]:
    """Stretches that say one thing each; a day or time alone ("tomorrow we have nothing") belongs to what follows."""
    clauses: list[str] = []
    lone = ""
    answer = _LEADING_NO.match(text)
    if answer:
        clauses.append(answer.group().strip())
        text = text[answer.end() :]
    for clause in _CLAUSE.split(text):
        clause = f"{lone} {clause}".strip()
        words = clause.split()
        named = [*find_days(words), *find_times(words)]
        said = {index for mention in named for index in range(mention.start, mention.end)}
        is_lone = bool(named) and all(index in said or word in _FILLERS for index, word in enumerate(words))
        lone = clause if is_lone else ""
        if not is_lone:
            clauses.append(clause)
    return [*clauses, lone] if lone else clauses


def _corrected(text: str) -> str:
    """Whoever corrects himself means what comes last; a correction without a new time is left for the brain."""
    corrections = list(_CORRECTION.finditer(text))
    if not corrections:
        return text
    last = text[corrections[-1].end() :]
    return last if find_times(last.split()) or find_days(last.split()) else text


def _assent(text: str, clauses: Sequence[str]) -> Iterator[Cue]:
    bare = yes_no.GREETING_GOOD.sub(" ", text)
    if yes_no.BUT_NO.search(text):
        clauses = ()
    if yes_no.NO_WORDS.search(bare):
        yield Cue.NO
    if _is_said(yes_no.FIRM_YES, clauses) or _is_said(yes_no.SOFT_YES, clauses):
        yield Cue.YES
    if any(_is_asserted(text, match) for match in cues.COMPILED[Cue.CONFIRMED].finditer(text)):
        yield Cue.CONFIRMED


def _assents(text: str, clauses: Sequence[str]) -> bool:
    """A hum is no yes, nor is an "okay" that leads up to something else."""
    if _is_said(yes_no.FIRM_YES, clauses):
        return True
    if len(text.split()) > _SHORT_YES and _unexplained(text) > MAX_UNEXPLAINED:
        return False
    start = yes_no.SOFT_YES.search(yes_no.GREETING_GOOD.sub(" ", _HUM.sub(" ", " ".join(text.split()[:6]))))
    is_early = start is not None and (start.start() < 8 or len(text.split()) <= 4)
    return is_early and _is_said(yes_no.SOFT_YES, clauses)


def _unexplained(text: str) -> int:
    """How many words are neither polite nor agreeing nor what an arrangement is made of."""
    words = yes_no.SOFT_YES.sub(" ", text).split()
    named = [*find_times(words), *find_days(words)]
    said = {index for mention in named for index in range(mention.start, mention.end)}
    return sum(index not in said and word not in yes_no.EXPLAINED for index, word in enumerate(words))


def _is_said(pattern: re.Pattern[str], clauses: Iterable[str]) -> bool:
    """In some clause that is not a refusal."""
    bare = (yes_no.GREETING_GOOD.sub(" ", clause).strip() for clause in clauses)
    return any(pattern.search(clause) for clause in bare if not _is_refusal(clause))


def _is_asserted(text: str, match: re.Match[str]) -> bool:
    return _DOUBT_BEFORE.isdisjoint(text[: match.start()].split()[-4:])


def _is_refusal(clause: str) -> bool:
    confirmed = cues.COMPILED[Cue.CONFIRMED].search(clause)
    if confirmed and _is_asserted(clause, confirmed) and not _TAKES_BACK.search(clause):
        return False
    if _TOO_LATE.search(clause):
        return False
    return bool(_NEGATIVE.search(clause) or cues.COMPILED[Cue.UNAVAILABLE].search(clause))


def _with_offers(heard: Heard, clauses: Sequence[str]) -> Heard:
    day: Day | None = None
    for clause in clauses:
        words = clause.split()
        times, days = find_times(words), find_days(words)
        if times and _HOURS.search(clause):
            heard = replace(heard, hours=(*heard.hours, *times))
        elif _is_refusal(clause):
            heard = _refused(heard, times, [mention.day for mention in days], day)
            day = days[-1].day if days and times else None if days else day
        else:
            offers = _offers(words, day)
            heard = replace(heard, offers=(*heard.offers, *offers))
            day = days[-1].day if days else day
    return replace(heard, offers=_telling(heard.offers))


def _telling(offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """Where a time is offered, days and parts of days named before it only led up to it."""
    timed = tuple(offer for offer in offers if offer.time or offer.until)
    return timed or offers


def _refused(heard: Heard, times: Sequence[TimeMention], days: Sequence[Day], day: Day | None) -> Heard:
    """ "Nothing before five" offers what comes after; "not at three" offers nothing."""
    day = days[0] if days else day
    offers: list[Offer] = []
    for mention in times:
        if mention.bound == "before":
            offers.append(Offer(day, mention.clock, is_range=True))
        elif mention.bound == "after":
            offers.append(Offer(day, until=mention.clock, is_range=True))
    refused = tuple(mention.clock for mention in times if mention.bound == "at")
    return replace(
        heard,
        offers=(*heard.offers, *offers),
        refused_times=(*heard.refused_times, *refused),
        refused_days=(*heard.refused_days, *(() if times else days)),
    )


def _offers(words: Sequence[str], day: Day | None) -> list[Offer]:
    times, days = find_times(words), find_days(words)
    if not times:
        part = next((part for part in _PARTS if part in words and f"good {part}" not in " ".join(words)), "")
        if days:
            return [Offer(mention.day, part=part) for mention in days]
        return [Offer(day, part=part)] if part else []
    offers: list[Offer] = []
    for mention in times:
        near = min(days, key=lambda other: abs(other.start - mention.start), default=None)
        its_day = near.day if near else day
        last = offers[-1] if offers else None
        if mention.bound == "before" and last and last.is_range:
            offers[-1] = replace(last, until=mention.clock)
        elif mention.bound == "before":
            is_free = not _FREE.isdisjoint(words)
            offers += [Offer(its_day, until=mention.clock, is_range=True)] if is_free else []
        else:
            offers.append(Offer(its_day, mention.clock, is_range=mention.bound == "after"))
    return offers
