"""Answers to what callees ask, and rules for talk that leads away from the errand."""

from __future__ import annotations

import re
from collections.abc import Callable

from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.goal import Kind, Slot
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.offers import best_of, slot_of
from patter_mcp.llm.rules.people import companion
from patter_mcp.llm.rules.recall import Act
from patter_mcp.llm.rules.replies import Reply, resumed, sent_away, speak, uncertain
from patter_mcp.llm.rules.understand import Heard
from patter_mcp.llm.rules.words import number_at, spoken_digits, word_set, words_of

MAX_DIVERSIONS = 3
_SHORT = 5
_WHOSE_NAME = re.compile(r"\b(?:your|the) (\w+)'s name\b|\bname of (?:your|the) (\w+)")
_CALLERS = word_set("patient guest customer person client caller party group company account order reservation booking")
"""Those whose name is the one the call is for."""
_WHY = re.compile(r"\b(?:why|reason|matter|wrong|symptoms?|problem|trouble)\b")
_ASKS_IF_SO = re.compile(r"(?:\w+ ){0,2}?(?:is (?:it|this|that)|are you|do you|did you|would you|for)\b")
_FORMER = re.compile(r"\b(?:was|were|old|original|originally|current|currently|now|existing|from)\b")
"""Words of questions about what is to be moved, and not where to."""
_WRITING = re.compile(r"\b(?:writ\w+|text|inscription|engrav\w+|lettering|message|card|say on)\b")
_CODE_DIGITS = 3
_HOW_MANY = re.compile(r"\bhow many (\w+)")
_CHOICE = re.compile(r"\b(\w+) or (?:an? |the )?(\w+)\b")


def wrong_number(memory: Memory, heard: Heard) -> Reply | None:
    if not heard.has(Cue.WRONG_NUMBER):
        return None
    return sent_away(f'It was the wrong number; they said: "{heard.raw}".', say.SORRY_WRONG_NUMBER)


def unwelcome(memory: Memory, heard: Heard) -> Reply | None:
    if heard.has(Cue.DO_NOT_CALL):
        return sent_away(f'They asked not to be called again: "{heard.raw}".', say.SORRY_TO_DISTURB)
    if heard.has(Cue.HOSTILE, Cue.NOT_INTERESTED):
        return sent_away(f'They did not want to talk: "{heard.raw}".', say.SORRY_TO_DISTURB)
    return None


def diversion(memory: Memory, heard: Heard) -> Reply | None:
    """Something else than the errand is asked of us."""
    if not heard.has(Cue.OFF_TASK) or memory.goal.fact_named(heard.words):
        return None
    if memory.count(Act.OFF_TASK) >= MAX_DIVERSIONS:
        return uncertain(memory, say.THANKS_GOODBYE, why="They did not come back to the matter.")
    return speak(say.OFF_TASK, *resumed(memory))


def asks_again(memory: Memory, heard: Heard) -> Reply | None:
    if not heard.has(Cue.REPEAT) or heard.has(Cue.WHY) or heard.offers:
        return None
    return speak(*_specific(memory, heard), *resumed(memory))


def answers(memory: Memory, heard: Heard) -> tuple[str, ...]:
    """An answer to each question asked; () when nothing was asked."""
    found = _specific(memory, heard)
    if memory.stage == "message":
        return found
    if not found and (wrong := misread_number(memory, heard)):
        return (wrong,)
    if memory.goal.wording and _WRITING.search(heard.text) and not memory.count(Act.TOLD_WORDING):
        return (*found, say.give_wording(memory.goal))
    if not found and (fact := memory.goal.fact_named(heard.words)):
        return (say.give_fact(fact),)
    is_choice = len(heard.words) <= _SHORT and _CHOICE.search(heard.text) is not None
    if found or heard.offers or not (heard.has(Cue.QUESTION) or is_choice):
        return found
    known = (Cue.WHY, Cue.HOLD, Cue.UNAVAILABLE, Cue.REPEAT, Cue.CHECKING, Cue.TAKE_MESSAGE)
    return () if heard.has(*known) else (_general(memory, heard),)


def _specific(memory: Memory, heard: Heard) -> tuple[str, ...]:
    """A message has no details: whatever else they ask, it is repeated."""
    answers = _ANSWERS if memory.stage in ("deal", "question") else _ABOUT_US
    said = dict.fromkeys(answer(memory, heard) for cue, answer in answers if heard.has(cue))
    return tuple(filter(None, said))


def _who(memory: Memory, heard: Heard) -> str:
    return "" if heard.has(Cue.ROBOT) else say.introduction(memory.goal)


def _name(memory: Memory, heard: Heard) -> str:
    of_whom = _WHOSE_NAME.search(heard.text)
    if of_whom and (of_whom[1] or of_whom[2]) not in _CALLERS:
        name = companion(memory.goal.text)
        return say.give_detail(f"the name is {name}") if name != memory.goal.name and name else say.NOT_KNOWN
    return "" if heard.has(Cue.ASK_SPELLING) else say.give_name(memory.goal)


def _record(memory: Memory, heard: Heard) -> str:
    fact, detail = memory.goal.fact(heard.words), memory.goal.detail(heard.words)
    if fact:
        return say.give_fact(fact)
    return say.give_detail(detail) if detail else say.NOT_KNOWN


def _phone(memory: Memory, heard: Heard) -> str:
    if heard.has(Cue.ASK_RECORD):
        return ""
    other = "" if memory.goal.phone else memory.goal.fact(["number"])
    return say.give_fact(other) if other else say.give_phone(memory.goal)


def _when(memory: Memory, heard: Heard) -> str:
    asks_of_old = memory.goal.kind is Kind.CANCEL or _FORMER.search(heard.text)
    slot = memory.goal.former if asks_of_old and memory.goal.former != Slot() else memory.slot
    fits = best_of(memory.goal, [slot_of(offer, memory.goal, memory.slot) for offer in heard.offers]) is not None
    return "" if fits else say.give_when(memory.goal, slot)


def _okay(memory: Memory, heard: Heard) -> str:
    if heard.has(Cue.PRICE):
        return say.PRICE_NOTED
    if heard.offers or heard.has(Cue.ASK_SECRET, Cue.CHECKING):
        return ""
    return say.CHOICE_IS_YOURS if _CHOICE.search(heard.text) else say.THAT_IS_FINE


def _count(memory: Memory, heard: Heard) -> str:
    """ "How many nights?" where the goal says "one night"."""
    asked = None if heard.has(Cue.ASK_PARTY) else _HOW_MANY.search(heard.text)
    told = asked and re.search(rf"\b(\w+) {re.escape(asked[1].removesuffix('s'))}s?\b", memory.goal.text, re.IGNORECASE)
    return f"{say.upper_first(told[0])}." if told and number_at([told[1].lower()], 0) else ""


def misread_number(memory: Memory, heard: Heard) -> str:
    """They have put down a number of ours wrongly: the right one, once."""
    said = spoken_digits(heard.words)
    if len(said) < _CODE_DIGITS or memory.count(Act.CORRECTED):
        return ""
    ours = [(f"{label} is {value}", value) for label, value in memory.goal.facts]
    ours += [(f"phone number is {say.digits(memory.goal.phone)}", memory.goal.phone)] if memory.goal.phone else []
    known = [(fact, spoken_digits(words_of(" ".join(value)))) for fact, value in ours]
    if any(said in value for _, value in known):
        return ""
    wrong = next((fact for fact, value in known if len(value) == len(said) and value[0] == said[0]), "")
    return f"One thing: {say.lower_first(say.give_fact(wrong))}" if wrong else ""


def _service(memory: Memory, heard: Heard) -> str:
    if heard.has(Cue.WHY) and not memory.requested:
        return ""
    detail = memory.goal.reason or memory.goal.detail(heard.words)
    return say.give_detail(detail) if detail and memory.count(Act.REQUESTED) else say.give_service(memory.goal)


def _nothing_else(memory: Memory, heard: Heard) -> str:
    return "" if len(memory.answers) < len(memory.goal.questions) else say.NOTHING_ELSE


_Answer = tuple[Cue, Callable[[Memory, Heard], str]]
_ABOUT_US: tuple[_Answer, ...] = (
    (Cue.ROBOT, lambda memory, heard: say.robot_answer(memory.goal)),
    (Cue.WHO, _who),
    (Cue.HOW_ARE_YOU, lambda memory, heard: say.VERY_WELL),
    (Cue.ASK_NAME, _name),
    (Cue.ASK_SPELLING, lambda memory, heard: say.give_spelling(memory.goal)),
    (Cue.ASK_PHONE, _phone),
)
_ANSWERS: tuple[_Answer, ...] = (
    *_ABOUT_US,
    (Cue.ASK_RECORD, _record),
    (Cue.ASK_PARTY, lambda memory, heard: say.give_party(memory.goal)),
    (Cue.ASK_DAY, _when),
    (Cue.ASK_TIME, _when),
    (Cue.ASK_SERVICE, _service),
    (Cue.ASK_OKAY, _okay),
    (Cue.QUESTION, _count),
    (Cue.ANYTHING_ELSE, _nothing_else),
)


def _general(memory: Memory, heard: Heard) -> str:
    """A question nobody foresaw: what the goal says of it, or that we do not know."""
    goal_words = set(memory.goal.text.lower().replace(",", " ").replace(".", " ").split())
    choice = _CHOICE.search(heard.text)
    if choice:
        chosen = next((word for word in choice.groups() if word in goal_words), "")
        return f"{say.upper_first(chosen)}, please." if chosen else say.CHOICE_IS_YOURS
    asks_why = _WHY.search(heard.text) is not None
    if detail := (memory.goal.reason if asks_why else "") or memory.goal.detail(heard.words):
        return say.give_detail(detail)
    if _ASKS_IF_SO.match(heard.text) and memory.goal.says(heard.words):
        return say.introduction(memory.goal) if "are you" in heard.text else say.IT_IS
    return say.task_alone(memory.goal) if not memory.count(Act.TOLD_TASK) else say.NOT_KNOWN
