"""A text and how it is read out: "$5" is two characters and two words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Piece:
    written: str
    spoken: str
    aside: bool


class Reading:
    """What was given to be said and what was given to the voice, piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []

    @property
    def written(self) -> str:
        return _joined(piece.written for piece in self._pieces)

    @property
    def ends_in_aside(self) -> bool:
        return bool(self._pieces) and self._pieces[-1].aside

    def add(self, written: str, spoken: str, *, aside: bool = False) -> None:
        """`aside`: not a part of what was meant to be said."""
        self._pieces.append(_Piece(written, spoken, aside))

    def written_until(self, spoken_chars: int, *, asides: bool = True) -> str:
        """The whole words written of which the voice has said so many characters, its pieces joined by spaces."""
        heard: list[str] = []
        left = spoken_chars
        for piece in self._pieces:
            if left < -1 or (left <= 0 and (piece.spoken or not heard)):
                break
            if asides or not piece.aside:
                heard.append(_written_of(piece, max(0, left)))
            left -= len(piece.spoken) + bool(piece.spoken)
        return _joined(heard)


def _joined(texts: Iterable[str]) -> str:
    return " ".join(filter(None, texts))


def _written_of(piece: _Piece, spoken_chars: int) -> str:
    if spoken_chars >= len(piece.spoken):
        return piece.written
    written, spoken = _words(piece.written), _words(piece.spoken)
    count = sum(match.end() <= spoken_chars for match in spoken)
    reached = _word_reached(list(map(_bare, written)), list(map(_bare, spoken)), count)
    return piece.written[: written[reached - 1].end()] if reached else ""


def _words(text: str) -> list[re.Match[str]]:
    return list(_WORD.finditer(text))


def _bare(match: re.Match[str]) -> str:
    return match[0].strip(".,;:!?\"'()*_`").casefold()


def _word_reached(written: list[str], spoken: list[str], count: int) -> int:
    """How many written words the first `count` spoken ones stand for; of words read otherwise, a fair share."""
    for _, start, end, spoken_start, spoken_end in SequenceMatcher(None, written, spoken, autojunk=False).get_opcodes():
        if count <= spoken_end:
            share = (count - spoken_start) / max(1, spoken_end - spoken_start)
            return start + int(share * (end - start))
    return len(written)
