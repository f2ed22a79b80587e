"""A reply as a value, and how calls end: what is said last, what is reported."""

from __future__ import annotations

from dataclasses import dataclass

from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.goal import Kind
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.recall import Act
from patter_mcp.types import GoalMet


@dataclass(frozen=True, slots=True)
class Ending:
    """What `end_call` is told."""

    goal_met: GoalMet
    summary: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say and do; an empty one keeps silent."""

    sentences: tuple[str, ...] = ()
    ending: Ending | None = None
    keys: str = ""


QUIET = Reply()


def speak(*sentences: str) -> Reply:
    return Reply(tuple(filter(None, sentences)))


def opening(memory: Memory) -> Reply:
    """First words, or the errand put again after somebody new came to the phone."""
    lead = () if memory.said else (say.greeting(memory.goal),)
    return speak(*lead, *errand(memory))


def errand(memory: Memory) -> tuple[str, ...]:
    """The request, or the question whose turn it is."""
    if memory.stage == "question":
        return (say.question(memory.goal, len(memory.answers)),)
    return say.request(memory.goal)


def resumed(memory: Memory) -> tuple[str, ...]:
    """Our open question put once more, after something came between."""
    goal, slot = memory.goal, memory.slot
    if memory.pending is Act.READ_BACK:
        return (say.read_answer(memory.answer),) if memory.stage == "question" else (say.read_back(goal, slot),)
    if memory.pending is Act.ASKED_INSTEAD:
        return (say.ask_instead(goal),)
    if memory.pending is Act.ASKED_TIME:
        return (say.ask_time(slot),)
    if memory.pending is Act.ASKED_FOR and memory.goal.recipient:
        return (say.ask_for(memory.goal),)
    if memory.pending is Act.ASKED_TO_PASS_ON:
        return (say.ask_to_pass_on(goal),)
    return errand(memory)


def finished(memory: Memory) -> Reply:
    """Everything is confirmed: thanks, goodbye, "yes"; unless the goal has more than was dealt with."""
    lead = ("Great.",) if memory.goal.kind.is_deal else ()
    left = f"Not done: {memory.goal.further}." if memory.goal.further else ""
    left = left or (f"Not checked: {memory.goal.condition}" if memory.goal.condition else "")
    if left:
        return Reply((*lead, say.THANKS_GOODBYE), Ending("unknown", f"{_success(memory)} {left}"))
    return Reply((*lead, say.THANKS_GOODBYE), Ending("yes", _success(memory)))


def refused(memory: Memory, *words: str) -> Reply:
    """They cannot or will not."""
    said = f" They offered: {_quoted(memory)}." if memory.turn and memory.turn.offers else _last_words(memory)
    matter = say.upper_first(say.matter(memory.goal))
    is_asked = memory.goal.kind is Kind.ASK
    failure = f'They did not answer "{memory.goal.task}".' if is_asked else f"{matter} could not be arranged."
    return Reply(words or (say.LATER,), Ending("no", f"{failure}{said}"))


def uncertain(memory: Memory, *words: str, why: str = "") -> Reply:
    """The call ends without certainty."""
    goal = memory.goal
    if goal.kind is Kind.NONE:
        summary = f"The offline brain could not judge this goal; they said: {_quoted(memory)}."
    else:
        summary = f"Not certain: {say.matter(goal)}.{why and f' {why}'}{_last_words(memory)}"
    return Reply(words or (say.THANKS_GOODBYE,), Ending("unknown", summary))


def sent_away(summary: str, *words: str) -> Reply:
    """We are not wanted here at all."""
    return Reply(words, Ending("no", summary))


def _success(memory: Memory) -> str:
    parts: list[str] = []
    if memory.goal.kind is Kind.TELL:
        parts.append(f"The message was delivered and acknowledged: {memory.goal.task}.")
    elif memory.goal.kind.is_deal:
        parts.append(f"They confirmed {_arrangement(memory)}.")
    asked = zip(memory.goal.questions, memory.answers, strict=False)
    parts += [f'Asked {question}, they answered: "{_their_words(memory, answer)}".' for question, answer in asked]
    return " ".join(parts)


def _arrangement(memory: Memory) -> str:
    goal = memory.goal
    party = f" for {goal.party}" if goal.party else ""
    when = say.slot_written(memory.slot) if goal.kind is not Kind.CANCEL else ""
    who = f", for {goal.name}" if goal.name else ""
    if goal.kind is Kind.MOVE and when:
        when = f"to {when.removeprefix('on ')}"
    return f"{say.matter(goal)}{party}{f' {when}' if when else ''}{who}"


def _their_words(memory: Memory, answer: str) -> str:
    """The turn of theirs that we gave back as `answer`."""
    return next((heard.raw for heard in memory.heard if say.echo(heard.raw) == answer), answer)


def _last_words(memory: Memory) -> str:
    return f" They said: {_quoted(memory)}." if memory.heard else " Nobody spoke."


def _quoted(memory: Memory) -> str:
    return f'"{memory.heard[-1].raw[:200]}"' if memory.heard else "nothing"
