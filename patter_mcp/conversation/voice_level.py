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
HUSHED = 0.0025
"""Share of the usual power, -26 dB, below which the user is silent: on a line with more noise than that, never."""
HUSH_MS = 80
"""Silence that may be the end of a turn; a plosive is shorter.

Of 40 synthetic utterances the end is noticed 80 ms after the last sound, where Silero's detector takes 130, with 1.0
false ends in each utterance, where Silero's has 0.9. 60 ms of silence make 1.3 false ends.
"""
_HUSH_FRAMES = HUSH_MS // FRAME_MS
_RECENT_FRAMES = 8
"""160 ms: long enough for any word to have had its vowel."""
_LEAST_MS = 500
"""Speech that must have been heard before it says what is usual."""
_MEMORY_FRAMES = 250
"""5 s of speech: somebody may walk away from the telephone."""

_POWER = tuple(value * value for value in DECODE_TABLE)


class VoiceLevel:
    """One call's. Costs 2 μs a frame."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque((0,), maxlen=_RECENT_FRAMES)
        self._usual = 0.0
        self._learnt_frames = 0
        self._hushed_frames = 0

    def hear(self, frame: bytes, *, is_user: bool) -> None:
        """Takes mono μ-law at 8 kHz, 20 ms. `is_user`: certainly the user's voice, from which to learn."""
        # Every other sample tells as much; and a list is faster here than a generator or a map.
        power = sum([_POWER[code] for code in frame[::2]])
        self._recent.append(power)
        self._hushed_frames = self._hushed_frames + 1 if self._knows_user and power < HUSHED * self._usual else 0
        if is_user:
            self._learnt_frames += 1
            self._usual += (power - self._usual) / min(self._learnt_frames, _MEMORY_FRAMES)

    @property
    def is_faint(self) -> bool:
        """What sounds now is much softer than the user usually is; False as long as that is not known."""
        return self._knows_user and max(self._recent) < FAINT * self._usual

    @property
    def has_hushed(self) -> bool:
        """With the last frame the user has been silent for `HUSH_MS`; said once in each silence."""
        return self._hushed_frames == _HUSH_FRAMES

    @property
    def _knows_user(self) -> bool:
        return self._learnt_frames * FRAME_MS >= _LEAST_MS
