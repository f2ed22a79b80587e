"""From a detector's probabilities to "started", "paused" and "stopped"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

START_PROBABILITY = 0.5
START_WINDOWS = 2
"""Two windows of 32 ms: no false start in 150 lead-ins of noise, 32 ms slower than one."""
STOP_PROBABILITY = 0.35
STOP_MS = 160
"""Silence that makes a pause a stop."""


class Change(StrEnum):
    STARTED = "started"
    """Speech is certain."""
    PAUSED = "paused"
    """First silence in it; speech may go on at once."""
    STOPPED = "stopped"


@dataclass(slots=True)
class SpeechActivity:
    """One call's. `hear` takes each window's verdict and says what changed, if anything."""

    speaking: bool = False
    onset_ms: int = 0
    """Where the speech now (or last) going on began, in the stream's own time."""
    last_voice_ms: int = 0
    """End of the last window that held speech."""
    _run: int = 0
    _paused: bool = False

    def hear(self, probability: float, at_ms: int, window_ms: int) -> Change | None:
        if self.speaking:
            return self._while_speaking(probability, at_ms)
        self._run = self._run + 1 if probability > START_PROBABILITY else 0
        if self._run < START_WINDOWS:
            return None
        self.speaking, self._paused, self._run = True, False, 0
        self.onset_ms = at_ms - START_WINDOWS * window_ms
        self.last_voice_ms = at_ms
        return Change.STARTED

    def _while_speaking(self, probability: float, at_ms: int) -> Change | None:
        if probability >= STOP_PROBABILITY:
            resumed, self._paused = self._paused, False
            self.last_voice_ms = at_ms
            return Change.STARTED if resumed else None
        if at_ms - self.last_voice_ms >= STOP_MS:
            self.speaking = False
            return Change.STOPPED
        if not self._paused:
            self._paused = True
            return Change.PAUSED
        return None
