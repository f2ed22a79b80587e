"""How long silence on the line may last, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from patter_mcp.config import TurnSettings
from patter_mcp.conversation.speech_text import asks_to_wait


@dataclass(frozen=True, slots=True)
class Reprompt:
    """Long silence: ask whether anybody is there."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Silence again: end the call."""


class Patience:
    """One call's. Has no clock: whoever has one waits `limit_sec` and tells when it has `run_out`."""

    def __init__(self, settings: TurnSettings) -> None:
        self._settings = settings
        self._holding = False
        self._reprompted = False

    @property
    def limit_sec(self) -> float:
        """Silence that is borne now: longer once the user has asked us to wait."""
        return self._settings.hold_silence_sec if self._holding else self._settings.silence_sec

    def answered(self, text: str) -> None:
        """The user has spoken."""
        self._holding = asks_to_wait(text)
        self._reprompted = False

    def run_out(self) -> Reprompt | GiveUp:
        if self._reprompted:
            return GiveUp()
        self._reprompted = True
        return Reprompt()


class Vigil:
    """Wakes somebody when nothing has stirred for too long.

    Args:
        limit_sec: How long is too long, asked at every stir.
        woken: Called each time it was too long.
    """

    def __init__(self, limit_sec: Callable[[], float], woken: Callable[[], None]) -> None:
        self._limit_sec = limit_sec
        self._woken = woken
        self._stirred = anyio.Event()

    def stir(self) -> None:
        self._stirred.set()

    async def run(self) -> None:
        while True:
            self._stirred = anyio.Event()
            with anyio.move_on_after(self._limit_sec()) as patience:
                await self._stirred.wait()
            if patience.cancelled_caught:
                self._woken()
