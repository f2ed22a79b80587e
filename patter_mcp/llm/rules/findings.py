"""What counts as an answer: whether a turn of theirs holds the sort of thing that was asked for."""

from __future__ import annotations

import re

from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.clock import find_times
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.day import find_days
from patter_mcp.llm.rules.goal import telling_words
from patter_mcp.llm.rules.judging import QUESTIONS
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.recall import Act
from patter_mcp.llm.rules.understand import Heard
from patter_mcp.llm.rules.wording import to_callee
from patter_mcp.llm.rules.words import TENS, UNITS, words_of

_TIME_QUESTION = re.compile(
    r"^(?:at |until |from |about )?(?:what time|when|how late|how early|which day|what day)\b|"
    r"^how long\b.*\bopen\b|\b(?:hours|opening times?)\b",
    re.IGNORECASE,
)
_HOURS_QUESTION = re.compile(r"\b(?:open\w*|clos\w+|hours|until when|how late)\b", re.IGNORECASE)
_AMOUNT_QUESTION = re.compile(
    r"^(?:about )?how (?:much|many|long)\b|^(?:what )?(?:the |their )?(?:price|cost|fee|rate|phone number)\b|"
    r"^what\b.*\b(?:costs?|charge)\b",
    re.IGNORECASE,
)
_NUMBER = "|".join(word for word in (*UNITS, *TENS) if word != "one")
_AMOUNT = re.compile(
    rf"\b(?:\d+|{_NUMBER}|(?:a|one) (?:hundred|thousand|dollar|euro|pound|hour|minute|day|week|month))\b"
)
"""Not a mere "one", which may be anything."""
_FREE = re.compile(r"^(?:it is |that is |they are )?free\b|\b(?:is|are|for) free\b")
_VALUE_QUESTION = re.compile(f"{_TIME_QUESTION.pattern}|{_AMOUNT_QUESTION.pattern}", re.IGNORECASE)
_YES_NO_QUESTION = re.compile(r"^(?:if|whether|is|are|do|does|did|can|could|will|have|has)\b", re.IGNORECASE)
_CANNOT_TELL = re.compile(r"\b(?:can|could|do|did) not (?:find|see|tell|say|look|check)\b")
_FINDING_QUESTION = re.compile(r"\b(?:find|found|lost|see|seen)\b", re.IGNORECASE)
_PRESENCE_QUESTION = re.compile(r"\b(?:in|here|there|home|available|at work|back)\b", re.IGNORECASE)
_STOCK_QUESTION = re.compile(r"\b(?:have|has|any|some|left|stock|available)\b", re.IGNORECASE)
_DAY_WORDS = re.compile(r"\b(?:today|tomorrow|\w+day|week|weekend|soon|ready|noon|midnight|hours)\b")
_SHORT = 3
_LONG = 9
"""Words: more than a courtesy has, so that "thank you, your parcel is at the station" is an answer."""
_NO_ANSWER = (Cue.GREETING, Cue.HOLD, Cue.BACK, Cue.THANKS, Cue.GOODBYE, Cue.WHY)


def answer_in(memory: Memory, heard: Heard) -> str:
    """What in this turn answers the open question, given back to them; "" if nothing does."""
    question = memory.goal.questions[len(memory.answers)]
    if not memory.requested or heard.has(Cue.HOLD) or (heard.has(Cue.GREETING) and len(heard.words) < 8):
        return ""
    is_denying = heard.has(Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED)
    if heard.has(Cue.WHY, Cue.CHECKING) and not is_denying and not heard.has_number:
        return ""
    if heard.is_parting and not is_denying and not heard.has_number and not _shares_words(question, heard):
        return ""
    if memory.pending is Act.READ_BACK and heard.has(Cue.NO) and not _has_value(question, heard):
        return ""
    is_evasive = heard.has(Cue.UNSURE, Cue.DEFLECT, Cue.WILL_CALL_BACK, Cue.TRANSFER)
    is_evasive |= _CANNOT_TELL.search(heard.text) is not None and not _FINDING_QUESTION.search(question)
    is_evasive |= heard.has(Cue.NOT_HERE) and not _PRESENCE_QUESTION.search(question)
    if is_evasive and not (_VALUE_QUESTION.search(question) and _has_value(question, heard)):
        return ""
    if _YES_NO_QUESTION.search(question):
        return _yes_or_no(question, heard, is_repeat=memory.pending is Act.READ_BACK)
    return say.echo(heard.raw) if _has_value(question, heard) else ""


def _has_value(question: str, heard: Heard) -> bool:
    """Whether a turn holds the sort of thing that was asked for."""
    if heard.has(Cue.CLOSED) and _HOURS_QUESTION.search(question):
        return True
    if _TIME_QUESTION.search(question):
        return bool(find_times(heard.words) or find_times(["at", *heard.words]) or _DAY_WORDS.search(heard.text))
    if _AMOUNT_QUESTION.search(question):
        return (_AMOUNT.search(heard.text) is not None and not heard.hours) or _FREE.search(heard.text) is not None
    is_courtesy = heard.has(*_NO_ANSWER) and len(heard.words) < _LONG
    return len(heard.words) > 2 and not is_courtesy and not heard.has(Cue.HOLD, Cue.WHY)


def _yes_or_no(question: str, heard: Heard, *, is_repeat: bool) -> str:
    clause = to_callee(re.sub(r"^(?:if|whether)\s+", "", question))
    is_statement = len(heard.words) > _SHORT or heard.has_number
    is_asking = heard.has(*QUESTIONS) and not heard.has(Cue.NO, Cue.UNAVAILABLE) and not heard.assents
    if is_asking or (is_repeat and not is_statement):
        return ""
    if is_statement and (
        heard.has(Cue.YES, Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED, Cue.CONFIRMED) or _speaks_of(question, heard)
    ):
        return say.echo(heard.raw)
    if heard.has(Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED):
        return "no"
    return f"yes, {clause}" if heard.has(Cue.YES) else ""


def _speaks_of(question: str, heard: Heard) -> bool:
    """Whether a statement without a yes or a no is about what was asked: the same thing, when it is, how many."""
    if heard.has(*_NO_ANSWER):
        return False
    is_time = bool(find_times(heard.words) or find_days(heard.words))
    is_when = is_time and len(heard.words) > _SHORT and not heard.hours
    is_count = (
        heard.has_number and not is_time and "not" not in heard.words and _STOCK_QUESTION.search(question) is not None
    )
    return is_when or is_count or _shares_words(question, heard)


def _shares_words(question: str, heard: Heard) -> bool:
    return bool(telling_words(heard.words) & telling_words(words_of(question)))


def tells(question: str, heard: Heard) -> bool:
    """Whether words to nobody in particular answer a question, and for the day it asks about."""
    asked, told = ([mention.day for mention in find_days(words)] for words in (words_of(question), heard.words))
    is_other_day = bool(told) and all(day.clashes(other, None) for day in asked for other in told) and bool(asked)
    if _TIME_QUESTION.search(question) and not heard.has(Cue.CLOSED) and not find_times(heard.words):
        return False
    return not is_other_day and (_has_value(question, heard) or bool(heard.hours and "open" in question))
