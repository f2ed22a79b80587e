"""Phrases spoken into memory while there is a voice, for moments when there is none."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence

import anyio.lowlevel

from patter_mcp.conversation.spoken import speakable
from patter_mcp.errors import ProviderError
from patter_mcp.tts.base import Speech, TtsStream, Utterance

logger = logging.getLogger(__name__)


class Rehearsal:
    """An engine's, for all its calls; the first one's voice makes it.

    Args:
        texts: The most important first.
    """

    def __init__(self, texts: Sequence[str], language: str) -> None:
        self._unmade = list(texts)
        self._language = language
        self._made: dict[str, Sequence[Speech]] = {}

    def utterance(self, text: str) -> Utterance | None:
        """The phrase from memory; None if it has not been made."""
        return _Remembered(self._made[text]) if text in self._made else None

    def audio(self, text: str) -> bytes | None:
        """The same as mere sound."""
        return b"".join(speech.audio for speech in self._made[text]) if text in self._made else None

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
