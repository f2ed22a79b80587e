"""One reply's speech from a voice of our own: text goes in, audio comes out when it may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from patter_mcp.conversation.reading import Reading
from patter_mcp.conversation.recording import Recording
from patter_mcp.conversation.spoken import speakable
from patter_mcp.tts.base import Utterance

AudioFilter = Callable[[bytes, str], Awaitable[bytes | None]]
"""Looks at each piece of audio with the text said so far; None discards it."""


class Track(Recording):
    """A recording that a synthesiser makes. `run` in a task; the rest from the same loop, never waiting.

    The voice is given what is speakable in `language`; all that is told of it is in the words it was given to say.
    """

    def __init__(self, utterance: Utterance, audio_filter: AudioFilter | None = None, *, language: str = "en") -> None:
        super().__init__()
        self._utterance = utterance
        self._filter = audio_filter
        self._language = language
        self._reading = Reading()
        self.fed_at: float | None = None

    @property
    def text(self) -> str:
        return self._reading.written

    @property
    def is_waiting(self) -> bool:
        """More will be said, but now there is silence, or a word to bridge it."""
        return not self.is_complete and (self.left_ms <= 0 or self._reading.ends_in_aside)

    def say(self, piece: str, *, aside: bool = False) -> None:
        """`aside`: a word to bridge the silence, no part of what there is to say."""
        spoken = speakable(piece, self._language)
        self._reading.add(piece, spoken, aside=aside)
        if not spoken:
            return
        self.fed_at = self.fed_at or anyio.current_time()
        joined = f" {spoken}" if self._text else spoken
        self.write(joined)
        self._utterance.feed(joined)

    def heard_text(self, *, asides: bool = True) -> str:
        return self._reading.written_until(len(super().heard_text()), asides=asides)

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
        super().cancel()
        self._utterance.cancel()
