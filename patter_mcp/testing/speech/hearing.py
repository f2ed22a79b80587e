"""When does somebody speak: by loudness alone, exact to the frame, and cheap enough for hundreds of streams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.audio.g711 import DECODE_TABLE

LOUD_PCM = 500
"""Samples beyond this count as voice; line noise stays below."""
LOUD_SHARE = 0.1
"""Share of loud samples that makes a frame voiced."""
_LOUDNESS = bytes(abs(sample) > LOUD_PCM for sample in DECODE_TABLE)


def is_voiced(frame: bytes) -> bool:
    return frame.translate(_LOUDNESS).count(1) > LOUD_SHARE * len(frame)


@dataclass(slots=True)
class Hearing:
    """Positions, in milliseconds of audio heard so far."""

    now_ms: float = 0.0
    speaking: bool = False
    started_ms: float = 0.0
    voice_end_ms: float = 0.0
    """End of the last voiced frame."""

    def hear(self, audio: bytes) -> Iterator[float]:
        """Takes audio in steps of 20 ms, a burst like a stream; yields the position after each."""
        for start in range(0, len(audio), 160):
            frame = audio[start : start + 160]
            self.now_ms += len(frame) / BYTES_PER_MS
            if is_voiced(frame):
                if not self.speaking:
                    self.speaking = True
                    self.started_ms = self.now_ms - len(frame) / BYTES_PER_MS
                self.voice_end_ms = self.now_ms
            yield self.now_ms

    @property
    def silence_ms(self) -> float:
        return self.now_ms - self.voice_end_ms

    @property
    def spoken_ms(self) -> float:
        """Length of the utterance that is going on or has just ended."""
        return self.voice_end_ms - self.started_ms


class Words:
    """A turn's transcript, revealed as time goes by."""

    def __init__(self, transcript: str, ms_per_word: float) -> None:
        self._segments = [segment.split() for segment in transcript.split("|")]
        self._ms_per_word = ms_per_word
        self._settled = 0
        """Segments given out."""

    def heard(self, spoken_ms: float) -> str:
        """Words of the segment that is not settled yet, as far as they have been spoken."""
        before = sum(map(len, self._segments[: self._settled]))
        count = int(spoken_ms / self._ms_per_word) + 1 - before
        return " ".join(self._segments[self._settled][: max(0, count)]) if self._settled < len(self._segments) else ""

    def segment_is_over(self, spoken_ms: float) -> bool:
        """More words were spoken than the open segment has, and another follows."""
        through = sum(map(len, self._segments[: self._settled + 1]))
        return self._settled + 1 < len(self._segments) and spoken_ms > through * self._ms_per_word

    def settle_segment(self) -> str:
        self._settled += 1
        return " ".join(self._segments[self._settled - 1])

    def settle_rest(self) -> str:
        """Everything not given out yet."""
        rest = [word for segment in self._segments[self._settled :] for word in segment]
        self._settled = len(self._segments)
        return " ".join(rest)

    def all(self) -> str:
        return " ".join(word for segment in self._segments for word in segment)
