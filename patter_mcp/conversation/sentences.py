"""A model's tokens, cut into pieces worth speaking.

A piece leaves as soon as it is certainly complete: waiting for one token more costs as much as the
token takes. The first piece of a reply may be a clause, because somebody is waiting for it.
"""

from __future__ import annotations

import re
import unicodedata

_TERMINATORS = ".!?…。！？｡．।॥؟۔։።፧។៕"
"""Of sentences, in scripts from Latin to Khmer."""
_CLOSERS = "\"'”’)]»」』）】》"
_CLAUSE_ENDS = ",;:—，、；：،؛፣፤"
FIRST_CLAUSE_CHARS = 12
"""Shorter first clauses ("Yes,") are spoken with what follows; they would sound cut off."""
MAX_PIECE_CHARS = 300
"""A text without an end is cut here, so that speech does not wait for it."""
PHRASE_CHARS = 40
"""Thai and its neighbours end sentences, and phrases, with a space; from this length on it is taken for an end."""
WIDE_CHARS = 3
"""A character of Chinese, Japanese or Korean takes as long to say as that many letters."""

_TITLE = re.compile(r"(?:^|[\s(])(?:[A-Za-z]|Mr|Mrs|Ms|Dr|St|Prof|vs|approx|e\.g|i\.e)\.$")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:(?:[A-Za-z]\.)+[A-Za-z]|etc|Jr|Sr|Inc|Ltd|Co|Corp|Ave|Rd|Blvd)\.$")
_NUMBER_SIGN = re.compile(r"(?:^|[\s(])[Nn]o\.$")
_NUMBER = re.compile(r"\d\.$")
_LIST_NUMBER = re.compile(r"^\s*\d+\.$")
_WIDE = re.compile(r"[\u2e80-\ud7ff]")
_ADDRESS = re.compile(r"(?:https?://|www\.|@)\S*$")
_ORDINAL_DOTS = frozenset(
    ("bs", "cs", "da", "de", "et", "fi", "hr", "hu", "is", "lb", "lv", "nb", "nn", "no", "pl", "sk", "sl", "sr", "tr")
)
"""Languages that write "5. Mai" for the fifth of May."""


class SentenceCutter:
    """One reply's. `feed` tokens, take what comes out, `rest` at the end.

    Args:
        language: BCP-47.
    """

    def __init__(self, language: str = "en") -> None:
        self._ordinal_dots = language.partition("-")[0].lower() in _ORDINAL_DOTS
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

    def whole_words(self, chars: int) -> str:
        """What there is of a first piece that has grown beyond that length, up to its last whole word; else ""."""
        if not self._first or len(self._text) < chars or (end := self._text.rfind(" ")) < 0:
            return ""
        piece, self._text = self._text[:end].strip(), self._text[end:]
        self._first = not _speakable(piece)
        return "" if self._first else piece

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
            if char == " " and self._is_phrase(index):
                return index + 1
        return self._forced_end() if _length(self._text) > MAX_PIECE_CHARS else None

    def _is_end(self, index: int) -> bool:
        following = self._text[index + 1 : index + 2]
        if _ADDRESS.search(self._text[: index + 1]):
            return following.isspace()
        if self._text[index] == ".":
            return self._is_full_stop(index)
        return not following or following not in _TERMINATORS

    def _is_full_stop(self, index: int) -> bool:
        """Where only what follows can tell (3. may become 3.5), not yet."""
        upto, following, after = self._text[: index + 1], self._text[index + 1 : index + 2], self._text[index + 2 :][:1]
        if _TITLE.search(upto):
            return False
        if _NUMBER.search(upto):
            return following.isspace() and not self._ordinal_dots and not _LIST_NUMBER.search(upto)
        if _NUMBER_SIGN.search(upto):
            return following.isspace() and after != "" and not after.isdigit()
        if _ABBREVIATION.search(upto):
            return following.isspace() and after.isupper()
        return not following or following.isspace() or following in _CLOSERS

    def _is_clause(self, index: int) -> bool:
        if _length(self._text[:index].strip()) < FIRST_CLAUSE_CHARS or _ADDRESS.search(self._text[:index]):
            return False
        following = self._text[index + 1 : index + 2]
        return not (self._text[index - 1].isdigit() and (not following or following.isdigit()))

    def _is_phrase(self, index: int) -> bool:
        wanted = FIRST_CLAUSE_CHARS if self._first else PHRASE_CHARS
        return _ends_with_space(self._text[index - 1 : index]) and len(self._text[:index].strip()) >= wanted

    def _forced_end(self) -> int:
        """The last clause that fits, else the last word, else the last character with its marks."""
        limit = MAX_PIECE_CHARS * len(self._text) // _length(self._text)
        clause = max(self._text.rfind(char, 0, limit) for char in _CLAUSE_ENDS)
        end = (clause if clause > limit // 2 else self._text.rfind(" ", 0, limit)) + 1
        if end == 0:
            end = limit
            while unicodedata.category(self._text[end]).startswith("M"):
                end -= 1
        return end

    def _after_closers(self, index: int) -> int:
        while index < len(self._text) and self._text[index] in _CLOSERS:
            index += 1
        return index


def _length(text: str) -> int:
    """In letters' worth of time."""
    return len(text) + (WIDE_CHARS - 1) * len(_WIDE.findall(text))


def _ends_with_space(char: str) -> bool:
    """Of a script that has no other sign: Thai, Lao, Myanmar, Khmer."""
    return "\u0e00" <= char <= "\u0eff" or "\u1000" <= char <= "\u109f" or "\u1780" <= char <= "\u17ff"


def _speakable(piece: str) -> bool:
    """Not merely punctuation left over from a sentence that has gone."""
    return any(char.isalnum() for char in piece)
