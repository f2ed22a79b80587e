"""What a conversation needs of a phone line, and nothing more.

`media.leg` implements it over a carrier's websocket; tests implement it in memory.
"""

from __future__ import annotations

from typing import Protocol

from patter_mcp.types import EndReason


class Ear(Protocol):
    """Whoever listens to the line. Called in the event loop, once per frame: must not block."""

    def heard(self, frame: bytes) -> None:
        """The user's audio: mono μ-law at 8 kHz, 20 ms = 160 bytes."""
        ...

    def digit(self, digit: str) -> None: ...

    def line_ended(self, reason: EndReason) -> None:
        """Nothing more will come or can be sent. Called once."""
        ...


class Playout(Protocol):
    """Our audio on its way to the user, paced so that little of it lies at the carrier.

    Positions are milliseconds of our audio since the call began, gaps not counted: a position says
    which sound, not when. Text is mapped to positions by whoever writes the audio.
    """

    def write(self, audio: bytes) -> None:
        """Queues μ-law audio of any length; never waits."""
        ...

    @property
    def written_ms(self) -> float:
        """Position of the end of what was queued."""
        ...

    @property
    def heard_ms(self) -> float:
        """Position the user has heard up to, by clock and by the carrier's marks."""
        ...

    @property
    def first_sent_at(self) -> float | None:
        """Monotonic instant at which the first frame since the last `clear` or idle time left us."""
        ...

    def clear(self) -> float:
        """Drops all that is not yet played, here and at the carrier; returns the position reached."""
        ...

    def hold(self, held: bool) -> None:
        """Stops handing audio to the carrier, or goes on where it stopped; what lies at the carrier still plays."""
        ...

    async def drained(self) -> None:
        """Returns once everything written has been played, been cleared, or the line is gone."""
        ...


class CallLeg(Protocol):
    """The user's end of the call."""

    @property
    def playout(self) -> Playout: ...

    def listen(self, ear: Ear) -> None:
        """Sets who hears the line; what came before is given to it at once."""
        ...

    async def send_digits(self, digits: str) -> None:
        """Presses keys `0-9 * # w` (w: half a second's pause); returns when they have been sent."""
        ...
