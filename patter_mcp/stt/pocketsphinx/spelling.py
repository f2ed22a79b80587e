"""A guess at how a word is pronounced that no dictionary has: names, mostly.

A greedy walk over the letters by the commonest English readings, in the phones of cmudict. Wrong often enough;
still better than a word that cannot be heard at all.
"""

from __future__ import annotations

import re

_READINGS = {
    "tch": "CH", "sch": "SH", "tion": "SH AH N", "sh": "SH", "ch": "CH", "th": "TH", "ph": "F", "ck": "K", "ng$": "NG",
    "qu": "K W", "wh": "W", "^kn": "N", "^wr": "R", "^x": "Z", "gh": "G", "igh": "AY", "zz": "T S", "dge": "JH",
    "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "ai": "EY", "ay": "EY", "oi": "OY", "oy": "OY",
    "au": "AO", "aw": "AO", "ie": "IY", "ei": "AY", "ey": "IY", "ia": "IY AH", "io": "IY OW",
    "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R", "ur": "ER",
    "c(?=[eiy])": "S", "g(?=[eiy])": "JH", "'s$": "Z", "(?<=[^aeiouy])e$": "", "a$": "AH", "o$": "OW", "i$": "IY",
    "y$": "IY", "^y": "Y", "le$": "AH L",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V",
    "w": "W", "x": "K S", "y": "IH", "z": "Z",
}  # fmt: skip
_BY_LENGTH = sorted(_READINGS, key=len, reverse=True)
_LETTERS = re.compile("|".join(f"({reading})" for reading in _BY_LENGTH))
_DOUBLED = re.compile(r"([bcdfgjklmnprstv])\1")


def guess_phones(word: str) -> str:
    """Phones separated by blanks, e.g. `"bella"` -> `"B EH L AH"`; empty when there is nothing to say."""
    single = _DOUBLED.sub(r"\1", word)
    phones = (_READINGS[_BY_LENGTH[match.lastindex - 1]] for match in _LETTERS.finditer(single) if match.lastindex)
    return " ".join(filter(None, phones))
