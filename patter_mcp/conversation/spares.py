"""Phrases in a speech-to-speech model's own voice, kept for moments when it has none."""

from __future__ import annotations

from collections.abc import Iterable


class Spares:
    """An engine's, for all its calls; the first one's model makes them.

    Args:
        texts: The most important first.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(dict.fromkeys(texts))
        self._made: dict[str, bytes] = {}

    def audio(self, text: str) -> bytes:
        """Mono μ-law at 8 kHz; empty if it has not been made."""
        return self._made.get(text, b"")

    def missing(self) -> str | None:
        """The next to be made."""
        return next((text for text in self._texts if text not in self._made), None)

    def keep(self, text: str, audio: bytes) -> None:
        self._made[text] = audio
