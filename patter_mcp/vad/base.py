"""Voice activity: is somebody speaking in this frame.

One detector serves all calls of a process (one model in memory, frames batched); each call has a
stream with the little state that is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceActivity:
    """Verdict on the window of audio that ends `at_ms` after the stream's first sample."""

    probability: float
    """0.0 to 1.0 that the window holds speech."""
    at_ms: int
    window_ms: int


class VadStream(Protocol):
    def feed(self, frame: bytes) -> None:
        """Takes mono μ-law at 8 kHz, any length; verdicts go to the listener, in order. Never waits."""
        ...

    def close(self) -> None: ...


class VoiceDetector(Protocol):
    def load(self) -> None:
        """Gets what it needs into memory, once; call it in a thread, for a model takes 0.2 s.

        Raises:
            ConfigError: something is not installed.
        """
        ...

    def open(self, listener: Callable[[VoiceActivity], None]) -> VadStream:
        """A stream for one call. `listener` runs in the event loop and must not block."""
        ...
