"""How long silence on the line may last, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from patter_mcp.config import TurnSettings
from patter_mcp.conversation.speech_text import asks_to_wait


@dataclass(frozen=True, slots=True)
class Reprompt:
    """Long silence: ask whether anybody is there."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Silence again: end the call."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Nobody has anything to add to our goodbye: hang up."""


class Patience:
    """One call's. Has no clock: whoever has one waits `limit_sec` and tells when it has `run_out`."""

    def __init__(self, settings: TurnSettings) -> None:
        self._settings = settings
        self._holding = False
        self._reprompted = False
        self._leaving = False

    @property
    def limit_sec(self) -> float:
        """Silence that is borne now: longer once the user has asked us to wait, shorter once we have said goodbye."""
        if self._leaving:
            return self._settings.last_words_sec
        return self._settings.hold_silence_sec if self._holding else self._settings.silence_sec

    def answered(self, text: str) -> None:
        """The user has spoken."""
        self._holding = asks_to_wait(text)
        self._reprompted = self._leaving = False

    def said_goodbye(self) -> None:
        self._leaving = True

    def run_out(self) -> Reprompt | GiveUp | Leave:
        if self._leaving:
            return Leave()
        if self._reprompted:
            return GiveUp()
        self._reprompted = True
        return Reprompt()
