"""What tools may do to a call that a speech-to-speech model holds."""

from __future__ import annotations

from collections.abc import Callable

from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.events import DigitsSent, OutcomeStated
from patter_mcp.types import GoalMet


class Controls:
    """One call's `tools.base.CallControl`. Of use once there is a conversation to leave and a leg."""

    leave: Callable[[], None]
    """Hangs up once everything has been said."""
    leg: CallLeg

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def end_call(self, goal_met: GoalMet, summary: str) -> None:
        self._journal.write(OutcomeStated(goal_met=goal_met, summary=summary))
        self.leave()

    async def send_digits(self, digits: str) -> None:
        await self.leg.playout.drained()
        await self.leg.send_digits(digits)
        self._journal.write(DigitsSent(digits=digits))
