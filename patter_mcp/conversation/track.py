"""One reply's speech from a voice of our own: text goes in, audio comes out when it may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio

from patter_mcp.conversation.reading import Reading
from patter_mcp.conversation.recording import HEARD_SLACK_MS, Recording
from patter_mcp.conversation.spoken import speakable
from patter_mcp.errors import ProviderError, overcome
from patter_mcp.tts.base import Utterance

AudioFilter = Callable[[bytes, str], Awaitable[bytes | None]]
"""Looks at each piece of audio with the text said so far; None discards it."""


MS_PER_CHAR = 75.0
"""Slow speech: where it is not known how far a voice has come, rather repeat a word than lose one."""


@dataclass(frozen=True, slots=True)
class _Interjection:
    """Words from memory that the voice knows nothing of."""

    text: str
    chars: int
    """How much of the voice's text was said before."""
    start_ms: float
    end_ms: float

    def heard_text(self, heard_ms: float) -> str:
        if heard_ms >= self.end_ms - HEARD_SLACK_MS:
            return self.text
        share = (heard_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return self.text[: int(len(self.text) * max(0.0, share))].rpartition(" ")[0]


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
        self._interjections: list[_Interjection] = []
        self._ended = False
        self._offset = 0
        """Where in the text the present utterance begins."""
        self._told_chars = 0
        """How far in the text the voice has come, by its own account."""
        self.fed_at: float | None = None

    @property
    def text(self) -> str:
        return self._reading.written

    @property
    def is_waiting(self) -> bool:
        """More will be said, but now there is silence, or a word to bridge it."""
        return not self.is_complete and (self.left_ms <= 0 or self._ends_in_aside)

    @property
    def _ends_in_aside(self) -> bool:
        interjected = bool(self._interjections) and self._interjections[-1].end_ms == self.total_ms
        return interjected or self._reading.ends_in_aside

    @property
    def has_aside_to_say(self) -> bool:
        """The voice has not come to the one it was given last."""
        return self._reading.ends_in_aside and self._chars_at(self.total_ms) < len(self._text)

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

    def bridge(self, text: str, audio: bytes | None) -> None:
        """Says a word to bridge the silence; with its audio, before whatever the voice still owes."""
        if audio is None:
            self.say(text, aside=True)
            return
        chars, start_ms, first_audio_at = self._chars_at(self.total_ms), self.total_ms, self.first_audio_at
        self.align(chars)
        self.add(audio)
        self.align(chars)
        self._interjections.append(_Interjection(text, chars, start_ms, self.total_ms))
        self.first_audio_at = first_audio_at

    def heard_text(self, *, asides: bool = True) -> str:
        chars = len(super().heard_text())
        if not asides:
            return self._reading.written_until(chars, asides=False)
        parts: list[str] = []
        done = ""
        for interjection in self._interjections:
            if interjection.chars <= chars and interjection.start_ms < self.heard_ms:
                before = self._reading.written_until(interjection.chars)
                parts += [before[len(done) :].strip(), interjection.heard_text(self.heard_ms)]
                done = before
        parts.append(self._reading.written_until(chars)[len(done) :].strip())
        return " ".join(filter(None, parts))

    @property
    def heard_own_ms(self) -> float:
        """Without what bridged a silence."""
        heard_ms = self.heard_ms
        return heard_ms - sum(max(0.0, min(one.end_ms, heard_ms) - one.start_ms) for one in self._interjections)

    def end(self) -> None:
        """Nothing more will be said."""
        self._ended = True
        self._utterance.end()

    @property
    def is_said(self) -> bool:
        """The voice has said all there is, though not that this was the end of it."""
        return self._ended and self._told_chars >= len(self._text.rstrip())

    def start_over(self, utterance: Utterance) -> None:
        """After a failure: has another utterance say the rest, from the start of the word that was cut."""
        said = self._text[: self._chars_surely_said()]
        self._offset = len(said) if self._text[len(said) :][:1].isspace() else said.rfind(" ") + 1
        self._utterance = utterance
        utterance.feed(self._text[self._offset :])
        if self._ended:
            utterance.end()

    def _chars_surely_said(self) -> int:
        known_ms, chars = self._aligned[-1]
        return min(len(self._text), chars + int((self.total_ms - known_ms) / MS_PER_CHAR))

    @property
    def failures(self) -> Sequence[ProviderError]:
        """The voice's, got over since it last started."""
        return overcome(self._utterance)

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
                self._told_chars = self._offset + speech.text_chars
                self.align(self._told_chars)
        self.complete()

    def cancel(self) -> None:
        super().cancel()
        self._utterance.cancel()
