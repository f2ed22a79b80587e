"""Rules for whoever is not a person: silence, voicemail, menus, queues."""

from __future__ import annotations

from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.errands import announcement
from patter_mcp.llm.rules.judging import QUESTIONS
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.menu import choose_key, is_recited_twice, key_left
from patter_mcp.llm.rules.recall import Act
from patter_mcp.llm.rules.replies import (
    QUIET,
    Ending,
    Reply,
    finished,
    opening,
    refused,
    resumed,
    sent_away,
    speak,
    uncertain,
)
from patter_mcp.llm.rules.understand import Heard

_PATIENCE = 3
"""Silences that somebody who asked us to hold may last."""
_MAX_KEYS = 5


def on_direction(memory: Memory) -> Reply:
    """The conversation tells what no transcript can."""
    direction = memory.direction
    if "hung up" in direction:
        return _on_hang_up(memory)
    if "beep" in direction:
        return (voicemail(memory, memory.heard[-1]) if memory.heard else None) or leave_message(memory)
    if "silen" in direction:
        return _on_silence(memory)
    if "time is" in direction or "goodbye" in direction:
        return uncertain(memory, why="The time for the call was over.")
    if "answered" in direction and not memory.said:
        return opening(memory)
    return QUIET


def _on_hang_up(memory: Memory) -> Reply:
    """Nothing can be said any more, but how it went can be told."""
    if memory.is_voicemail:
        return Reply(ending=Ending("unknown", "A voicemail answered and the line ended before we had left word."))
    if memory.stands and memory.ending:
        return Reply(ending=Ending(*memory.ending))
    if memory.stage == "done":
        return Reply(ending=finished(memory).ending)
    if memory.turned_down:
        return Reply(ending=refused(memory).ending)
    recorded = announcement(memory, memory.heard[-1]) if memory.heard else None
    return recorded or Reply(ending=uncertain(memory, why="They hung up.").ending)


def leave_message(memory: Memory) -> Reply:
    """One message, then the end; a message cut by the beep is spoken again."""
    summary = f"A voicemail answered; we left word about {say.matter(memory.goal)}. Nobody has confirmed anything."
    if memory.said and Act.LEFT_MESSAGE in memory.said[-1].acts:
        return Reply(ending=Ending("unknown", summary))
    return Reply(say.voicemail(memory.goal), Ending("unknown", summary))


def _on_silence(memory: Memory) -> Reply:
    if memory.is_voicemail:
        return leave_message(memory)
    if memory.menu or (memory.keys and memory.turn is None and not memory.said):
        return _press_for_person(memory)
    if memory.waiting and memory.silences < _PATIENCE:
        return QUIET
    if memory.count(Act.PROMPTED) and memory.said and Act.PROMPTED in memory.said[-1].acts:
        return uncertain(memory, say.GOODBYE, why="The line went silent.")
    return speak(say.PROMPT, *(() if memory.said else (say.introduction(memory.goal),)))


def voicemail(memory: Memory, heard: Heard) -> Reply | None:
    if heard.has(Cue.MAILBOX_FULL):
        return sent_away("A voicemail answered and its mailbox was full; no message could be left.")
    if not memory.is_voicemail:
        return None
    is_over = "beep" in memory.direction or (heard.has(Cue.RECORD_NOW) and not heard.has(Cue.BEEP_COMING))
    return leave_message(memory) if is_over else QUIET


def menu(memory: Memory, heard: Heard) -> Reply | None:
    if not memory.menu:
        return None
    if len(memory.keys) >= _MAX_KEYS:
        return uncertain(memory, say.GOODBYE, why="The automated menu led to nobody.")
    tried = frozenset(memory.keys)
    key = choose_key(memory.menu, memory.goal, tried)
    if not key and is_recited_twice(memory.menu):
        key = key_left(memory.menu, tried)
    return Reply(keys=key) if key else QUIET


def queue(memory: Memory, heard: Heard) -> Reply | None:
    """A recording that keeps us waiting wants no answer."""
    is_human = heard.has(Cue.GREETING, Cue.WHY) and not heard.has(Cue.HOLD)
    return QUIET if heard.has(Cue.QUEUE) and not is_human else None


def _press_for_person(memory: Memory) -> Reply:
    """The menu is over and nothing fitted."""
    key = key_left(memory.menu, frozenset(memory.keys))
    if not key or len(memory.keys) >= _MAX_KEYS:
        return uncertain(memory, say.GOODBYE, why="The automated menu led to nobody.")
    return Reply(keys=key)


def hold(memory: Memory, heard: Heard) -> Reply | None:
    has_more = bool(heard.offers) or heard.has(Cue.UNAVAILABLE, Cue.CLOSED, Cue.CONFIRMED, *QUESTIONS)
    if has_more or not heard.has(Cue.HOLD, Cue.TRANSFER):
        return None
    return speak(say.TAKE_YOUR_TIME if memory.count(Act.WAITING) % 2 else say.SURE)


def back(memory: Memory, heard: Heard) -> Reply | None:
    """ "Are you still there?" and "thanks for holding"."""
    if heard.has(Cue.STILL_THERE):
        return speak(say.STILL_HERE, *resumed(memory))
    return None
