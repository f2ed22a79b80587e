"""How loud the user is against how loud they have been: the room behind them and our own echo are softer."""

from __future__ import annotations

from collections import deque

from patter_mcp.audio.frame import FRAME_MS
from patter_mcp.audio.g711 import DECODE_TABLE

FAINT = 0.16
"""Share of the usual power, -8 dB, below which a voice is taken for somebody else's.

Recorded prompts of five speakers over a line at -60 dB: of 1500 interruptions in the user's own voice at most 1 in 1000
is noticed later for it; another voice never passes in 38 of 100 cases if it is 15 dB softer, in 91 if 20, in 100 if 25.
"""
_RECENT_FRAMES = 8
"""160 ms: long enough for any word to have had its vowel."""
_LEAST_MS = 500
"""Speech that must have been heard before it says what is usual."""
_MEMORY_FRAMES = 250
"""5 s of speech: somebody may walk away from the telephone."""

_POWER = tuple(value * value for value in DECODE_TABLE)


class VoiceLevel:
    """One call's. Costs 6 μs a frame."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque((0,), maxlen=_RECENT_FRAMES)
        self._usual = 0.0
        self._learnt_frames = 0

    def hear(self, frame: bytes, *, is_user: bool) -> None:
        """Takes mono μ-law at 8 kHz, 20 ms. `is_user`: certainly the user's voice, from which to learn."""
        power = sum(map(_POWER.__getitem__, frame))
        self._recent.append(power)
        if is_user:
            self._learnt_frames += 1
            self._usual += (power - self._usual) / min(self._learnt_frames, _MEMORY_FRAMES)

    @property
    def is_faint(self) -> bool:
        """What sounds now is much softer than the user usually is; False as long as that is not known."""
        return self._learnt_frames * FRAME_MS >= _LEAST_MS and max(self._recent) < FAINT * self._usual
