"""What a conversation amounts to so far: a fold over its messages, nothing else is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from patter_mcp.llm.base import Message
from patter_mcp.llm.rules.clock import HALF_DAY, Clock, find_times
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.goal import Goal, Kind, Slot
from patter_mcp.llm.rules.menu import is_menu
from patter_mcp.llm.rules.people import misheard_name
from patter_mcp.llm.rules.reading import read_goal
from patter_mcp.llm.rules.recall import Act, Said, recall
from patter_mcp.llm.rules.understand import Heard, understand
from patter_mcp.llm.rules.words import words_of

Stage = Literal["deal", "message", "question", "open", "done"]

_DIRECTION = re.compile(r"(\[[^\]]*\])")
_TAIL_WORDS = 9
_STATED = {Kind.CANCEL: r"cancel", Kind.MOVE: r"moved|changed|rescheduled|rebooked|switched"}
QUESTIONS = (
    Cue.ROBOT, Cue.WHO, Cue.WHY, Cue.ASK_NAME, Cue.ASK_SPELLING, Cue.ASK_PHONE, Cue.ASK_PARTY, Cue.ASK_DAY,
    Cue.ASK_TIME, Cue.ASK_SERVICE, Cue.ASK_SECRET, Cue.ASK_RECORD, Cue.ASK_OKAY,
    Cue.OFF_TASK, Cue.REPEAT, Cue.STILL_THERE, Cue.QUESTION,
)  # fmt: skip
"""As long as one of these is open, nothing is confirmed."""
OBJECTIONS = (
    Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED, Cue.RETRACTED, Cue.UNSURE, Cue.CONDITION, Cue.CHECKING, Cue.HOLD, Cue.DEFLECT,
    Cue.NOT_HERE, Cue.TRANSFER, Cue.WRONG_NUMBER, Cue.DO_NOT_CALL, Cue.HOSTILE, Cue.NOT_INTERESTED,
)  # fmt: skip
"""What takes the force from a yes in the same breath."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    goal: Goal
    said: tuple[Said, ...] = ()
    heard: tuple[Heard, ...] = ()
    direction: str = ""
    """Stage direction that came last, if nobody has spoken since."""
    turn: Heard | None = None
    """What the callee said last, if we have not answered it."""
    pending: Act | None = None
    """Our question that is open."""
    slot: Slot = Slot()
    """Day and time on the table."""
    answer: str = ""
    """Their answer as we gave it back to them."""
    answers: tuple[str, ...] = ()
    """Answers they stood by."""
    advanced: bool = False
    """This very turn confirmed something."""
    settled: bool = False
    """They have confirmed the arrangement, or have the message."""
    turned_down: bool = False
    refused_times: tuple[Clock, ...] = ()
    is_voicemail: bool = False
    menu: str = ""
    """What an automated menu has said since we last pressed a key."""
    keys: tuple[str, ...] = ()
    silences: int = 0
    """Silent directions since somebody last spoke to us."""
    waiting: bool = False
    """We were asked to hold."""

    @property
    def stage(self) -> Stage:
        if self.goal.kind is Kind.NONE:
            return "open"
        if not self.settled and self.goal.kind is not Kind.ASK:
            return "message" if self.goal.kind is Kind.TELL else "deal"
        return "question" if len(self.answers) < len(self.goal.questions) else "done"

    def count(self, act: Act) -> int:
        return sum(act in line.acts for line in self.said)

    def streak(self, act: Act) -> int:
        """How many of our last lines in a row did this."""
        count = 0
        for line in reversed(self.said):
            if act not in line.acts:
                break
            count += 1
        return count

    @property
    def requested(self) -> bool:
        return self.count(Act.REQUESTED) > 0


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
    keys = tuple(filter(None, (_keys_of(call["function"]) for call in message.get("tool_calls") or ())))
    memory = replace(memory, keys=(*memory.keys, *keys), turn=None, direction="", menu="")
    said = recall(_text(message), memory.goal)
    if not said.text.strip():
        return memory
    slot = memory.slot
    if Act.READ_BACK in said.acts and not said.answer:
        slot = Slot(said.slot.day or slot.day, said.slot.time)
    elif said.slot.day:
        slot = Slot(said.slot.day, memory.goal.time)
    return replace(
        memory,
        said=(*memory.said, said),
        slot=slot,
        answer=said.answer or memory.answer,
        pending=_pending(memory, said),
    )


def _pending(memory: Memory, said: Said) -> Act | None:
    """A question to which yes is final stays open only while nothing else of ours came after it."""
    if said.pending:
        return said.pending
    is_final = memory.pending in (Act.READ_BACK, Act.ASKED_TO_PASS_ON) or memory.goal.kind is Kind.TELL
    return None if is_final else memory.pending


def _keys_of(function: object) -> str:
    if not isinstance(function, dict) or function.get("name") != "send_digits":
        return ""
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except ValueError:
        return ""
    return str(arguments.get("digits", "")) if isinstance(arguments, dict) else ""


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
    heard = understand(_person_at_end(text))
    menu = f"{memory.menu} {heard.text}".strip() if is_menu(heard.text) else ""
    memory = replace(
        memory, turn=heard, heard=(*memory.heard, heard), direction="", silences=0, menu=menu,
        is_voicemail=heard.has(Cue.VOICEMAIL, Cue.MAILBOX_FULL), waiting=heard.has(Cue.HOLD, Cue.TRANSFER, Cue.QUEUE),
    )  # fmt: skip
    if memory.settled and heard.has(Cue.RETRACTED, Cue.UNAVAILABLE) and memory.goal.kind.is_deal:
        memory = replace(memory, settled=False)
    judge = {"deal": _after_deal_talk, "message": _after_message_talk, "question": _after_answer}.get(memory.stage)
    after = judge(memory, heard) if judge else memory
    return replace(after, advanced=(after.settled, after.answers) != (memory.settled, memory.answers))


def _person_at_end(text: str) -> str:
    """A machine's words and the greeting of whoever took over come as one turn if we kept silent between them."""
    words = text.split()
    tail = " ".join(words[-_TAIL_WORDS:])
    is_taken_over = len(words) > _TAIL_WORDS and _is_machine(text) and not _is_machine(tail)
    return tail if is_taken_over and understand(tail).has(Cue.GREETING, Cue.WHY) else text


def _after_deal_talk(memory: Memory, heard: Heard) -> Memory:
    refused = tuple(
        time for time in memory.refused_times if not any(o.time and o.time.same(time) for o in heard.offers)
    )
    is_no = heard.has(Cue.UNAVAILABLE, Cue.CLOSED, Cue.DEFLECT, Cue.NO) and not heard.offers
    is_yes = heard.has(Cue.YES, Cue.CONFIRMED) or bool(heard.offers)
    return replace(
        memory,
        refused_times=(*refused, *heard.refused_times),
        turned_down=is_no or (memory.turned_down and not is_yes),
        settled=confirms(memory, heard),
    )


def confirms(memory: Memory, heard: Heard) -> bool:
    """Whether this turn makes the arrangement certain: a yes to what we read back, or their own statement of it."""
    if heard.has(*OBJECTIONS) or heard.has(*QUESTIONS) or differs(memory, heard):
        return False
    if "cancel" in heard.text and memory.goal.kind is not Kind.CANCEL:
        return False
    if memory.pending is Act.READ_BACK:
        return heard.assents or heard.has(Cue.CONFIRMED)
    return heard.has(Cue.CONFIRMED) and _states_it(memory, heard)


def _states_it(memory: Memory, heard: Heard) -> bool:
    if memory.goal.kind in _STATED:
        names_it = re.search(_STATED[memory.goal.kind], heard.text) is not None
        return names_it and (memory.goal.kind is Kind.CANCEL or memory.slot.time is None or bool(heard.offers))
    time = memory.slot.time
    return time is not None and any(offer.time and offer.time.same(time) for offer in heard.offers)


def differs(memory: Memory, heard: Heard) -> bool:
    """Whether they named a day, a time or a number of people other than what is on the table."""
    goal = memory.goal
    if heard.party and goal.party and heard.party != goal.party:
        return True
    if wrong_name(memory, heard):
        return True
    if goal.kind is Kind.CANCEL:
        return False
    return any(not matches(memory, Slot(offer.day, offer.time)) or offer.is_range for offer in heard.offers)


def wrong_name(memory: Memory, heard: Heard) -> bool:
    """Whether they have written down somebody else; we correct it once, a recogniser mishears names for ever."""
    if not memory.goal.name or memory.count(Act.CORRECTED) or not heard.has(Cue.CONFIRMED, Cue.CHECKING, Cue.YES):
        return False
    return bool(misheard_name(heard.words, memory.goal.name, memory.goal.text))


def matches(memory: Memory, slot: Slot) -> bool:
    """Whether a slot says nothing new: same day, same time as the one on the table, as far as it names them."""
    table = memory.slot
    if slot.time and not (table.time and table.time.same(slot.time)):
        return False
    return not slot.day or bool(table.day and not table.day.clashes(slot.day, memory.goal.today))


def _after_message_talk(memory: Memory, heard: Heard) -> Memory:
    is_taken = (heard.assents or heard.has(Cue.NOTED)) and not heard.has(*OBJECTIONS) and not heard.has(*QUESTIONS)
    return replace(memory, settled=is_taken and memory.pending is Act.REQUESTED)


def _after_answer(memory: Memory, heard: Heard) -> Memory:
    if memory.pending is not Act.READ_BACK or heard.has(Cue.NO, Cue.RETRACTED, Cue.UNSURE, Cue.HOLD, Cue.CHECKING):
        return memory
    if heard.has(*QUESTIONS) or not (heard.assents or _repeats(memory.answer, heard)):
        return memory
    if _times(heard.text) and not _repeats(memory.answer, heard):
        return memory
    answered = 1 + sum(
        1 for _ in takewhile(lambda question: _also_answers(memory.answer, question), _later_questions(memory))
    )
    return replace(memory, answers=(*memory.answers, *[memory.answer] * answered), pending=None)


def _later_questions(memory: Memory) -> tuple[str, ...]:
    return memory.goal.questions[len(memory.answers) + 1 :]


def _also_answers(answer: str, question: str) -> bool:
    """ "It is ready, you can get it until five" leaves nothing to ask about until when."""
    return re.search(r"\b(?:until when|what time|how late)\b", question) is not None and bool(_times(answer))


def _repeats(answer: str, heard: Heard) -> bool:
    return bool(_times(heard.text)) and _times(heard.text) == _times(answer)


def _times(text: str) -> list[int]:
    return [mention.clock.minutes % HALF_DAY for mention in find_times(words_of(text))]
