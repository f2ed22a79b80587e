"""Our own voice, coming back from the user's telephone and recognised as if the user had spoken."""

from __future__ import annotations

import math
from collections import deque
from difflib import SequenceMatcher
from typing import Protocol

from patter_mcp.conversation.speech_text import words
from patter_mcp.conversation.spoken import speakable

TAIL_SEC = 1.2
"""How long after our last sound words of it may still come back: the line's delay and the recogniser's."""
LEAST_WORDS = 3
"""Fewer may well be an answer in our words: "at three?" - "at three"."""
OVERLAP = 0.8
"""Share of the words, in order, above which they are ours: recognisers mishear an echo."""


class Speech(Protocol):
    """What we say; it may grow while it is said."""

    @property
    def text(self) -> str: ...


class Echo:
    """One call's. Instants are monotonic seconds."""

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._said: deque[Speech] = deque(maxlen=2)
        self._until = -math.inf

    def began(self, speech: Speech) -> None:
        """We speak, or are about to."""
        self._said.append(speech)
        self._until = math.inf

    def ended(self, now: float) -> None:
        """We are silent."""
        self._until = min(self._until, now + TAIL_SEC)

    def is_ours(self, text: str, now: float) -> bool:
        """Whether what was recognised at `now` is what we have just said."""
        return now <= self._until and len(text.split()) >= LEAST_WORDS and self._overlaps(self._words(text))

    def may_be_ours(self, text: str, now: float) -> bool:
        """The same of words that are not settled: while we speak, an echo begins with a single one."""
        return self._overlaps(self._words(text)) if self._until == math.inf else self.is_ours(text, now)

    def _overlaps(self, heard: list[str]) -> bool:
        said = [word for speech in self._said for word in self._words(speech.text)]
        blocks = SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
        return sum(block.size for block in blocks) > OVERLAP * len(heard)

    def _words(self, text: str) -> list[str]:
        """Recognisers write numbers in one way, models in another."""
        return words(speakable(text, self._language))
