"""Phrases in a speech-to-speech model's own voice, kept for moments when it has none."""

from __future__ import annotations

from collections.abc import Iterable


class Spares:
    """An engine's, for all its calls; the first one's model makes them.

    Args:
        texts: The most important first.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._unmade = list(dict.fromkeys(texts))
        self._made: dict[str, bytes] = {}

    def audio(self, text: str) -> bytes:
        """Mono μ-law at 8 kHz; empty if it has not been made."""
        return self._made.get(text, b"")

    def take(self) -> str | None:
        """One that nobody has made or is making."""
        return self._unmade.pop(0) if self._unmade else None

    def keep(self, text: str, audio: bytes) -> None:
        self._made[text] = audio

    def put_back(self, text: str) -> None:
        """It has come to nothing; another call may try."""
        self._unmade.insert(0, text)
