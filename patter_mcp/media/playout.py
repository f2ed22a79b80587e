"""Our audio on its way to the user's ear.

The carrier plays what it is sent in real time from a queue of its own, which only `clear` can empty.
So we keep the queue short and know, by clock and by the marks that come back, how far the user has heard.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

import anyio

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.carriers.base import StreamCodec

CHUNK_MS = 100
"""Audio per message once the queue has a start; fewer messages, still finely cut."""
MARK_EVERY_MS = 500
"""How often the carrier is asked to confirm what it has played."""
MARK_PATIENCE_SEC = 2.0
"""How long after the clock says so a mark may take before the audio counts as played without it."""

Send = Callable[[str], None]
"""Never waits."""


class PacedPlayout:
    """One call's playout. Sends what may go as soon as it is written, the rest from timers of the loop's; no task."""

    def __init__(self, codec: StreamCodec, send: Send, *, lead_ms: int, loop: asyncio.AbstractEventLoop) -> None:
        self._codec = codec
        self._send = send
        self._lead_ms = lead_ms
        self._loop = loop
        self._clock = loop.time
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._sent_ms = 0.0
        self._plays_out_at = -math.inf
        """Monotonic instant at which the carrier's queue runs empty."""
        self._marks: deque[float] = deque()
        """Positions of the marks the carrier has not returned yet."""
        self._trusts_marks_until = math.inf
        """A carrier that has not returned the first mark by then does not return any: the clock has to do."""
        self._asked = False
        """A mark has been sent."""
        self._confirmed_ms = 0.0
        self._last_mark_ms = 0.0
        self._epoch = 0
        self._held = False
        self._first_sent_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._moved = anyio.Event()
        self.closed = False

    @property
    def written_ms(self) -> float:
        return self._sent_ms + self._pending_bytes / BYTES_PER_MS

    @property
    def heard_ms(self) -> float:
        by_clock = self._sent_ms - max(0.0, (self._plays_out_at - self._clock()) * 1000)
        if self._awaits_mark:
            # A mark that has not come back says that its sound has not been reached, however late the carrier plays.
            by_clock = min(by_clock, self._marks[0])
        return max(self._confirmed_ms, by_clock)

    @property
    def first_sent_at(self) -> float | None:
        return self._first_sent_at

    def write(self, audio: bytes) -> None:
        if not audio or self.closed:
            return
        if self._is_idle():
            self._first_sent_at = None
        self._pending.append(audio)
        self._pending_bytes += len(audio)
        if self._timer is None:
            self._go_on()

    def clear(self) -> float:
        position = self.heard_ms
        if not self.closed and (self._plays_out_at > self._clock() or self._marks):
            self._send(self._codec.encode_clear())
        self._pending.clear()
        self._pending_bytes = 0
        self._marks.clear()
        self._epoch += 1
        self._sent_ms = self._confirmed_ms = self._last_mark_ms = position
        self._plays_out_at = -math.inf
        self._first_sent_at = None
        self._held = False
        self._stop_timer()
        self._moved.set()
        return position

    def hold(self, held: bool) -> None:
        self._held = held
        self._stop_timer()
        self._go_on()

    async def drained(self) -> None:
        while not self._is_idle():
            self._moved = anyio.Event()
            with anyio.move_on_after(self._patience_sec()):
                await self._moved.wait()

    def mark_returned(self, name: str) -> None:
        """The carrier has played up to the mark. One dropped by a clear bears an old epoch and says nothing."""
        if self._clock() >= self._trusts_marks_until:
            self._confirmed_ms = self.heard_ms  # by the clock; it cannot run back
        self._trusts_marks_until = math.inf
        epoch, _, position = name.partition(":")
        if epoch != str(self._epoch) or not self._marks:
            return
        try:
            reached = float(position)
        except ValueError:
            return
        while self._marks and self._marks[0] <= reached:
            self._confirmed_ms = max(self._confirmed_ms, self._marks.popleft())
        self._moved.set()

    def close(self) -> None:
        """The line is gone: whoever waits for audio to be played need not."""
        self.closed = True
        self.clear()

    @property
    def _awaits_mark(self) -> bool:
        return bool(self._marks) and self._clock() < self._trusts_marks_until

    def _is_idle(self) -> bool:
        if self._pending or self.closed:
            return self.closed
        late_sec = self._clock() - self._plays_out_at
        return late_sec >= MARK_PATIENCE_SEC or (late_sec >= 0 and not self._awaits_mark)

    def _patience_sec(self) -> float:
        if self._held:
            return MARK_PATIENCE_SEC
        remaining_sec = self._plays_out_at - self._clock()
        if self._pending:
            remaining_sec = max(0.0, remaining_sec) + self._pending_bytes / BYTES_PER_MS / 1000
        return max(0.001, remaining_sec + MARK_PATIENCE_SEC if self._awaits_mark else remaining_sec)

    def _lead(self) -> float:
        return (self._plays_out_at - self._clock()) * 1000

    def _go_on(self) -> None:
        """Sends what there is room for at the carrier, and comes back when there is room for more."""
        self._timer = None
        if self._held:
            return
        while self._pending and self._lead() < self._lead_ms:
            self._send_chunk()
        if self._pending:
            late_sec = (self._lead() - self._lead_ms + CHUNK_MS) / 1000
            self._timer = self._loop.call_later(max(0.0, late_sec), self._go_on)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send_chunk(self) -> None:
        chunk = self._take(CHUNK_MS * BYTES_PER_MS)
        now = self._clock()
        self._plays_out_at = max(self._plays_out_at, now) + len(chunk) / BYTES_PER_MS / 1000
        self._sent_ms += len(chunk) / BYTES_PER_MS
        if self._first_sent_at is None:
            self._first_sent_at = now
        self._send(self._codec.encode_audio(chunk))
        if not self._pending or self._sent_ms - self._last_mark_ms >= MARK_EVERY_MS:
            self._send_mark()

    def _send_mark(self) -> None:
        if not self._asked:
            self._asked = True
            self._trusts_marks_until = self._plays_out_at + MARK_PATIENCE_SEC
        self._last_mark_ms = self._sent_ms
        self._marks.append(self._sent_ms)
        self._send(self._codec.encode_mark(f"{self._epoch}:{self._sent_ms}"))

    def _take(self, size: int) -> bytes:
        """Up to `size` bytes from the front of what is pending."""
        parts: list[bytes] = []
        wanted = size
        while wanted and self._pending:
            part = self._pending.popleft()
            if len(part) > wanted:
                self._pending.appendleft(part[wanted:])
                part = part[:wanted]
            parts.append(part)
            wanted -= len(part)
        self._pending_bytes -= size - wanted
        return parts[0] if len(parts) == 1 else b"".join(parts)
