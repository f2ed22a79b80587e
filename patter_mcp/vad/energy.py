"""Voice by loudness alone: no library, no model. Takes any loud sound for speech; fine on a quiet line."""

from __future__ import annotations

from collections.abc import Callable

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.audio.g711 import DECODE_TABLE
from patter_mcp.vad.base import VoiceActivity

WINDOW_MS = 32
FACTOR = 3.0
"""Speech is at least this much louder than the line's own noise."""
FLOOR_START = 60.0
"""Mean amplitude (of 32767) taken for the noise of a line nothing is known of yet."""
FLOOR_RISE = 0.02
"""Share of the way the floor goes towards a louder window; towards a quieter one it goes at once."""
_AMPLITUDES = tuple(abs(value) for value in DECODE_TABLE)


class EnergyDetector:
    def open(self, listener: Callable[[VoiceActivity], None]) -> EnergyStream:
        return EnergyStream(listener)


class EnergyStream:
    def __init__(self, listener: Callable[[VoiceActivity], None]) -> None:
        self._listener = listener
        self._pending = b""
        self._at_ms = 0
        self._floor = FLOOR_START

    def feed(self, frame: bytes) -> None:
        self._pending += frame
        size = WINDOW_MS * BYTES_PER_MS
        while len(self._pending) >= size:
            window, self._pending = self._pending[:size], self._pending[size:]
            self._at_ms += WINDOW_MS
            probability = 1.0 if self._is_loud(window) else 0.0
            self._listener(VoiceActivity(probability=probability, at_ms=self._at_ms, window_ms=WINDOW_MS))

    def close(self) -> None:
        self._pending = b""

    def _is_loud(self, window: bytes) -> bool:
        level = sum(map(_AMPLITUDES.__getitem__, window)) / len(window)
        loud = level > max(self._floor, FLOOR_START) * FACTOR
        if level < self._floor:
            self._floor = level
        else:
            self._floor += (level - self._floor) * FLOOR_RISE * (0.1 if loud else 1.0)
        return loud
