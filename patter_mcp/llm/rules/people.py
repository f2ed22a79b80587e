"""How many people, and what they are called."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from patter_mcp.llm.rules.day import MONTHS, WEEKDAYS
from patter_mcp.llm.rules.words import number_at, word_set

_HEADS = word_set("people persons person guests guest adults diners seats of")
_GROUPS = word_set("table tables party reservation group booking dinner lunch brunch breakfast seats spot")
_HOMOPHONES = {"for": 4, "fore": 4, "to": 2, "too": 2, "ate": 8, "won": 1, "tree": 3}


@dataclass(frozen=True, slots=True)
class PartyMention:
    """A number of people at words[start:end]."""

    start: int
    end: int
    count: int


def find_party(words: Sequence[str]) -> PartyMention | None:
    """ "Table for four", "party of six", "for two people", "there are five of us"; "for for people" is four."""
    for index in range(len(words)):
        if mention := _people_at(words, index):
            return mention
    groups = (_group_at(words, index) for index, word in enumerate(words) if word in ("for", "of"))
    return next(filter(None, groups), None)


def _people_at(words: Sequence[str], index: int) -> PartyMention | None:
    """A number right before "people" or "of us"."""
    read = number_at(words, index) or ((_HOMOPHONES[words[index]], index + 1) if words[index] in _HOMOPHONES else None)
    if read is None:
        return None
    count, end = read
    is_us = words[end : end + 2] == ["of", "us"]
    if not is_us and (end >= len(words) or words[end] not in _HEADS - {"of"}):
        return None
    start = index - 1 if index and words[index - 1] in ("for", "of") else index
    return PartyMention(start, end + (2 if is_us else 1), count)


def _group_at(words: Sequence[str], index: int) -> PartyMention | None:
    """ "Table for four", but not "table for four thirty" or "table for two nights"."""
    read = number_at(words, index + 1)
    if read is None and index + 1 < len(words) and words[index + 1] in _HOMOPHONES:
        read = _HOMOPHONES[words[index + 1]], index + 2
    before = words[index - 1] if index else ""
    if read is None or before not in _GROUPS or (words[index] == "of" and before not in ("party", "group", "table")):
        return None
    count, end = read
    following = words[end] if end < len(words) else ""
    is_time = following in ("oclock", "am", "pm") or number_at(words, end) is not None
    return None if is_time or not count else PartyMention(index, end, count)


_NAME = r"((?:(?:Dr|Mr|Mrs|Ms|Miss)\s+)?[A-Z][\w'’-]*(?:\s+(?:(?:de|van|von|la|del|der|bin)\s+)*[A-Z][\w'’-]+)*)"
_NAMED_BY = (
    rf"(?i:\bname(?:'s| is|:| of|\s*=)?|\bunder the name(?: of)?|\bin the name of|\bnamed)\s+{_NAME}",
    rf"(?i:\bon behalf of|\bcalling for|\bassistant (?:of|for|to)|\bpatient(?: is|:)?|\bguest(?: is|:)?|"
    rf"\bunder)\s+{_NAME}",
    rf"\b(?:I am|I'm|[Tt]his is)\s+{_NAME}",
    rf"(?i:\bfor|\bfrom) (?i:my|our|his|her) [a-z]+,? {_NAME}",
    rf"(?i:\bfor)\s+{_NAME}",
    r"(?i:\b)([A-Z][\w-]+)['’]s (?i:assistant|behalf)",
    rf",\s*{_NAME}\.?(?=\s*$)",
    r"[.!]\s+([A-Z][\w'’-]+ [A-Z][\w'’-]+)(?=,\s*(?:[a-z]+ (?:number|id)\b|\+?\d))",
    r"\bname (?:is|of) ([a-z]+(?: [a-z]+)?)\b",
)
_NOT_NAMES = frozenset({*(day.capitalize() for day in WEEKDAYS), *(month.capitalize() for month in MONTHS)}) | word_set(
    "I Christmas Easter Thanksgiving New Valentine Mother Father Today Tomorrow Tonight The A An If Please Ask My"
)
_NOT_LAST_NAMES = word_set("and for on at please if but with tomorrow today the in to")


def find_name(text: str) -> str:
    """The person a goal says the call is for; "" when it names nobody."""
    for pattern in _NAMED_BY:
        for match in re.finditer(pattern, text):
            if name := _trimmed(match.group(1)):
                return name
    return ""


_PLACES = "at|in|on|with|to|for|by|of|from|under|and|or"


def companion(text: str) -> str:
    """Whoever a goal names beside the caller: "our cat Biscuit", "my son Leo"; "" if nobody."""
    named = re.search(
        rf"\b(?i:my|our|his|her|a|the) (?:[a-z]+ )?(?!(?:{_PLACES})\b)[a-z]+,? (?:(?:called|named) )?{_NAME}", text
    )
    return _trimmed(named[1]) if named else ""


def _trimmed(name: str) -> str:
    words: list[str] = []
    for word in name.split():
        if word in _NOT_NAMES or word in _NOT_LAST_NAMES:
            break
        words.append(re.sub(r"['’]s$", "", word).strip("-'’"))
    return " ".join(word if word[:1].isupper() or word in ("de", "van", "von") else word.capitalize() for word in words)


def sounds_like(heard: str, name: str) -> bool:
    """Whether a misheard word may well be one of the words of a name."""
    return any(difflib.SequenceMatcher(None, heard, part).ratio() >= 0.8 for part in name.lower().split())


def spelled(name: str) -> str:
    """ "A, L, E, X": letters a voice reads one by one."""
    return ". ".join(", ".join(part.upper()) for part in name.split())


_NAME_LEADS = frozenset({"for", "under", "mister", "mr", "mrs", "ms", "miss", "name"})
_NEVER_NAMES = word_set("a an the you your me us him her them it this that these those now sure one two three four "
    "five six seven eight nine ten eleven twelve noon today tonight tomorrow at on in of and to is was be calling "
    "waiting holding dinner lunch breakfast brunch what which who when how just only about some any all everyone "
    "everybody everything our my his their people person party name haircut appointment table reservation booking "
    "next morning afternoon evening week half quarter right correct okay yes please "
    "thirty fifteen forty twenty fifty oh") | {*WEEKDAYS, *MONTHS}  # fmt: skip


def misheard_name(words: Sequence[str], name: str, goal_text: str) -> str:
    """A name they say in place of ours ("for Peter"); "" when none is said or it sounds like ours."""
    known = set(re.findall(r"[a-z]+", goal_text.lower())) | _NEVER_NAMES
    if any(sounds_like(word, name) for word in words):
        return ""
    if words[-3:-1] in (["you", "say"], ["you", "mean"], ["you", "said"]) and words[-1] not in known:
        return words[-1]
    for lead, word in zip(words, words[1:], strict=False):
        if lead in _NAME_LEADS and word not in known and not word.isdecimal() and len(word) > 2:
            return word
    return ""
