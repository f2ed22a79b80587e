"""A model's tokens, cut into pieces worth speaking.

A piece leaves as soon as it is certainly complete: waiting for one token more costs as much as the
token takes. The first piece of a reply may be a clause, because somebody is waiting for it.
"""

from __future__ import annotations

import re

_TERMINATORS = ".!?…。！？｡।؟"
_CLOSERS = "\"'”’)]»"
_CLAUSE_ENDS = ",;:—，、；："
FIRST_CLAUSE_CHARS = 12
"""Shorter first clauses ("Yes,") are spoken with what follows; they would sound cut off."""
MAX_PIECE_CHARS = 300
"""A text without an end is cut at a space here, so that speech does not wait for it."""

_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|Mr|Mrs|Ms|Dr|St|Ave|Rd|Prof|Jr|Sr|vs|etc|approx|no|e\.g|i\.e|a\.m|p\.m)\.$"
)
_NUMBER = re.compile(r"\d\.$")


class SentenceCutter:
    """One reply's. `feed` tokens, take what comes out, `rest` at the end."""

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def feed(self, token: str) -> list[str]:
        """Pieces that this token completes, each stripped and never empty."""
        self._text += token
        pieces: list[str] = []
        while (end := self._end_of_piece()) is not None:
            piece, self._text = self._text[:end].strip(), self._text[end:]
            if _speakable(piece):
                pieces.append(piece)
                self._first = False
        return pieces

    @property
    def pending(self) -> bool:
        """A piece has begun and is not complete."""
        return _speakable(self._text)

    def rest(self) -> str:
        """What is left when the reply is over; the cutter is then as new."""
        text, self._text, self._first = self._text.strip(), "", True
        return text if _speakable(text) else ""

    def _end_of_piece(self) -> int | None:
        for index, char in enumerate(self._text):
            if char == "\n" and self._text[:index].strip():
                return index + 1
            if char in _TERMINATORS and self._is_end(index):
                return self._after_closers(index + 1)
            if self._first and char in _CLAUSE_ENDS and self._is_clause(index):
                return index + 1
        if len(self._text) > MAX_PIECE_CHARS:
            return self._text.rfind(" ", 0, MAX_PIECE_CHARS) + 1 or MAX_PIECE_CHARS
        return None

    def _is_end(self, index: int) -> bool:
        """A full stop inside a number or after an abbreviation ends nothing unless a new sentence follows."""
        following = self._text[index + 1 : index + 2]
        if self._text[index] != ".":
            return following not in _TERMINATORS or not following
        upto = self._text[: index + 1]
        if _NUMBER.search(upto):
            # "3." may become "3.5": only what follows can tell.
            return following.isspace()
        if _ABBREVIATION.search(upto):
            return False
        return not following or following.isspace() or following in _CLOSERS

    def _is_clause(self, index: int) -> bool:
        if len(self._text[:index].strip()) < FIRST_CLAUSE_CHARS:
            return False
        following = self._text[index + 1 : index + 2]
        return not (self._text[index - 1].isdigit() and (not following or following.isdigit()))

    def _after_closers(self, index: int) -> int:
        while index < len(self._text) and self._text[index] in _CLOSERS:
            index += 1
        return index


def _speakable(piece: str) -> bool:
    """Not merely punctuation left over from a sentence that has gone."""
    return any(char.isalnum() for char in piece)
