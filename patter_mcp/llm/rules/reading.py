"""Reads a goal out of the system message: the text after "Goal:", and the date of today."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from patter_mcp.llm.rules.clock import find_times
from patter_mcp.llm.rules.day import find_days
from patter_mcp.llm.rules.goal import Goal, Kind, Slot, usual_hour
from patter_mcp.llm.rules.openings import ASKING, CLAUSE_START, Errand, find_errand
from patter_mcp.llm.rules.people import find_name, find_party
from patter_mcp.llm.rules.terms import read_terms
from patter_mcp.llm.rules.wording import thing_wanted, to_callee
from patter_mcp.llm.rules.words import words_of

_GOAL = re.compile(r"^[ \t]*Goal:[ \t]*(.*?)\s*(?=^[ \t]*Today is\b|\Z)", re.DOTALL | re.MULTILINE)
_TODAY = re.compile(r"^[ \t]*Today is\b[^\n]*?(\d{4}-\d{2}-\d{2})", re.MULTILINE)
_TITLE = re.compile(r"\b(Dr|Mr|Mrs|Ms|St|No)\.")
_HALF = re.compile(r"\b([ap])\.\s?m\.?(?!\w)", re.IGNORECASE)
_MAKE_SURE = re.compile(
    r"\b(?:make sure|ensure|check|confirm|verify)(?: that)? (?=(?:somebody|someone|they|he|she|it|there|everything) )",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_NEXT_QUESTION = re.compile(rf",?\s+(?:and|or)\s+(?:also\s+)?(?:ask\s+)?(?={CLAUSE_START})|,\s+(?={CLAUSE_START})")
_ALSO_ASKING = re.compile(rf"(?:[.,;!]|\b(?:and|then))(?: (?:and|then|also|please))* {ASKING.pattern}")
"""A question beside a message, which may itself speak of knowing and asking."""
_AFTERTHOUGHT = re.compile(
    r"[,;]?\s+(?:and\s+)?(?:then\s+)?(?:my name is|under the name|the name is|report back|let me know|tell me|"
    r"thank|hang up|"
    r"end the call|get back to me|note (?:it|the)|write)\b.*",
    re.IGNORECASE,
)
_IF_FULL = re.compile(
    r"\b(?:If|if|Otherwise|otherwise|In case|in case)\b[^.;]*?,? (?:please )?"
    r"((?:put|add|place) (?:me|us|him|her|them|my name|the name) (?:on|to) [^.,;]*list)[^.;]*[.;]?"
)
"""The one second wish that is pursued."""
_FURTHER = re.compile(
    r",? (?:and|then) (?:then )?(?:if (?:so|yes|they do),? )?"
    r"((?:reserve|book|order|buy|hold|schedule|cancel|make|rent|get|sign|put|arrange)\b.*)",
    re.IGNORECASE,
)
_STATEMENT = re.compile(
    r"(?:it is|it's)\b|"
    r"(?:the|my|our|his|her|their|he|she|i|we)\b.*\b(?:is|are|was|has|have|had|needs?|wants?|prefers?)\b",
    re.IGNORECASE,
)
_MOVE_TARGET = re.compile(r"\s+(?:to|until|till|for)\s+")

_PAYMENT_CARD = re.compile(r"(?<![+\d])(?:\d[ -]?){12,18}\d(?!\d)")
"""Never spoken, so never read."""
_PROVISO = re.compile(r"\bonly (?:\w+ ){,3}if\b|\bas long as\b|\bprovided\b|\bon condition\b", re.IGNORECASE)
_QUOTED = re.compile(r"""(?<!\w)['"‘“](\w[^'"’”]*\w[.!?]?)['"’”](?!\w)""")
_PHONE = re.compile(r"(?<![\w-])\+?\(?\d[\d\s().-]{5,}\d(?![\w-])")
_NUMBERED = re.compile(
    r"\b((?:order|account|membership|member|reference|confirmation|booking|reservation|policy|prescription|patient|"
    r"tracking|(?<!credit )(?<!debit )card|rx|customer|invoice|ticket|case|library card|license plate|"
    r"licence plate|license|registration|insurance|plate|chart)"
    r"(?:,? (?:number|id|code))?)(?: is|:)?[\s#]+([A-Z]{0,4}-?\d[\w-]*|(?:(?:zero|oh|one|two|three|four|five|six|"
    r"seven|eight|nine)\b[\s,]*){3,})",
    re.IGNORECASE,
)
_LED_NUMBER = re.compile(rf"\s*,?\s+(?:for|with|under|on|of) (?:my |our |the )?{_NUMBERED.pattern}", re.IGNORECASE)
_LABELLED = (
    ("email address", re.compile(r"([\w.+-]+@[\w-]+\.[\w.]*\w)")),
    ("date of birth", re.compile(r"\b(?:born|date of birth|dob|birthday)(?: is|:| on)?\s+([^.;\n]+)", re.IGNORECASE)),
    ("address", re.compile(r"\baddress(?: is|:)\s+(?!\S+@)([^.;\n]+)", re.IGNORECASE)),
    ("insurance", re.compile(r"\binsurance(?: is|:| with| by)\s+([^.;,\n]+)", re.IGNORECASE)),
)


@functools.lru_cache(maxsize=32)
def read_goal(system_text: str) -> Goal:
    """The goal in a conversation's system message.

    Without a "Goal:" line the whole text is taken for the goal, provided that it can be read as one.
    """
    found = _GOAL.search(system_text)
    today = _today(system_text)
    goal = goal_from(found[1] if found else system_text, today)
    return goal if found or goal.kind is not Kind.NONE else Goal(today=today)


def goal_from(text: str, today: datetime.date | None = None) -> Goal:
    """The goal in the caller's own words."""
    second = _IF_FULL.search(text)
    goal = _goal_from(_IF_FULL.sub("", text) if second else text, today)
    if second is None or not goal.kind.is_deal:
        return goal
    task = to_callee(second[1])
    instead = replace(goal, kind=Kind.DO, verb="could", task=task, days=(), time=None, windows=(), questions=())
    return replace(goal, instead=instead)


def _goal_from(text: str, today: datetime.date | None) -> Goal:
    text = _HALF.sub(r"\1m", _TITLE.sub(r"\1", text)).strip()
    text = _PAYMENT_CARD.sub("", _MAKE_SURE.sub("ask if ", text))
    sentences = [sentence.strip() for sentence in _SENTENCE.split(text) if sentence.strip()]
    errand = find_errand(sentences)
    party = find_party(words_of(text)) if errand.kind.is_deal else None
    goal = Goal(
        text=text, kind=errand.kind, verb=errand.verb, recipient=_recipient(errand), task=_task(errand, text),
        name=find_name(text), phone=_phone(text), party=party.count if party else None, facts=_facts(text),
        questions=_questions(errand), further=_further(errand), details=_details(sentences),
        condition=_condition(sentences), wording=_wording(text), today=today,
    )  # fmt: skip
    return _with_terms(goal, errand) if errand.kind.is_deal else goal


def _task(errand: Errand, text: str) -> str:
    if errand.kind is Kind.NONE:
        return text
    if errand.kind is Kind.TELL:
        return _message(errand)
    if errand.kind is Kind.CANCEL:
        return to_callee(re.split(r",|\s+(?:under|and|for (?=[A-Z]))", errand.thing)[0])
    if errand.kind is Kind.MOVE:
        return to_callee(re.sub(r"\bfrom\b", "on", _move_parts(errand.thing)[0]))
    if errand.kind is Kind.ASK:
        return _questions(errand)[0]
    wanted = thing_wanted(_without_facts(_LED_NUMBER.sub("", errand.thing)))
    return wanted[:1].lower() + wanted[1:] if wanted else "an appointment"


def _recipient(errand: Errand) -> str:
    """Somebody with a name; whom "them" means, the callee knows."""
    is_pronoun = errand.recipient.lower() in (
        "them",
        "him",
        "her",
        "someone",
        "somebody",
        "everyone",
        "whoever answers",
    )
    return "" if is_pronoun else to_callee(errand.recipient)


def _message(errand: Errand) -> str:
    """A message is passed on as it was given."""
    text = _AFTERTHOUGHT.sub("", errand.thing)
    asking = _ALSO_ASKING.search(text)
    text = text[: asking.start()].rstrip() if asking else text
    return f"please remember {text}" if errand.verb == "remind" and text.startswith("to ") else text


def _questions(errand: Errand) -> tuple[str, ...]:
    """What is to be found out, main errand or besides it."""
    asked = [errand.thing] if errand.kind is Kind.ASK else []
    later = errand.rest.replace(errand.thing, "", 1) if asked else errand.rest
    others = (_ALSO_ASKING if errand.kind is Kind.TELL else ASKING).finditer(later)
    asked += [re.split(r"[.?!]", later[match.end() :])[0] for match in others]
    plain = (_FURTHER.sub("", _AFTERTHOUGHT.sub("", question)) for question in asked)
    parts = [part for question in plain for part in _NEXT_QUESTION.split(question)]
    return tuple(part.strip(" .,") for part in parts if part.strip(" .,"))


def _further(errand: Errand) -> str:
    found = _FURTHER.search(errand.thing) if errand.kind is Kind.ASK else None
    return found[1].strip(" .") if found else ""


def _with_terms(goal: Goal, errand: Errand) -> Goal:
    text = errand.rest
    if goal.kind is Kind.CANCEL:
        return replace(goal, former=_slot(errand.thing))
    if goal.kind is Kind.MOVE:
        before, target = _move_parts(errand.thing)
        text = text.replace(before, "", 1) if target else text.replace(errand.thing, "", 1)
        goal = replace(goal, former=_slot(before))
    terms = read_terms(_without_facts(text))
    is_open = goal.kind is Kind.MOVE and not terms.days
    return replace(
        goal, days=tuple(terms.days), any_day=terms.any_day or is_open, excluded_days=tuple(terms.excluded_days),
        time=terms.time, windows=terms.accepted, strict=terms.strict and not terms.any_time,
    )  # fmt: skip


def _move_parts(thing: str) -> tuple[str, str]:
    """ "my appointment from Monday to Tuesday at 4" -> what is moved, and where to ("" if the goal leaves it open)."""
    for match in _MOVE_TARGET.finditer(thing):
        words = list(takewhile(lambda word: word != "from", words_of(thing[match.end() :])[:4]))
        if find_times(["at", *words]) or find_days(words):
            return thing[: match.start()], thing[match.end() :]
    return thing, ""


def _slot(text: str) -> Slot:
    """The first day and time in a text."""
    days, times = find_days(words_of(text)), find_times(words_of(text))
    return Slot(days[0].day if days else None, times[0].clock.near(usual_hour(text)) if times else None)


def _facts(text: str) -> tuple[tuple[str, str], ...]:
    found = [(match[1].lower().replace(",", ""), match[2].strip(" ,")) for match in _NUMBERED.finditer(text)]
    found += [(label, match[1].strip()) for label, pattern in _LABELLED if (match := pattern.search(text))]
    return tuple(found)


def _condition(sentences: Sequence[str]) -> str:
    """A sentence with a proviso that is not about days and times."""
    stated = (sentence for sentence in sentences if _PROVISO.search(sentence))
    return next((text for text in stated if not find_times(words_of(text)) and not find_days(words_of(text))), "")


def _wording(text: str) -> str:
    quoted = _QUOTED.search(text)
    return quoted[1] if quoted else ""


def _details(sentences: Sequence[str]) -> tuple[str, ...]:
    """What the goal states beside the errand."""
    stated = (sentence.strip(" .!") for sentence in sentences if _STATEMENT.match(sentence))
    return tuple(to_callee(re.sub(r"^(?:it's|It's)\b", "it is", sentence)) for sentence in stated)


def _without_facts(text: str) -> str:
    """What could be mistaken for a day or a time is taken out: dates of birth, addresses, numbers of things."""
    text = _NUMBERED.sub(lambda match: re.sub(r",? number$", "", match[1]), text)
    for pattern in (_PHONE, *(pattern for _, pattern in _LABELLED)):
        text = pattern.sub(lambda match: match.group() if _is_iso_date(match.group()) else " ", text)
    return text


def _is_iso_date(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}(?: \d\d)?", text.strip()) is not None


def _phone(text: str) -> str:
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if len(digits) >= 7 and not _is_iso_date(match.group()):
            return digits
    return ""


def _today(system_text: str) -> datetime.date | None:
    found = _TODAY.search(system_text)
    try:
        return datetime.date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
