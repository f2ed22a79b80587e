"""Speech for tests: every character is a tone of its own, so that audio proves which text it came from.

A character lasts 60 ms (about 17 characters a second, as people speak); white space is silence.
"""

from __future__ import annotations

import functools
import math
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from patter_mcp.audio.frame import BYTES_PER_MS, ULAW_SILENCE
from patter_mcp.audio.g711 import encode
from patter_mcp.testing.speech.scripts import Timing

CHAR_MS = 60
CHAR_BYTES = CHAR_MS * BYTES_PER_MS
_AMPLITUDE = 6000


@functools.cache
def note(char: str) -> bytes:
    """60 ms of μ-law."""
    if char.isspace():
        return bytes((ULAW_SILENCE,)) * CHAR_BYTES
    return encode(_tone(pitch_hz(char), CHAR_BYTES, 8000))


@functools.cache
def pcm_note(char: str, rate_hz: int) -> bytes:
    """The same as s16le PCM."""
    count = CHAR_MS * rate_hz // 1000
    return bytes(2 * count) if char.isspace() else _tone(pitch_hz(char), count, rate_hz)


def sing(text: str) -> bytes:
    """μ-law at 8 kHz."""
    return b"".join(map(note, text))


def sing_pcm(text: str, rate_hz: int) -> bytes:
    return b"".join(pcm_note(char, rate_hz) for char in text)


def pitch_hz(char: str) -> float:
    return 260.0 + 20 * (ord(char) % 96)


def _tone(pitch_hz: float, count: int, rate_hz: int) -> bytes:
    step = 2 * math.pi * pitch_hz / rate_hz
    return array("h", (int(_AMPLITUDE * math.sin(step * (index + 0.5))) for index in range(count))).tobytes()


At = Callable[[float, Callable[[], None]], None]
Now = Callable[[], float]


@dataclass(slots=True)
class Performance:
    """Texts sung one after the other. `emit` is given the characters whose audio is due, `done` follows the last."""

    timing: Timing
    at: At
    now: Now
    emit: Callable[[str], None]
    _texts: deque[tuple[float, str, Callable[[], None] | None]] = field(
        default_factory=deque[tuple[float, str, Callable[[], None] | None]]
    )
    _busy_until: float = 0.0
    _running: bool = False
    stopped: bool = False

    def sing(self, text: str, then: Callable[[], None] | None = None) -> None:
        """Queues a text; `then` is called when all of it has been emitted."""
        self._texts.append((self.now() + self.timing.first_byte_ms / 1000, text, then))
        if not self._running:
            self._next_text()

    def stop(self) -> None:
        """Nothing more is emitted, and no `then` is called."""
        self.stopped = True
        self._texts.clear()

    def _next_text(self) -> None:
        self._running = bool(self._texts)
        if self._texts:
            ready_at, text, then = self._texts.popleft()
            self._schedule(max(ready_at, self._busy_until), text, then)

    def _schedule(self, instant: float, text: str, then: Callable[[], None] | None) -> None:
        self.at(instant, functools.partial(self._step, instant, text, then))

    def _step(self, instant: float, text: str, then: Callable[[], None] | None) -> None:
        if self.stopped:
            return
        chars, rest = text[: self.timing.chunk_chars], text[self.timing.chunk_chars :]
        if chars:
            self.emit(chars)
        self._busy_until = instant + len(chars) * CHAR_MS / 1000 / self.timing.speed
        if self.stopped:
            return
        if rest:
            self._schedule(self._busy_until, rest, then)
            return
        if then is not None:
            then()
        self._next_text()
