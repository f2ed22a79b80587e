"""The person at the other end: takes turns with the agent, interrupts now and then, and keeps the time of it all."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from patter_mcp.audio.frame import FRAME_BYTES
from patter_mcp.testing.fake_twilio import MediaLine, Received

PATIENCE_SEC = 5.0
"""A reply later than this counts as lost."""
PAUSE_SEC = 0.4
"""Silence after which the agent's turn is over."""
BARGE_IN_EVERY = 4
"""Turns of the agent, of which one is interrupted."""
BARGE_IN_AFTER_SEC = 0.8

LINE_NOISE = bytes((0xFF, 0x7F, 0xFE, 0x7E, 0xFD, 0x7D))
"""The smallest steps of μ-law, some -65 dB of full scale: a line that nobody speaks on is seldom digital silence."""


def quiet_frames(chance: Random, count: int = 50) -> Sequence[bytes]:
    return [bytes(chance.choices(LINE_NOISE, k=FRAME_BYTES)) for _ in range(count)]


@dataclass(slots=True)
class Measured:
    """Of all calls, in milliseconds."""

    greeting: list[float] = field(default_factory=list[float])
    """From the stream's first frame to the agent's."""
    voice_to_voice: list[float] = field(default_factory=list[float])
    """From the user's last voiced frame to the agent's first."""
    barge_in: list[float] = field(default_factory=list[float])
    """From the user's first voiced frame over the agent's speech to the carrier's being told to clear it."""
    under_runs: list[float] = field(default_factory=list[float])
    """Gaps within the agent's speech."""
    queued: list[float] = field(default_factory=list[float])
    """What lay at the carrier when more came."""
    lost: int = 0
    """Calls without a line, turns without a reply, interruptions without a clear."""


class Talker:
    """One call's callee, frame by frame. `line` is set once there is one.

    Args:
        speech: An utterance in frames; the first and the last are voiced.
        measured: Gives what to write to at the moment.
        chance: Keeps the calls from speaking in chorus.
        longest_pause_sec: Between the greeting and the first question.
        interrupts: Now and then.
    """

    def __init__(
        self,
        speech: Sequence[bytes],
        measured: Callable[[], Measured],
        chance: Random,
        *,
        longest_pause_sec: float,
        interrupts: bool = True,
    ) -> None:
        self.line: MediaLine | None = None
        self._speech = speech
        self._measured = measured
        self._quiet = itertools.cycle(quiet_frames(chance))
        self._pause_sec = chance.uniform(0, longest_pause_sec)
        self._turn = chance.randrange(BARGE_IN_EVERY)
        self._interrupts = interrupts
        self._now = 0.0
        self._seen = 0
        """Messages of the agent's that were looked at."""
        self._plays_until = 0.0
        self._replying = False
        self._asked_at: float | None = None
        self._interrupted_at: float | None = None
        self._frames = self._live()

    def __call__(self, heard: bytes) -> bytes:
        self._now = time.monotonic()
        assert self.line is not None
        for message in self.line.received[self._seen :]:
            self._take(message)
        self._seen = len(self.line.received)
        return next(self._frames)

    def _take(self, message: Received) -> None:
        if message.event == "media":
            self._take_audio(message)
        elif message.event == "clear":
            self._plays_until, self._replying = message.at, False
            if self._interrupted_at is not None:
                self._measured().barge_in.append((message.at - self._interrupted_at) * 1000)
                self._interrupted_at = None

    def _take_audio(self, message: Received) -> None:
        if self._asked_at is not None and message.at >= self._asked_at:
            self._measured().voice_to_voice.append((message.at - self._asked_at) * 1000)
            self._asked_at = None
        if self._replying:
            self._measured().queued.append(message.queued_ms)
            if message.at > self._plays_until:
                self._measured().under_runs.append((message.at - self._plays_until) * 1000)
        self._replying = True
        self._plays_until = max(self._plays_until, message.at) + message.audio_ms / 1000

    def _live(self) -> Iterator[bytes]:
        yield from self._hear_greeting()
        yield from self._wait(self._pause_sec)
        while True:
            yield from self._ask()
            self._turn += 1
            if self._interrupts and self._turn % BARGE_IN_EVERY == 0 and self._replying:
                yield from self._wait(BARGE_IN_AFTER_SEC)
                self._interrupted_at = self._now
            else:
                yield from self._hear_out()

    def _ask(self) -> Iterator[bytes]:
        """Speaks, and waits for the first of the answer."""
        yield from self._speech[:-1]
        self._asked_at = self._now
        yield self._speech[-1]
        if not (yield from self._silent_until(lambda: self._asked_at is None)) or self._interrupted_at is not None:
            self._measured().lost += 1
            self._asked_at = self._interrupted_at = None

    def _hear_greeting(self) -> Iterator[bytes]:
        called_at = self._now
        yield next(self._quiet)
        if (yield from self._silent_until(lambda: self._replying)):
            assert self.line is not None
            self._measured().greeting.append((self.line.received[0].at - called_at) * 1000)
        yield from self._hear_out()

    def _hear_out(self) -> Iterator[bytes]:
        yield from self._silent_until(lambda: self._now > self._plays_until + PAUSE_SEC)
        self._replying = False

    def _wait(self, seconds: float) -> Iterator[bytes]:
        until = self._now + seconds
        while self._now < until:
            yield next(self._quiet)

    def _silent_until(self, condition: Callable[[], bool]) -> Generator[bytes, None, bool]:
        """False: patience ran out."""
        until = self._now + PATIENCE_SEC
        while not condition():
            if self._now > until:
                return False
            yield next(self._quiet)
        return True
