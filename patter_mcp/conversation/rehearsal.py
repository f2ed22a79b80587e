"""Phrases spoken into memory while there is a voice, for moments when there is none.

In the first call of a process there may never have been one; then what is on file has to do.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence

import anyio.lowlevel

from patter_mcp.conversation.phrases import Phrases
from patter_mcp.conversation.prerecorded import prerecorded
from patter_mcp.conversation.spoken import speakable
from patter_mcp.errors import ProviderError
from patter_mcp.tts.base import Speech, TtsStream, Utterance

logger = logging.getLogger(__name__)


class Rehearsal:
    """An engine's, for all its calls; the first one's voice makes it."""

    def __init__(self, phrases: Phrases, language: str) -> None:
        self._apology = phrases.trouble
        self._fillers = phrases.one_moment, phrases.bear_with_me
        self._unmade = [self._apology, *self._fillers]
        self._language = language
        self._made: dict[str, Sequence[Speech]] = {}

    def utterance(self, text: str) -> Utterance | None:
        """The phrase from memory; None if it has not been made."""
        return _Remembered(self._made[text]) if text in self._made else None

    def audio(self, text: str) -> bytes | None:
        """The same as mere sound."""
        return b"".join(speech.audio for speech in self._made[text]) if text in self._made else None

    @property
    def apology(self) -> tuple[str, Utterance]:
        """For a call that has lost its voice."""
        made = self.utterance(self._apology)
        if made is not None:
            return self._apology, made
        text, audio = prerecorded("trouble", self._language)
        return text, _Remembered([Speech(audio=audio)])

    @property
    def fillers(self) -> Mapping[str, bytes]:
        """What bridges a silence although the voice is silent, with its audio."""
        made = {text: audio for text in self._fillers if (audio := self.audio(text))}
        return made or dict([prerecorded("one_moment", self._language)])

    async def hold(self, tts: TtsStream) -> None:
        """Makes what nobody has made or is making. A voice that fails leaves it to another call's."""
        while self._unmade:
            text = self._unmade.pop(0)
            try:
                self._made[text] = await self._speak(text, tts)
            except ProviderError as error:
                logger.warning("a phrase for bad moments could not be made", extra={"why": error.message})
                return
            finally:
                if text not in self._made:
                    self._unmade.insert(0, text)

    async def _speak(self, text: str, tts: TtsStream) -> Sequence[Speech]:
        utterance = tts.utterance()
        utterance.feed(speakable(text, self._language))
        utterance.end()
        return [speech async for speech in utterance]


class _Remembered:
    """`Utterance`, whatever it is fed."""

    def __init__(self, speech: Sequence[Speech]) -> None:
        self._speech = speech

    def feed(self, text: str) -> None:
        """It has been said."""

    def end(self) -> None:
        """It has."""

    def cancel(self) -> None:
        self._speech = ()

    async def __aiter__(self) -> AsyncIterator[Speech]:
        await anyio.lowlevel.checkpoint()
        for speech in self._speech:
            yield speech
