"""Phrases in a speech-to-speech model's own voice, kept for moments when it has none.

In the first call of a process it may never have had one; then what is on file has to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from patter_mcp.conversation.phrases import Phrases
from patter_mcp.conversation.prerecorded import prerecorded


class Spares:
    """An engine's, for all its calls; the first one's model makes them. Audio is mono μ-law at 8 kHz.

    Args:
        reassurances: What is said while tools run.
    """

    def __init__(self, phrases: Phrases, language: str, reassurances: Sequence[str] = ()) -> None:
        self._apology = phrases.trouble
        self._language = language
        texts = phrases.trouble, phrases.one_moment, phrases.bear_with_me, *reassurances
        self._texts = list(dict.fromkeys(texts))
        """The most important first."""
        self._made: dict[str, bytes] = {}

    def audio(self, text: str) -> bytes:
        """Empty if it has not been made."""
        return self._made.get(text, b"")

    @property
    def apology(self) -> tuple[str, bytes]:
        """For a call that has lost its model, with its audio."""
        audio = self.audio(self._apology)
        return (self._apology, audio) if audio else prerecorded("trouble", self._language)

    def filler(self, text: str) -> tuple[str, bytes]:
        """The text with its audio, or as long as that has not been made another one."""
        audio = self.audio(text)
        return (text, audio) if audio else prerecorded("one_moment", self._language)

    def missing(self) -> str | None:
        """The next to be made."""
        return next((text for text in self._texts if text not in self._made), None)

    def keep(self, text: str, audio: bytes) -> None:
        self._made[text] = audio
