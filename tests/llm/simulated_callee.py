"""A callee played from a script, in text: the agent's words are matched, the first line that fits is said.

What the callee says looks like a recogniser's transcript: lower case, no punctuation, numbers as words.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from patter_mcp.llm.base import LanguageModel, Message, ToolCallChunk, ToolSpec

END_CALL: ToolSpec = {"name": "end_call", "description": "Ends the call.", "parameters": {"type": "object"}}
SEND_DIGITS: ToolSpec = {"name": "send_digits", "description": "Presses keys.", "parameters": {"type": "object"}}
TOOLS = (END_CALL, SEND_DIGITS)
TODAY = "Today is Wednesday, 2026-05-06."
MAX_TURNS = 24
_AT_A_LOSS = ("sorry what was that", "mhm", "[the line is silent]", "[the line is silent]")


@dataclass(frozen=True, slots=True)
class Line:
    """Said when the agent's last words match `hears` (a regular expression; "" matches anything, also silence)."""

    hears: str
    says: str
    again: bool = False
    """May be said more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    name: str
    goal: str
    opens: str
    """The callee's first words."""
    lines: Sequence[Line]
    truth: str
    """What really came of it: the words `end_call` may report, separated by a bar."""
    summary: str = ""
    """A regular expression the summary has to match."""
    digits: str = ""
    """Keys that must have been pressed, in order."""
    says: str = ""
    """A regular expression that something the agent says has to match."""
    never_says: str = ""
    first_message: str = ""


@dataclass(slots=True)
class Played:
    """How a dialogue went."""

    messages: list[Message]
    goal_met: str = "none"
    summary: str = ""
    digits: str = ""
    agent_lines: list[str] = field(default_factory=list[str])

    def faults(self, dialogue: Dialogue) -> list[str]:
        """What differs from the script's truth; empty when all is well."""
        spoken = " ".join(self.agent_lines)
        found: list[str] = []
        if self.goal_met not in dialogue.truth.split("|"):
            found.append(f"reported {self.goal_met}, truth is {dialogue.truth}")
        if dialogue.summary and not re.search(dialogue.summary, self.summary):
            found.append(f"summary {self.summary!r} does not match {dialogue.summary!r}")
        if dialogue.digits != self.digits and (dialogue.digits or self.digits):
            found.append(f"pressed {self.digits!r}, not {dialogue.digits!r}")
        if dialogue.says and not re.search(dialogue.says, spoken):
            found.append(f"never said {dialogue.says!r}")
        if dialogue.never_says and re.search(dialogue.never_says, spoken):
            found.append(f"said {dialogue.never_says!r}")
        return found

    def transcript(self) -> str:
        lines = [f"{message['role']:>9}: {message['content']}" for message in self.messages[1:]]
        return "\n".join([*lines, f"-> {self.goal_met}: {self.summary}"])


async def play(dialogue: Dialogue, llm: LanguageModel) -> Played:
    """Plays one call to its end, or until the callee has nothing left to say."""
    system = f"You are on the phone for somebody.\nGoal: {dialogue.goal}\n{TODAY}"
    played = Played([{"role": "system", "content": system}])
    if dialogue.first_message:
        played.messages.append({"role": "assistant", "content": dialogue.first_message})
    callee = _Callee(dialogue)
    says = dialogue.opens
    for _ in range(MAX_TURNS):
        played.messages.append({"role": "user", "content": says})
        text = await _agent_turn(played, llm)
        if played.goal_met != "none":
            break
        says = callee.answer(text)
    return played


class _Callee:
    def __init__(self, dialogue: Dialogue) -> None:
        self._lines = list(dialogue.lines)
        self._losses = 0

    def answer(self, text: str) -> str:
        for line in self._lines:
            if re.search(line.hears, text, re.IGNORECASE):
                if not line.again:
                    self._lines.remove(line)
                return line.says
        self._losses += 1
        return _AT_A_LOSS[min(self._losses, len(_AT_A_LOSS)) - 1]


async def _agent_turn(played: Played, llm: LanguageModel) -> str:
    text, calls = "", list[ToolCallChunk]()
    async for chunk in llm.stream(played.messages, TOOLS):
        if chunk.type == "text":
            text += chunk.text
        elif chunk.type == "tool_call":
            calls.append(chunk)
    text = text.strip()
    if text:
        played.agent_lines.append(text)
    if text or calls:
        played.messages.append(_assistant(text, calls))
    for call in calls:
        _obey(played, call)
    return text


def _assistant(text: str, calls: Sequence[ToolCallChunk]) -> Message:
    message: Message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    return message


def _obey(played: Played, call: ToolCallChunk) -> None:
    arguments = json.loads(call.arguments)
    if call.name == "end_call":
        played.goal_met, played.summary = arguments["goal_met"], arguments["summary"]
    else:
        played.digits += arguments["digits"]
    played.messages.append({"role": "tool", "tool_call_id": call.id, "content": "{}"})


_SOUNDS_LIKE = {"for": "four", "four": "for", "two": "to", "to": "two", "one": "won", "eight": "ate"}
_LITTLE_WORDS = frozenset({"a", "the", "is", "are", "that", "of", "and", "please", "you", "i"})


def misheard(dialogue: Dialogue, seed: int) -> Dialogue:
    """The same call over a bad line: words that sound alike are swapped, little words are lost."""
    chance = random.Random(f"{dialogue.name}{seed}")

    def noisy(says: str) -> str:
        if says.startswith("["):
            return says
        words = (_SOUNDS_LIKE.get(word, word) if chance.random() < 0.5 else word for word in says.split())
        return " ".join(word for word in words if word not in _LITTLE_WORDS or chance.random() < 0.7)

    lines = [replace(line, says=noisy(line.says)) for line in dialogue.lines]
    return replace(dialogue, opens=noisy(dialogue.opens), lines=lines, name=f"{dialogue.name}, misheard {seed}")
