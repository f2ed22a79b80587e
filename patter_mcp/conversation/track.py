"""One reply's speech from a voice of our own: text goes in, audio comes out when it may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from patter_mcp.conversation.recording import Recording
from patter_mcp.tts.base import Utterance

AudioFilter = Callable[[bytes, str], Awaitable[bytes | None]]
"""Looks at each piece of audio with the text said so far; None discards it."""


class Track(Recording):
    """A recording that a synthesiser makes. `run` in a task; the rest from the same loop, never waiting."""

    def __init__(self, utterance: Utterance, audio_filter: AudioFilter | None = None) -> None:
        super().__init__()
        self._utterance = utterance
        self._filter = audio_filter
        self.fed_at: float | None = None

    def say(self, piece: str) -> None:
        self.fed_at = self.fed_at or anyio.current_time()
        self.write(f" {piece}" if self.text else piece)
        self._utterance.feed(piece)

    def end(self) -> None:
        """Nothing more will be said."""
        self._utterance.end()

    async def run(self) -> None:
        """Takes the audio in until all of it has come.

        Raises:
            ProviderError: the voice failed.
        """
        async for speech in self._utterance:
            audio = speech.audio
            if self._filter is not None and audio:
                audio = await self._filter(audio, self.text) or b""
            self.add(audio)
            if speech.text_chars is not None:
                self.align(speech.text_chars)
        self.complete()

    def cancel(self) -> None:
        """Void: no more audio is made."""
        self.stop()
        self._utterance.cancel()
