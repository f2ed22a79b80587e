"""What our own sentences did. The history is all the memory there is: it also shows what was cut off unheard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from patter_mcp.llm.rules.clock import find_times
from patter_mcp.llm.rules.day import find_days
from patter_mcp.llm.rules.goal import Goal, Kind, Slot
from patter_mcp.llm.rules.words import words_of


class Act(Enum):
    REQUESTED = auto()
    """The errand, or the next question of it, was put."""
    READ_BACK = auto()
    READ_AGAIN = auto()
    ASKED_INSTEAD = auto()
    ASKED_TIME = auto()
    DECLINED = auto()
    ASKED_FOR = auto()
    """Whether the one a message is for is there."""
    ASKED_TO_PASS_ON = auto()
    ASKED_FOR_HELP = auto()
    ASKED_TO_CHECK = auto()
    REFUSED_PAYMENT = auto()
    CORRECTED = auto()
    INSISTED = auto()
    NOT_KNOWN = auto()
    TOLD_TASK = auto()
    TOLD_WORDING = auto()
    OFF_TASK = auto()
    WAITING = auto()
    PROMPTED = auto()
    MISSED = auto()
    PARDONED = auto()
    """Not ours: said for us where we kept silent."""
    LEFT_MESSAGE = auto()
    PARTED = auto()


_MARKS = {
    Act.REQUESTED: (
        r"I would (?:also )?like to|I have a (?:message|question)|Could you please (?!tell|check)|"
        r"I was asked to call|I meant "
    ),
    Act.READ_BACK: r"[Ii]s that right\?|is it settled\?",
    Act.READ_AGAIN: r"Just to be sure",
    Act.ASKED_INSTEAD: r"instead\?",
    Act.ASKED_TIME: r"What (?:day and )?time (?:would|do) you have|What do you have\?",
    Act.DECLINED: r"does not work\.",
    Act.ASKED_FOR: r"\b[Ii]s (?:\w+ ){1,3}?(?:there|in|home|at home)\?|\b(?:speak|talk)(?:ing)? (?:to|with) [\w ]+\?",
    Act.ASKED_TO_PASS_ON: r"Could you please tell ",
    Act.ASKED_FOR_HELP: r"help me instead\?",
    Act.ASKED_TO_CHECK: r"please check\?",
    Act.REFUSED_PAYMENT: r"card or account details",
    Act.CORRECTED: r"One thing:",
    Act.INSISTED: r"I meant ",
    Act.NOT_KNOWN: r"I do not know that|was not told|was not given|do not have",
    Act.TOLD_TASK: r"I only know this|do not know more",
    Act.TOLD_WORDING: r"It should say:",
    Act.OFF_TASK: r"only help with this call",
    Act.WAITING: r"I will wait|Take your time",
    Act.PROMPTED: r"are you (?:still )?there\?",
    Act.MISSED: r"did not understand|is not very clear",
    Act.PARDONED: r"^Sorry, could you say that again\?$",
    Act.LEFT_MESSAGE: r"Please call back\.|That was the message\.",
    Act.PARTED: r"[Gg]oodbye\.",
}
_COMPILED = {act: re.compile(mark) for act, mark in _MARKS.items()}
QUESTIONS = (
    Act.READ_BACK, Act.ASKED_FOR, Act.ASKED_TO_PASS_ON, Act.ASKED_FOR_HELP, Act.ASKED_INSTEAD, Act.ASKED_TIME,
    Act.REFUSED_PAYMENT, Act.REQUESTED,
)  # fmt: skip
"""What may be pending; of several in one line the first here counts."""
_ANSWER = re.compile(r"I heard: (.*)\. Is that right\?")
_SENTENCE = re.compile(r"(?<=[.?!])\s+")


@dataclass(frozen=True, slots=True)
class Said:
    """One line of ours."""

    text: str
    acts: frozenset[Act]
    slot: Slot = Slot()
    """Day and time that were read back or asked about."""
    answer: str = ""
    """What we repeated of their answer."""

    @property
    def pending(self) -> Act | None:
        """The question that is open after this line."""
        return next((act for act in QUESTIONS if act in self.acts), None)


def recall(text: str, goal: Goal) -> Said:
    """Reads a line of ours, as far as it was heard. Also a first message that somebody else wrote."""
    acts = {act for act, pattern in _COMPILED.items() if pattern.search(text)}
    if _puts_errand(text, goal):
        acts.add(Act.REQUESTED)
    if goal.kind is Kind.TELL and not _tells(text, goal):
        acts.discard(Act.REQUESTED)
        if goal.recipient and f"for {goal.recipient.lower()}" in text.lower():
            acts.add(Act.ASKED_FOR)
    else:
        acts.discard(Act.ASKED_FOR)
    answer = _ANSWER.search(text)
    return Said(text, frozenset(acts), _slot(text), answer[1] if answer else "")


def _tells(text: str, goal: Goal) -> bool:
    """Whether most of the message is in it: "I have a message for you" is none yet."""
    telling = {word for word in words_of(goal.task) if len(word) > 2}
    return 2 * len(telling & set(words_of(text))) >= len(telling)


def _slot(text: str) -> Slot:
    """What a line asks about; of a question for something else only the day counts."""
    for sentence in reversed(_SENTENCE.split(text)):
        words = words_of(sentence)
        times, days = find_times(words), find_days(words)
        day = days[-1].day if days else None
        if _COMPILED[Act.READ_BACK].search(sentence):
            return Slot(day, times[-1].clock if times else None)
        if _COMPILED[Act.ASKED_INSTEAD].search(sentence):
            return Slot(day if len(days) == 1 else None)
    return Slot()


def _puts_errand(text: str, goal: Goal) -> bool:
    """A first message not ours: it puts the errand when it shares three of the goal's telling words."""
    shared = _telling(f"{goal.task} {goal.text}") & _telling(text)
    return len(shared) >= 3 and text.rstrip().endswith(("?", ".", "!"))


def _telling(text: str) -> set[str]:
    """Longer words, "opens" and "open" being one."""
    return {word.removesuffix("s") for word in words_of(text) if len(word) > 3}
