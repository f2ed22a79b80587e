"""What a conversation amounts to so far, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patter_mcp.llm.rules.clock import Clock
from patter_mcp.llm.rules.goal import Goal, Kind, Slot
from patter_mcp.llm.rules.recall import Act, Said
from patter_mcp.llm.rules.understand import Heard
from patter_mcp.types import GoalMet

Stage = Literal["deal", "message", "question", "open", "done"]
"""What is still to be settled; a deal or a message comes before questions."""


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
    candidate: Slot | None = None
    """What they offered and we have not answered aloud, because we were cut off."""
    answer: str = ""
    """Their answer as we gave it back to them."""
    answers: tuple[str, ...] = ()
    """Answers they stood by."""
    advanced: bool = False
    """This very turn confirmed something."""
    settled: bool = False
    """They have confirmed the arrangement, or have the message."""
    agreed: bool = False
    """They have said yes to it, and nothing against it since."""
    turned_down: bool = False
    refused_times: tuple[Clock, ...] = ()
    is_voicemail: bool = False
    menu: str = ""
    """What an automated menu has said since we last pressed a key."""
    keys: tuple[str, ...] = ()
    ending: tuple[GoalMet, str] | None = None
    """What we told of the goal, with a summary, when we said goodbye."""
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

    @property
    def has_parted(self) -> bool:
        return bool(self.said) and Act.PARTED in self.said[-1].acts

    @property
    def stands(self) -> bool:
        """We have said goodbye, and what we told of the goal still holds."""
        return self.has_parted and self.ending is not None and (self.ending[0] != "yes" or self.stage == "done")

    @property
    def is_slot_refused(self) -> bool:
        """They have said that they do not have the time on the table."""
        time = self.slot.time
        return time is not None and any(time.same(refused) for refused in self.refused_times)

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
        return any(line.pending for line in self.said)
