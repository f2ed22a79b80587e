"""Voice detection by loudness alone: needs nothing installed, and takes any noise above the line's own for a voice."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.audio.g711 import DECODE_TABLE
from patter_mcp.vad.base import VoiceActivity

_WINDOW_MS = 32
"""As long as Silero's, so that the same rule can be laid over the verdicts of either."""
_WINDOW_BYTES = _WINDOW_MS * BYTES_PER_MS
_POWER = [value * value for value in DECODE_TABLE]
_LEAST_FLOOR = 50.0
"""RMS of 32768, -56 dB of full scale: where a line is quieter than that, three times its noise is still no voice."""
_FIRST_FLOOR = 300.0
"""Assumed until the line was heard to be quieter, for 2 s at most: some calls begin in the middle of a word."""
_FLOOR_WINDOWS = 63
"""The quietest of the last 2 s is the line's own noise: nobody speaks so long without a breath."""
_LOW_DB, _HIGH_DB = 6.0, 14.0
"""Above the floor: certainly noise, certainly a voice; half way is 3 times the floor."""


class EnergyDetector:
    """Fallback without numpy. Each call has a noise floor of its own, learnt within its pauses."""

    def load(self) -> None:
        """There is nothing to load."""

    def open(self, listener: Callable[[VoiceActivity], None]) -> EnergyStream:
        return EnergyStream(listener)


class EnergyStream:
    """One call's noise floor. Verdicts are given within `feed`."""

    def __init__(self, listener: Callable[[VoiceActivity], None]) -> None:
        self._listener: Callable[[VoiceActivity], None] | None = listener
        self._rest = b""
        self._at_ms = 0
        self._levels: deque[float] = deque([_FIRST_FLOOR], maxlen=_FLOOR_WINDOWS)

    def feed(self, frame: bytes) -> None:
        audio = self._rest + frame
        whole = len(audio) - len(audio) % _WINDOW_BYTES
        self._rest = audio[whole:]
        for start in range(0, whole, _WINDOW_BYTES):
            self._judge(audio[start : start + _WINDOW_BYTES])

    def close(self) -> None:
        self._listener = None

    def _judge(self, window: bytes) -> None:
        level = math.sqrt(sum([_POWER[code] for code in window]) / _WINDOW_BYTES)
        self._levels.append(level)
        self._at_ms += _WINDOW_MS
        if self._listener is not None:
            probability = _probability(level, min(self._levels))
            self._listener(VoiceActivity(probability=probability, at_ms=self._at_ms, window_ms=_WINDOW_MS))


def _probability(level: float, floor: float) -> float:
    above_db = 20 * math.log10(max(level, 1.0) / max(floor, _LEAST_FLOOR))
    return min(1.0, max(0.0, (above_db - _LOW_DB) / (_HIGH_DB - _LOW_DB)))
