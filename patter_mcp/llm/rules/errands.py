"""Rules for errands that are not arrangements: a question to ask, a message to tell, a goal nobody can judge."""

from __future__ import annotations

import re

from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.answers import answers
from patter_mcp.llm.rules.clock import find_times
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.findings import answer_in, tells
from patter_mcp.llm.rules.judging import passes_on
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.recall import Act
from patter_mcp.llm.rules.replies import Ending, Reply, errand, refused, resumed, speak, uncertain
from patter_mcp.llm.rules.understand import Heard

MAX_TRIES = 3
_RECITED = re.compile(r"\b(?:thank you for calling|welcome to|you have reached)\b")
_RECITED_WORDS = 15
"""So many at once nobody says who wants to know what we want."""


def announcement(memory: Memory, heard: Heard) -> Reply | None:
    """A recording behind a menu cannot be asked whether we heard it right: its answer is reported as what it is."""
    is_schedule = bool(heard.hours) or any(mention.bound != "at" for mention in find_times(heard.words))
    if memory.menu and not is_schedule:
        return None
    is_recited = bool(_RECITED.search(heard.text)) and len(heard.words) >= _RECITED_WORDS
    is_recording = (memory.keys or is_recited) and not memory.requested and not heard.has(Cue.WHY, Cue.QUESTION)
    if not is_recording or memory.stage != "question" or not tells(memory.goal.questions[0], heard):
        return None
    goal_met = "yes" if all(tells(question, heard) for question in memory.goal.questions) else "unknown"
    return Reply(ending=Ending(goal_met, f'A recorded announcement answered: "{heard.raw}".'))


def ask(memory: Memory, heard: Heard) -> Reply | None:
    """Puts the question, gives the answer back, and needs a yes to that."""
    replied, answer = answers(memory, heard), answer_in(memory, heard)
    if replied:
        return speak(*replied, *resumed(memory))
    if memory.pending is Act.READ_BACK and not answer:
        return _ask_on(memory, heard)
    if answer:
        phrase = say.read_answer_again if memory.streak(Act.READ_BACK) > 1 else say.read_answer
        if memory.streak(Act.READ_BACK) >= MAX_TRIES:
            return uncertain(memory, why="They did not clearly confirm an answer.")
        return speak(phrase(answer))
    return _no_answer(memory, heard)


def _ask_on(memory: Memory, heard: Heard) -> Reply | None:
    """After an answer was given back: no, or neither yes nor no."""
    if memory.count(Act.READ_AGAIN) or memory.streak(Act.READ_BACK) >= MAX_TRIES:
        return uncertain(memory, why="They did not clearly confirm an answer.")
    if heard.has(Cue.NO):
        return speak("I am sorry.", *errand(memory))
    if heard.has(Cue.WHY, Cue.GREETING):
        return speak(*errand(memory))
    return None if heard.has(Cue.HOLD) else speak(say.read_answer_again(memory.answer))


def _no_answer(memory: Memory, heard: Heard) -> Reply | None:
    if heard.has(Cue.WHY) and memory.count(Act.REQUESTED) <= MAX_TRIES:
        return speak(*resumed(memory))
    if heard.has(Cue.UNSURE) and not memory.count(Act.ASKED_TO_CHECK):
        return speak(say.PLEASE_CHECK)
    if heard.has(Cue.UNSURE) and not heard.has(Cue.DEFLECT):
        return uncertain(memory, say.LATER, why="They were not sure.")
    if heard.has(Cue.DEFLECT, Cue.NO, Cue.UNAVAILABLE):
        is_partly_done = memory.settled or bool(memory.answers)
        return uncertain(memory, say.LATER, why="One thing stayed open.") if is_partly_done else refused(memory)
    if heard.has(Cue.NOT_HERE):
        return refused(memory) if memory.count(Act.ASKED_FOR_HELP) else speak(say.OTHERS_HELP)
    if heard.has(Cue.GOODBYE):
        return uncertain(memory, why="They said goodbye before they answered.")
    if (
        heard.has(Cue.YES, Cue.NOTED, Cue.BACK, Cue.GREETING, Cue.ANYTHING_ELSE)
        and memory.count(Act.REQUESTED) <= MAX_TRIES
    ):
        return speak(*resumed(memory))
    if memory.streak(Act.ASKED_TO_CHECK):
        return uncertain(memory, say.LATER, why="They could not say.")
    return None


def tell(memory: Memory, heard: Heard) -> Reply | None:
    """Gives the message and needs a sign that it was taken."""
    if not memory.requested:
        return None
    if memory.pending is Act.ASKED_TO_PASS_ON or (passes_on(heard) and memory.pending is Act.REQUESTED):
        return _passed_on(memory, heard)
    if heard.has(Cue.NOT_HERE, Cue.TAKE_MESSAGE):
        return speak(say.ask_to_pass_on(memory.goal))
    if memory.pending is Act.ASKED_FOR:
        return _asked_for(memory, heard)
    if heard.has(Cue.GOODBYE):
        return uncertain(memory, why="They said goodbye without acknowledging it.")
    if memory.count(Act.REQUESTED) > MAX_TRIES:
        return uncertain(memory, why="They did not acknowledge it.")
    return speak(*answers(memory, heard), *resumed(memory))


def _asked_for(memory: Memory, heard: Heard) -> Reply:
    """Whoever answers with a question has not said yet whether it is the one the message is for."""
    replied = answers(memory, heard)
    is_there = heard.assents or heard.has(Cue.GREETING, Cue.WHY) or memory.goal.recipient.lower() in heard.text
    if heard.has(Cue.NO) and not is_there:
        return speak(*replied, say.ask_to_pass_on(memory.goal))
    if memory.count(Act.ASKED_FOR) > MAX_TRIES:
        return uncertain(memory, why="They did not say who they were.")
    return speak(*replied, *(errand(memory) if is_there else resumed(memory)))


def _passed_on(memory: Memory, heard: Heard) -> Reply | None:
    goal = memory.goal
    if heard.has(Cue.NO, Cue.UNAVAILABLE) and not heard.has(Cue.YES):
        return refused(memory, say.LATER)
    if heard.has(Cue.YES, Cue.NOTED):
        summary = (
            f'{goal.recipient or "The person"} was not there; somebody promised to pass the message on: "{heard.raw}".'
        )
        return Reply((say.THANKS_GOODBYE,), Ending("unknown", summary))
    replied = answers(memory, heard)
    if memory.count(Act.ASKED_TO_PASS_ON) > 1 and not replied:
        return uncertain(memory, why="They did not say whether they would pass it on.")
    return speak(*replied, *resumed(memory))


def open_goal(memory: Memory, heard: Heard) -> Reply | None:
    """States what it was told, listens, thanks."""
    if not memory.requested:
        return None
    replied = answers(memory, heard)
    if replied and memory.count(Act.REQUESTED) <= MAX_TRIES:
        return speak(*replied)
    return uncertain(memory)
