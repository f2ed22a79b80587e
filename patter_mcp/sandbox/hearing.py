"""The callee's ear: when the agent speaks, what it says, which keys it presses; from audio alone.

Audio is mono μ-law at 8 kHz, 20 ms = 160 bytes, one frame at a time; time is counted in frames.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from patter_mcp.audio.frame import FRAME_BYTES, FRAME_MS
from patter_mcp.audio.g711 import DECODE_TABLE
from patter_mcp.audio.tones import DtmfDetector

_VOICE_ENERGY = FRAME_BYTES * 200**2
"""Of a frame; -44 dB of full scale. Synthesised speech has clean pauses, so a fixed level will do."""
_ONSET_FRAMES = 3
_SPEECH_FRAMES = 8
"""Less voice than this, 160 ms, is a click or a breath."""
_PRE_ROLL_FRAMES = 15
_TAIL_MS = 1500
"""After so much silence the recogniser is spared the rest."""

_SQUARES = tuple(sample * sample for sample in DECODE_TABLE)


class Recogniser(Protocol):
    """Turns one utterance after the other into text."""

    def feed(self, ulaw: bytes, /) -> object: ...
    def finish(self) -> str:
        """The words of what was fed since the last time; "" when there are none."""
        ...


class Ear:
    """An utterance opens with the agent's voice and stays open until somebody takes or drops it."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.digits: deque[str] = deque()
        """Keys pressed and not yet acted on, from tones in the audio and from the network."""
        self.open = False
        self.quiet_ms = 3_600_000
        """Since the agent's last sound; an hour before its first."""
        self.voiced_frames = 0
        """Of the open utterance."""
        self._recogniser = recogniser
        self._keys = DtmfDetector()
        self._pre_roll: deque[bytes] = deque(maxlen=_PRE_ROLL_FRAMES)
        self._onset = 0

    @property
    def voiced_ms(self) -> int:
        return self.voiced_frames * FRAME_MS

    def over(self, quiet_ms: int) -> bool:
        """The agent has said something and been quiet for so long since."""
        return self.open and self.quiet_ms >= quiet_ms

    def hear(self, frame: bytes) -> None:
        self.digits.extend(self._keys.feed(frame))
        voiced = not self._keys.sounding and sum(map(_SQUARES.__getitem__, frame)) > _VOICE_ENERGY
        self.quiet_ms = 0 if voiced else self.quiet_ms + FRAME_MS
        if self.open:
            self._follow(frame, voiced)
        else:
            self._await_onset(frame, voiced)

    def take(self) -> str | None:
        """Closes the utterance: what was said, "" if it could not be understood, None if it was a mere noise."""
        spoken = self.voiced_frames >= _SPEECH_FRAMES
        text = self._recogniser.finish() if self.open else ""
        self.open, self.voiced_frames, self._onset = False, 0, 0
        return text if spoken else None

    def _follow(self, frame: bytes, voiced: bool) -> None:
        self.voiced_frames += voiced
        if self.quiet_ms <= _TAIL_MS:
            self._recogniser.feed(frame)

    def _await_onset(self, frame: bytes, voiced: bool) -> None:
        self._pre_roll.append(frame)
        self._onset = self._onset + 1 if voiced else 0
        if self._onset < _ONSET_FRAMES:
            return
        self.open, self.voiced_frames = True, self._onset
        self._recogniser.feed(b"".join(self._pre_roll))
        self._pre_roll.clear()
