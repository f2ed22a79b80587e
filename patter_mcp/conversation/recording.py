"""Speech of ours on its way to the user: text and audio come in as they are made, and what was heard can be told."""

from __future__ import annotations

import anyio

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.leg import Playout

CHARS_PER_SEC = 15.0
"""Speaking rate assumed where a vendor does not say how far its audio has come; English at 150 words a minute."""
REWIND_MS = 200
"""Going on after a false interruption, we repeat this much: the word that was cut."""
HEARD_SLACK_MS = 80
"""Audio this close to its end counts as heard to the end."""


class Recording:
    """Held back until `release`. Nothing of it waits but `played`."""

    def __init__(self) -> None:
        self._text = ""
        self._audio = bytearray()
        self._aligned: list[tuple[float, int]] = [(0.0, 0)]
        """(milliseconds, characters) pairs the vendor told us."""
        self._done = anyio.Event()
        self._playout: Playout | None = None
        self._base_ms = 0.0
        """Playout position at which this recording's first byte stands."""
        self._stopped_ms: float | None = None
        """How far it had been heard when it was last stopped."""
        self._moved = anyio.Event()
        self._released = anyio.Event()
        self.first_audio_at: float | None = None
        self.released_at: float | None = None
        self._first_sent_at: float | None = None

    # What is put into it.

    def write(self, text: str) -> None:
        """Adds to the text, as it stands."""
        self._text += text

    def add(self, audio: bytes) -> None:
        """Adds audio, which goes out at once if it may."""
        if not audio:
            return
        self.first_audio_at = self.first_audio_at or anyio.current_time()
        self._audio += audio
        if self._playout is not None and self._stopped_ms is None:
            self._note_first_sent()
            self._playout.write(audio)

    def align(self, chars: int) -> None:
        """The audio so far says that many characters of the text."""
        self._aligned.append((self.total_ms, chars))

    def complete(self) -> None:
        """All of it has come."""
        self._done.set()

    # Its way out.

    def release(self, playout: Playout) -> None:
        """From now on the audio goes out, what has come so far at once."""
        self._playout = playout
        self.released_at = anyio.current_time()
        self._base_ms = playout.written_ms
        playout.write(self.audio)
        self._moved.set()
        self._released.set()

    def stop(self) -> None:
        """Silence at once; what was not heard is kept."""
        if self._playout is not None and self._stopped_ms is None:
            self._note_first_sent()
            self._stopped_ms = min(self.total_ms, max(0.0, self._playout.clear() - self._base_ms))

    def resume(self) -> None:
        """Goes on where `stop` cut it."""
        if self._playout is None or self._stopped_ms is None:
            return
        start_ms = max(0.0, self._stopped_ms - REWIND_MS)
        self._stopped_ms = None
        self._base_ms = self._playout.written_ms - start_ms
        self._playout.write(bytes(self._audio[int(start_ms) * BYTES_PER_MS :]))
        self._moved.set()

    def cancel(self) -> None:
        """Void: nothing more of it is to be heard."""
        self.stop()

    def again(self) -> Recording:
        """The same, not released, to be heard from its beginning."""
        other = Recording()
        other.write(self.text)
        other.add(self.audio)
        other.complete()
        return other

    async def released(self) -> None:
        """Returns when it may be heard."""
        await self._released.wait()

    async def made(self) -> None:
        """Returns when all of it has come."""
        await self._done.wait()

    async def played(self) -> None:
        """Returns when all of it has been made and heard."""
        await self.made()
        while not self.is_heard:
            if self._playout is None or self._stopped_ms is not None:
                self._moved = anyio.Event()
                await self._moved.wait()
                continue
            await self._playout.drained()
            if self._stopped_ms is None:
                return

    # What became of it.

    @property
    def text(self) -> str:
        """All that is to be said, as far as it is known."""
        return self._text

    @property
    def audio(self) -> bytes:
        """μ-law, as far as it has come."""
        return bytes(self._audio)

    @property
    def is_complete(self) -> bool:
        return self._done.is_set()

    @property
    def first_sent_at(self) -> float | None:
        """Monotonic instant at which its first audio left us."""
        self._note_first_sent()
        return self._first_sent_at

    @property
    def total_ms(self) -> float:
        return len(self._audio) / BYTES_PER_MS

    @property
    def heard_ms(self) -> float:
        if self._playout is None:
            return 0.0
        if self._stopped_ms is not None:
            return self._stopped_ms
        return min(self.total_ms, max(0.0, self._playout.heard_ms - self._base_ms))

    @property
    def left_ms(self) -> float:
        """Audio that is there and not yet heard."""
        return self.total_ms - self.heard_ms

    @property
    def is_sounding(self) -> bool:
        """It is being heard, or would be if it had not been stopped."""
        return self._stopped_ms is not None or self.left_ms > HEARD_SLACK_MS

    @property
    def is_heard(self) -> bool:
        return self.is_complete and self.heard_ms >= self.total_ms - HEARD_SLACK_MS

    def heard_text(self) -> str:
        """The text up to the last whole word that was heard."""
        if self.is_heard:
            return self._text
        chars = self._chars_at(self.heard_ms)
        if chars >= len(self._text):
            return self._text
        return self._text[:chars].rpartition(" ")[0] if not self._text[chars].isspace() else self._text[:chars]

    def _note_first_sent(self) -> None:
        """The playout forgets it once it has been idle or cleared; the first word we get is the right one."""
        if self._first_sent_at is not None or self._playout is None or self.released_at is None:
            return
        sent_at = self._playout.first_sent_at
        if sent_at is not None and sent_at >= self.released_at:
            self._first_sent_at = sent_at

    def _chars_at(self, ms: float) -> int:
        """Interpolated between what the vendor told us, and at an average rate beyond it."""
        points = list(self._aligned)
        if self.is_complete:
            points.append((max(self.total_ms, 1.0), len(self._text)))
        before = max((point for point in points if point[0] <= ms), default=(0.0, 0))
        after = min((point for point in points if point[0] > ms), default=None)
        if after is None:
            return before[1] + int((ms - before[0]) / 1000 * CHARS_PER_SEC)
        share = (ms - before[0]) / (after[0] - before[0])
        return before[1] + int(share * (after[1] - before[1]))
