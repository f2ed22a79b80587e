"""Turns the caller's words about the callee into words to the callee, and finds the thing that is wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from patter_mcp.llm.rules.clock import find_times
from patter_mcp.llm.rules.day import find_days
from patter_mcp.llm.rules.people import find_party
from patter_mcp.llm.rules.words import Token, tokens_of, word_set

_SWAPS = {
    "they": "you", "them": "you", "their": "your", "theirs": "yours", "they're": "you are", "they've": "you have",
    "they'll": "you will", "i": "we", "i'm": "we are", "i've": "we have", "i'll": "we will", "i'd": "we would",
    "me": "us", "my": "our", "mine": "ours", "myself": "ourselves", "am": "are",
}  # fmt: skip
_TO_AGENT = {
    "we": "you", "we're": "you are", "we've": "you have", "we'll": "you will", "us": "you", "our": "your", "i": "you",
    "i'm": "you are", "i've": "you have", "i'll": "you will", "my": "your", "me": "you", "am": "are", "ours": "yours",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")

_TRAILING = re.compile(
    r"\s*(?:[;(]|,(?! and )|\s-\s|\b(?:if|but|unless|my name|with (?:the )?name|name is|preferably|ideally|"
    r"any ?time|please|under|in the name|on behalf|as soon|and (?:ask|tell|let|confirm|find|check|make sure|get|"
    r"say|then|report|give|see|also)|"
    r"then (?:ask|tell)|so that|because|since|starting|using|for (?=[A-Z])|at (?=[A-Z0-9])|from (?=[A-Z])))",
)
_FOR_SOMEBODY = re.compile(r"\s+for (?:me|us|myself|him|her)\b")
_LEADS = word_set(
    "at on for by around about between after before from and or to until till preferably next this coming the in "
    "of early late either approximately roughly no not later earlier than any exactly sharp"
)
_PARTS = word_set("morning afternoon evening lunchtime night")
_LOOSE_STARTS = word_set("for at on of in with")
_LOOSE_ENDS = word_set("at on for by around about between after before from and or to until in the with a of , this")


def to_callee(text: str) -> str:
    """ "what time they close" -> "what time you close"; "my order" -> "our order"."""
    return _swapped(text, _SWAPS)


def back_to_callee(text: str) -> str:
    """Their words given back to them: "we close at nine" -> "you close at nine"."""
    return _swapped(text, _TO_AGENT)


def thing_wanted(text: str) -> str:
    """The object of a goal without its day, time, party and name: "a haircut for tomorrow at 3" -> "a haircut"."""
    bare = _without_slots(_FOR_SOMEBODY.sub("", re.sub(r"^(?:me|us|myself)\s+", "", text)))
    cut = _TRAILING.search(bare)
    return to_callee(_tidy(bare[: cut.start()] if cut else bare))


def _swapped(text: str, swaps: dict[str, str]) -> str:
    def swap(match: re.Match[str]) -> str:
        word = match.group().replace("’", "'")
        return swaps.get(word.lower(), match.group())

    return _WORD.sub(swap, text)


def _without_slots(text: str) -> str:
    tokens = tokens_of(text)
    covered = _slot_words(tokens)
    kept = list(text)
    for index in covered:
        for position in range(tokens[index].start, tokens[index].end):
            kept[position] = ""
    return "".join(kept)


def _slot_words(tokens: Sequence[Token]) -> set[int]:
    words = [token.word for token in tokens]
    spans = [(mention.start, mention.end) for mention in (*find_times(words), *find_days(words))]
    party = find_party(words)
    spans += [(party.start, party.end)] if party else []
    spans += [(index, index + 1) for index, word in enumerate(words) if word in _PARTS]
    covered: set[int] = set()
    for start, end in spans:
        while start > 0 and words[start - 1] in _LEADS:
            start -= 1
        covered |= set(range(start, end))
    return covered


def _tidy(text: str) -> str:
    words = re.sub(r"\s+", " ", text).replace(" ,", ",").strip(" ,.").split()
    while words and words[-1].lower() in _LOOSE_ENDS:
        words.pop()
    while len(words) > 1 and words[0].lower() in _LOOSE_STARTS:
        words.pop(0)
    return " ".join(words)
