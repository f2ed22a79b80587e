"""Folds a conversation's messages into a memory. Nothing else is kept: the same messages, the same memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast, get_args

from patter_mcp.llm.base import FunctionCall, Message
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.goal import Kind, Slot
from patter_mcp.llm.rules.judging import judged
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.menu import is_menu
from patter_mcp.llm.rules.reading import read_goal
from patter_mcp.llm.rules.recall import Act, Said, recall
from patter_mcp.llm.rules.understand import understand
from patter_mcp.types import GoalMet

_DIRECTION = re.compile(r"(\[[^\]]*\])")
_GOALS_MET: dict[str, GoalMet] = {goal_met: goal_met for goal_met in get_args(GoalMet)}
_TAIL_WORDS = 9
"""Long enough for a greeting: "good morning front desk how can i help you"."""


def remember(messages: Sequence[Message]) -> Memory:
    """Folds a conversation. Of a line of ours that was cut off only what was heard counts."""
    goal = read_goal("\n".join(_text(message) for message in messages if message["role"] == "system"))
    memory = Memory(goal=goal, slot=goal.wanted)
    for message in _merged(messages):
        if message["role"] == "assistant":
            memory = _after_us(memory, message)
        elif message["role"] == "user":
            memory = _after_them(memory, _text(message))
        elif message["role"] == "tool":
            memory = replace(memory, turn=None, direction="")
    return memory


def _text(message: Message) -> str:
    return message.get("content") or ""


def _merged(messages: Iterable[Message]) -> list[Message]:
    """Two turns of theirs with nothing of ours between them were one, unless a machine spoke first."""
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else None
        if last and _belong_together(last, message):
            merged[-1] = {"role": "user", "content": f"{_text(last)} {_text(message)}"}
        else:
            merged.append(message)
    return merged


def _belong_together(first: Message, second: Message) -> bool:
    if first["role"] != "user" or second["role"] != "user" or "[" in _text(first) + _text(second):
        return False
    return _is_machine(_text(first)) == _is_machine(_text(second))


def _is_machine(text: str) -> bool:
    heard = understand(text)
    return heard.has(Cue.VOICEMAIL, Cue.MAILBOX_FULL, Cue.QUEUE) or is_menu(heard.text)


def _after_us(memory: Memory, message: Message) -> Memory:
    used = [call["function"] for call in message.get("tool_calls") or ()]
    keys = [arguments["digits"] for arguments in _arguments(used, "send_digits") if "digits" in arguments]
    memory = replace(memory, keys=(*memory.keys, *keys), turn=None, direction="")
    for end in _arguments(used, "end_call"):
        memory = replace(memory, ending=(_GOALS_MET.get(end.get("goal_met", ""), "unknown"), end.get("summary", "")))
    said = recall(_text(message), memory.goal)
    if Act.PARDONED in said.acts or not (said.text.strip() or used):
        return memory
    memory = replace(memory, menu="")
    if not said.text.strip():
        return memory
    if memory.goal.instead and memory.goal.instead.task in said.text:
        memory = replace(memory, goal=memory.goal.instead, slot=Slot(), refused_times=(), turned_down=False)
    slot = memory.slot
    if Act.READ_BACK in said.acts and not said.answer:
        slot = Slot(said.slot.day or slot.day, said.slot.time)
    elif said.slot.day:
        slot = Slot(said.slot.day, memory.goal.time)
    return replace(
        memory,
        said=(*memory.said, said),
        slot=slot,
        candidate=None if said.pending else memory.candidate,
        answer=said.answer or memory.answer,
        pending=_pending(memory, said),
    )


def _pending(memory: Memory, said: Said) -> Act | None:
    """A question to which yes is final stays open only while nothing else of ours came after it."""
    if said.pending:
        return said.pending
    is_message = memory.goal.kind is Kind.TELL and memory.pending is not Act.ASKED_FOR
    is_final = memory.pending in (Act.READ_BACK, Act.ASKED_TO_PASS_ON) or is_message
    return None if is_final else memory.pending


def _arguments(used: Iterable[FunctionCall], name: str) -> list[dict[str, str]]:
    """What a tool was called with, each time; what cannot be read is left out."""
    found: list[dict[str, str]] = []
    for function in used:
        try:
            arguments = json.loads(function["arguments"]) if function["name"] == name else None
        except ValueError:
            continue
        if isinstance(arguments, dict):
            found.append({str(key): str(value) for key, value in cast("dict[object, object]", arguments).items()})
    return found


def _after_them(memory: Memory, text: str) -> Memory:
    """Speech and directions in the order they came; a message may hold both."""
    for part in _DIRECTION.split(text):
        if part.startswith("["):
            memory = _after_direction(memory, part.lower())
        elif part.strip():
            memory = _after_speech(memory, part.strip())
    return memory


def _after_direction(memory: Memory, direction: str) -> Memory:
    silences = memory.silences + ("silen" in direction)
    is_voicemail = memory.is_voicemail or "voicemail" in direction or "beep" in direction
    return replace(memory, direction=direction, turn=None, silences=silences, is_voicemail=is_voicemail)


def _after_speech(memory: Memory, text: str) -> Memory:
    if "list" in memory.goal.task:
        text = text.replace("waiting list", "list")  # which leaves nothing open where that is what we want
    heard = understand(_person_at_end(text))
    goes_on = memory.menu and not heard.has(Cue.GREETING, Cue.WHY, Cue.QUESTION, Cue.BACK)
    menu = f"{memory.menu} {heard.text}".strip() if goes_on or is_menu(heard.text) else ""
    memory = replace(
        memory, turn=heard, heard=(*memory.heard, heard), direction="", silences=0, menu=menu,
        is_voicemail=heard.has(Cue.VOICEMAIL, Cue.MAILBOX_FULL), waiting=heard.has(Cue.HOLD, Cue.TRANSFER, Cue.QUEUE),
    )  # fmt: skip
    is_recording = bool(menu) or memory.is_voicemail or heard.has(Cue.QUEUE)
    return replace(memory, advanced=False) if is_recording else judged(memory, heard)


def _person_at_end(text: str) -> str:
    """A machine's words and the greeting of whoever took over come as one turn if we kept silent between them."""
    words = text.split()
    tail = " ".join(words[-_TAIL_WORDS:])
    is_taken_over = len(words) > _TAIL_WORDS and _is_machine(text) and not _is_machine(tail)
    return tail if is_taken_over and understand(tail).has(Cue.GREETING, Cue.WHY) else text
