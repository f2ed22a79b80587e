"""The policy: an ordered list of small rules, of which the first that has something to say speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from patter_mcp.llm.base import Message
from patter_mcp.llm.rules import answers, deal, errands, machines
from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.folding import remember
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.recall import Act
from patter_mcp.llm.rules.replies import QUIET, Ending, Reply, errand, finished, opening, resumed, speak, uncertain
from patter_mcp.llm.rules.understand import Heard

MAX_SAME = 3
"""So often we say the same words in a row; then the conversation is stuck."""
_CANNOT = (Cue.UNAVAILABLE, Cue.CLOSED, Cue.NO)
"""What we answer with our second wish, unlike somebody who wants to be left alone."""
MAX_TURNS = 40
"""Of the callee; a conversation longer than this goes in circles."""


def reply_to(messages: Sequence[Message]) -> Reply:
    """What to say and do next."""
    memory = remember(messages)
    if memory.direction:
        return machines.on_direction(memory)
    if memory.turn is None:
        is_start = all(message["role"] == "system" for message in messages)
        return opening(memory) if is_start else QUIET
    return _first_reply(memory, memory.turn)


def _first_reply(memory: Memory, heard: Heard) -> Reply:
    replies = (rule(memory, heard) for rule in RULES)
    reply = next((reply for reply in replies if reply is not None), None)
    if memory.goal.instead and reply and reply.ending and reply.ending.goal_met == "no" and heard.has(*_CANNOT):
        return speak("I see.", *say.request(memory.goal.instead)[:1])
    return _unless_repeated(memory, _not_understood(memory) if reply is None else reply)


def _unless_repeated(memory: Memory, reply: Reply) -> Reply:
    text = " ".join(reply.sentences)
    recent = [line.text for line in memory.said[-MAX_SAME:]]
    is_stuck = bool(text) and reply.ending is None and recent == [text] * MAX_SAME
    return uncertain(memory, why="The conversation went in circles.") if is_stuck else reply


def _in_circles(memory: Memory, heard: Heard) -> Reply | None:
    return uncertain(memory, why="The conversation went in circles.") if len(memory.heard) > MAX_TURNS else None


def _parted(memory: Memory, heard: Heard) -> Reply | None:
    """After our goodbye a question is answered, and only what is new begins the talk anew."""
    is_offer = memory.stage == "deal" and (bool(heard.offers) or heard.has(Cue.CONFIRMED))
    if not memory.stands or memory.ending is None or is_offer:
        return None
    replied = answers.answers(memory, heard)
    return Reply((*replied, say.GOODBYE) if replied else (), Ending(*memory.ending))


def _step_done(memory: Memory, heard: Heard) -> Reply | None:
    """Something was just confirmed: on to the next question, or to the end."""
    if memory.stage == "done":
        return finished(memory)
    return speak("Thank you.", *errand(memory)) if memory.advanced else None


def _first_words(memory: Memory, heard: Heard) -> Reply | None:
    """Whatever they say first, we say who is calling and what for."""
    if memory.requested:
        return None
    is_somebody_else = heard.has(Cue.NOT_HERE, Cue.TAKE_MESSAGE) and not heard.has(Cue.VOICEMAIL)
    if memory.stage == "message" and is_somebody_else:
        lead = (say.introduction(memory.goal),) if not memory.said else ()
        return speak(*lead, say.ask_to_pass_on(memory.goal))
    is_new = all(Act.WAITING in line.acts for line in memory.said)
    if heard.has(Cue.ROBOT):
        return speak(say.robot_answer(memory.goal), *errand(memory))
    if is_new:
        return speak(say.greeting(memory.goal), *errand(memory))
    has_named = any(memory.goal.name in line.text for line in memory.said)
    lead = answers.answers(memory, heard) or (() if has_named else (say.calling_for(memory.goal),))
    return speak(*lead, *errand(memory))


def _errand(memory: Memory, heard: Heard) -> Reply | None:
    rules = {"deal": deal.negotiate, "message": errands.tell, "question": errands.ask, "open": errands.open_goal}
    return rules[memory.stage](memory, heard)


def _put_again(memory: Memory, heard: Heard) -> Reply | None:
    """They greet us or ask what we want although we have said it."""
    is_asking = heard.has(Cue.WHY, Cue.GREETING, Cue.BACK) and memory.count(Act.REQUESTED) < errands.MAX_TRIES + 1
    reason = memory.goal.reason if heard.has(Cue.WHY) else ""
    return speak(reason and say.give_detail(reason), *resumed(memory)) if is_asking else None


def _not_understood(memory: Memory) -> Reply:
    misses = memory.streak(Act.MISSED)
    if misses < len(say.MISSES):
        return speak(say.MISSES[misses])
    return uncertain(memory, say.GIVE_UP, why="They could not be understood.")


RULES: tuple[Callable[[Memory, Heard], Reply | None], ...] = (
    machines.voicemail,
    errands.announcement,
    machines.menu,
    machines.queue,
    answers.wrong_number,
    answers.unwelcome,
    _parted,
    _in_circles,
    answers.diversion,
    _step_done,
    machines.hold,
    machines.back,
    answers.asks_again,
    _first_words,
    deal.payment,
    _errand,
    _put_again,
)
