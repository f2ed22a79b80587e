"""What a scenario is: who answers one number of the sandbox, and how that goes. Read from files by `scenario_file`.

The reader's view of each field is in `scenarios/README.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from patter_mcp.types import AnsweredBy, CallStatus, GoalMet

START = "start"
"""The scene a call begins with."""

Callee = Literal["person", "machine"]
Answer = Literal["answers", "busy", "no-answer", "fails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    text: str
    interrupt_after_ms: int | None = None
    """Speak into the agent's speech once it has lasted that long; None: wait until the agent is quiet."""
    cut_after_ms: int | None = None
    """Break off in the middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    phrases: tuple[str, ...] = ()
    """Go on once one of them was heard; empty: once anything was."""
    prompt: str
    """Said when something else was heard."""
    tries: int
    quiet_ms: int
    """So much silence ends what the agent says."""
    max_wait_sec: float
    """How long the agent may take to begin."""
    if_silent: str | None
    """Scene to go to when it does not begin; None: a person asks twice and hangs up, a machine goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayBeep:
    frequency_hz: int
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StaySilent:
    sec: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectDigits:
    scenes: Mapping[str, str]
    """Digits to the scene they lead to."""
    wait_sec: float
    wrong: str | None
    nothing: str | None
    """Scenes for other digits and for none; None: say the last line again, twice at most, then hang up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PressKeys:
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Somebody else is on the line from here on."""

    to: Callee
    voice: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoTo:
    scene: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    linger_sec: float | None
    """How long to wait for the agent's last words; None: 3 s for a person, 0 for a machine."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The line breaks: no goodbye, not even from the network."""


Step = Say | Listen | PlayBeep | StaySilent | ExpectDigits | PressKeys | HandOver | GoTo | HangUp | Drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the callee answers whenever it hears one of the phrases, wherever the script stands."""

    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    """Not when one of these was heard as well."""
    at_end: bool = False
    """Only when it was among the last words."""
    say: str = ""
    again: bool = False
    """Say the last line again."""
    wait_sec: float = 0.0
    """Give the agent so much more time before its next words."""
    goto: str | None = None
    hang_up: bool = False
    times: int = 3
    scenes: frozenset[str] = frozenset()
    """Only in these; empty: in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request that suits the scenario."""

    goal: str
    first_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """How a good agent's call ends here. For tests; the callee does not know it."""

    status: CallStatus | None = None
    goal_met: GoalMet | None = None
    answered_by: AnsweredBy | None = None
    heard: tuple[str, ...] = ()
    """Words the transcript of the callee should hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    path: Path
    number: str
    """E.164."""
    title: str
    answer: Answer = "answers"
    ring_sec: float = 2.0
    callee: Callee = "person"
    voice: str = "en-us"
    words_per_minute: int = 160
    greeting: str = ""
    closing: str = "Okay. Bye."
    hang_up_after_sec: float = 180.0
    """Whatever happens, the callee hangs up so long after it has answered."""
    scenes: Mapping[str, tuple[Step, ...]] = field(default_factory=dict[str, tuple[Step, ...]])
    replies: tuple[Reply, ...] = ()
    example: Example | None = None
    expect: Expectation = field(default_factory=Expectation)

    @property
    def steps(self) -> list[Step]:
        """Of all scenes."""
        return [step for steps in self.scenes.values() for step in steps]

    @property
    def voices(self) -> list[str]:
        handed = (step.voice for step in self.steps if isinstance(step, HandOver))
        return list(dict.fromkeys((self.voice, *filter(None, handed))))

    @property
    def lines(self) -> list[str]:
        """Everything the file gives the callee to say."""
        said = (_said(step) for step in self.steps)
        return [
            line for line in dict.fromkeys((self.greeting, *said, *(r.say for r in self.replies), self.closing)) if line
        ]

    @property
    def phrases(self) -> list[str]:
        """Everything the callee listens for."""
        listened = (phrase for step in self.steps if isinstance(step, Listen) for phrase in step.phrases)
        replied = (phrase for reply in self.replies for phrase in (*reply.phrases, *reply.unless))
        return list(dict.fromkeys((*listened, *replied)))


def _said(step: Step) -> str:
    match step:
        case Say(text=text):
            return text
        case Listen(phrases=[_, *_], prompt=prompt):
            return prompt
        case _:
            return ""
