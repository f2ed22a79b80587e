"""How goals begin: the words by which an errand is recognised, and which object follows them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from patter_mcp.llm.rules.goal import Kind

CLAUSE_START = (
    r"(?i:(?:(?:at|on|from|by|in|for|since|to) (?=what|which|when|how|whom))?"
    r"(?:if|whether|what|when|how|where|which|whom?|why|until))\b"
)
"""Begins an indirect question."""
_NAMES = r"[A-Z][\w'’]*(?: [A-Z][\w'’]*)*"
_SOMEBODY = (
    r"(?i:them|him|her|someone|somebody|everyone|whoever answers|(?:the|my|our|his|their) "
    r"(?:(?:[a-z]+ ){1,3}?[a-z]+(?=,? (?:that|if|whether|what|when|how|where|which|why)\b)|[a-z]+))"
)
_WHO = rf"(?:(?i:mom|mum|dad|grandma|grandpa)(?: {_NAMES})?|{_SOMEBODY}|{_NAMES})"
_NOUN_START = r"(?i:an?|some|one|two|three|my|our|the (?:next|first|earliest))\b"


@dataclass(frozen=True, slots=True)
class Opening:
    """The object of the errand is what follows the match; group `who` is the recipient of a message."""

    kind: Kind
    pattern: re.Pattern[str]
    verb: str = ""
    """What we say for it; "" for the matched word itself."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a goal's main sentence asks for."""

    kind: Kind = Kind.NONE
    verb: str = ""
    thing: str = ""
    """The object, in the goal's words."""
    recipient: str = ""
    rest: str = ""
    """The whole sentence and all after it."""


def _opening(kind: Kind, pattern: str, verb: str = "") -> Opening:
    return Opening(kind, re.compile(pattern), verb)


ASKING = re.compile(
    r"\b(?:(?i:ask|find out|check|inquire|enquire|see|confirm|verify|learn|know|figure out|determine)"
    rf"(?: (?i:with |from )?{_WHO})?|(?i:get|have) {_WHO} to (?i:say|tell (?:you|me|us)|confirm)),? (?={CLAUSE_START})"
)
OPENINGS = (
    _opening(Kind.CANCEL, r"\b(?i:cancel) "),
    _opening(
        Kind.MOVE,
        r"\b(?i:reschedule|move|change|postpone|push back|rebook|switch) (?=(?:(?i:my|our|the|an?|his|her)|"
        r"[A-Z]\w+['’]s) )",
    ),
    _opening(Kind.DO, rf"\b(?i:ask|get|have|tell|request) (?!(?i:how|what|where|when|who)\b){_WHO} to ", "could"),
    _opening(
        Kind.DO, rf"\b(?i:have) {_WHO} (?=(?i:send|deliver|come|bring|fix|hold|ship|replace|repair|pick)\b)", "could"
    ),
    Opening(Kind.ASK, ASKING, "know"),
    _opening(Kind.TELL, rf"\b(?i:tell|inform|notify) (?P<who>{_WHO}),? (?i:that |about )?"),
    _opening(Kind.TELL, rf"\b(?i:let) (?P<who>{_WHO}) (?i:know),? (?i:that |about )?"),
    _opening(Kind.TELL, rf"\b(?i:remind) (?P<who>{_WHO}) (?i:that |of |about )?"),
    _opening(Kind.TELL, rf"\b(?i:wish) (?P<who>{_WHO}) (?i:an? )?"),
    _opening(
        Kind.TELL,
        rf"\b(?i:leave|give|deliver) (?:(?P<who>{_WHO}) )?(?i:an?|the|this) (?i:message)(?i: saying| that|:)+ ",
    ),
    _opening(
        Kind.BOOK,
        r"(?<!\bthe )(?<!\ba )(?<!\bmy )(?<!\blibrary )\b(?i:book|reserve|schedule|order|buy) (?!(?i:it|is|are|was|"
        r"club|called)\b)",
    ),
    _opening(Kind.BOOK, rf"\b(?i:make|arrange|request|set up|place|rent) (?!(?i:sure)\b)(?={_NOUN_START})"),
    _opening(Kind.BOOK, rf"\b(?i:get|find|need|want|like|ask for) (?={_NOUN_START})", "book"),
    _opening(
        Kind.DO,
        r"\b(?i:(?=(?:renew|refill|extend|return|report|hold|activate|reactivate|deactivate|update|register|enroll|"
        r"join|dispute|"
        r"pick up|drop off|send|deliver|freeze|pause|unsubscribe|subscribe|sign up|speak|replace|repair|fix) ))",
        "would",
    ),
)
"""The earliest match in a sentence wins; of two at one place, the first here."""

_ARRANGED = tuple(
    Opening(opening.kind, re.compile(rf"^(?:{opening.pattern.pattern})"), opening.verb)
    for opening in OPENINGS
    if opening.kind in (Kind.CANCEL, Kind.MOVE)
)
"""Of what somebody is asked to do, the things that are arrangements of their own."""

VAGUE_OPENINGS = (
    _opening(Kind.ASK, r"\b(?i:ask|inquire|enquire)(?i: them)? (?i:about|for) ", "ask about"),
    _opening(Kind.ASK, r"\b(?i:check)(?i: on)? (?=(?i:my|our|the|availability|price|opening|stock))", "ask about"),
    _opening(Kind.ASK, r"\b(?i:confirm|verify) (?=(?i:my|our|the|an?) )", "confirm"),
    _opening(Kind.ASK, r"\b(?i:get|find out) (?=(?i:the|their|a quote|a price|an estimate))", "ask about"),
)
"""Only for goals in which nothing clearer is found."""

_DIRECT = re.compile(
    r"^(?i:(?:what|when|how|where|which|who|why) .*|(?:is|are|do|does|did|can|could|will|have|has) .*)\?$",
)


_IMPERATIVE = re.compile(
    r"(?i:please )?(?P<thing>(?!(?i:call|phone|ring|say|talk|be|have|do|make|go|about|is|are|try|they|we|you|it|this)"
    r"\b)"
    r"[A-Za-z]{3,} (?:the|an?|my|our|his|her|their|one|two|three|some|in|up|[A-Z][\w'’]*) .+)"
)
"""Almost every goal is one: "bring the car in for a new windshield"."""


def find_errand(sentences: list[str]) -> Errand:
    """The first errand a goal's sentences name."""
    for openings in (OPENINGS, VAGUE_OPENINGS):
        for index, sentence in enumerate(sentences):
            if _DIRECT.search(sentence):
                return Errand(Kind.ASK, "", sentence, rest=" ".join(sentences[index:]))
            if errand := _opened(sentence, openings):
                return Errand(errand.kind, errand.verb, errand.thing, errand.recipient, " ".join(sentences[index:]))
    told = _IMPERATIVE.match(sentences[0]) if sentences else None
    if told is None:
        return Errand()
    thing = told["thing"].strip(" .!")
    return Errand(Kind.DO, "would", thing[:1].lower() + thing[1:], rest=" ".join(sentences))


def _opened(sentence: str, openings: tuple[Opening, ...]) -> Errand | None:
    found = [(opening, match) for opening in openings if (match := opening.pattern.search(sentence))]
    if not found:
        return None
    opening, match = min(found, key=lambda pair: pair[1].start())
    recipient = match.groupdict().get("who") or ""
    thing = sentence[match.end() :].strip(" .!")
    if opening.kind is Kind.DO and (arranged := _opened(thing, _ARRANGED)):
        return arranged
    return Errand(opening.kind, opening.verb or match.group().split()[0].lower(), thing, recipient)
