"""Which of the days and times they offer suits the goal best."""

from __future__ import annotations

from collections.abc import Sequence

from patter_mcp.llm.rules.clock import Clock
from patter_mcp.llm.rules.goal import Goal, Slot
from patter_mcp.llm.rules.understand import Offer

_LAST_MINUTE = 24 * 60 - 1


def slot_of(offer: Offer, goal: Goal, table: Slot) -> Slot:
    """An offer with its day, or the one on the table, and its time, or of a range the time nearest to the goal."""
    time = _in_range(offer, goal) if offer.is_range else offer.time
    return Slot(offer.day or table.day, time.near(goal.reference) if time else None)


def best_of(goal: Goal, slots: Sequence[Slot]) -> Slot | None:
    """The acceptable slot nearest to the goal; one with a time before one without. None: nothing is acceptable."""
    fitting = [slot for slot in slots if goal.fits(slot)]
    nearest = goal.nearest(slot.time for slot in fitting if slot.time)
    return next((slot for slot in fitting if slot.time == nearest), None)


def _in_range(offer: Offer, goal: Goal) -> Clock:
    low = offer.time.near(goal.reference).minutes if offer.time else 0
    high = offer.until.near(max(low, goal.reference)).minutes if offer.until else _LAST_MINUTE
    return Clock(min(max(goal.reference, low), high), sure=True)
