"""Builds what the recogniser expects to hear: a trigram model and the dictionary of its words, as text of files.

The stock model of the package knows newspapers; on call sentences it gets two words of three wrong. Ours is
counted from the phrase-book and from what this call is expected to be about.
"""

from __future__ import annotations

import functools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from patter_mcp.stt.pocketsphinx import phrasebook
from patter_mcp.stt.pocketsphinx.spelling import guess_phones
from patter_mcp.stt.pocketsphinx.wording import spoken_words

_HINT_WEIGHT = 200.0
"""How many times a hint counts against one fixed phrase of the phrase-book.

With 20, words of the phrase-book take the place of hinted ones; with more than 400, hinted ones that of others.
"""
_CAUTION = 0.3
"""Share of a context's kinds of follower that is kept for words not seen there (Witten-Bell uses 1.0).

Gave the lowest word error rate of 0.1, 0.3 and 1.0 on 40 call sentences in three espeak-ng voices.
"""
_BEGIN, _END = "<s>", "</s>"

Gram = tuple[str, ...]
Counts = tuple[dict[Gram, float], dict[Gram, float], dict[Gram, float]]
"""How often each word, pair and triple of words was seen."""


@dataclass(frozen=True, slots=True)
class Language:
    model: str
    """ARPA format."""
    dictionary: str
    """One pronunciation a line, as in cmudict."""
    guessed: frozenset[str]
    """Words cmudict does not have; their pronunciation is made up."""


class _Context(NamedTuple):
    """What stands before a word."""

    total: float
    """How often it was seen."""
    left: float
    """Share of probability left to words not seen after it: the more kinds of follower, the more."""


@functools.lru_cache(maxsize=16)
def language(hints: tuple[str, ...], cmudict: Path) -> Language:
    """The phrase-book's language and the hints'. Takes about 0.2 s."""
    words, pairs, triples = _phrasebook_counts()
    counts = words.copy(), pairs.copy(), triples.copy()
    for hint in filter(None, map(spoken_words, hints)):
        _add(counts, hint, _HINT_WEIGHT)
    vocabulary = {word for (word,) in counts[0]} - {_BEGIN, _END}
    lines = _pronunciations(vocabulary, cmudict)
    guessed = vocabulary.difference(map(_headword, lines))
    lines += [f"{word} {guess_phones(word)}" for word in sorted(guessed)]
    return Language(model="\n".join(_arpa(counts)), dictionary="\n".join([*lines, ""]), guessed=frozenset(guessed))


@functools.cache
def _phrasebook_counts() -> Counts:
    counts: Counts = ({}, {}, {})
    for sentence, weight in phrasebook.sentences():
        _add(counts, sentence.split(), weight)
    return counts


def _add(counts: Counts, sentence: Sequence[str], weight: float) -> None:
    words = (_BEGIN, *sentence, _END)
    for order, seen in enumerate(counts, 1):
        for gram in zip(*(words[first:] for first in range(order)), strict=False):
            seen[gram] = seen.get(gram, 0.0) + weight


def _pronunciations(words: set[str], cmudict: Path) -> list[str]:
    """Its lines for these words, in which `word(2)` is another way to say `word`."""
    with cmudict.open(encoding="utf-8") as lines:
        return [line.rstrip() for line in lines if _headword(line) in words]


def _headword(line: str) -> str:
    return line.partition(" ")[0].partition("(")[0]


def _arpa(counts: Counts) -> Iterator[str]:
    """The model's lines: log10 of a gram's probability, the gram, log10 of what it leaves as a context."""
    yield "\\data\\"
    yield from (f"ngram {order}={len(seen)}" for order, seen in enumerate(counts, 1))
    contexts = [_contexts(seen) for seen in counts]
    shorter: Mapping[Gram, float] = {(): 1 / len(counts[0])}
    for order, seen in enumerate(counts, 1):
        yield from ("", f"\\{order}-grams:")
        shorter = _probabilities(seen, contexts[order - 1], shorter)
        followed = contexts[order] if order < len(contexts) else {}
        for gram, probability in sorted(shorter.items()):
            left = followed[gram].left if gram in followed else 1.0
            yield f"{math.log10(probability):.4f} {' '.join(gram)} {math.log10(left):.4f}"
    yield from ("", "\\end\\", "")


def _contexts(seen: Mapping[Gram, float]) -> dict[Gram, _Context]:
    totals: defaultdict[Gram, float] = defaultdict(float)
    kinds: Counter[Gram] = Counter(gram[:-1] for gram in seen)
    for gram, count in seen.items():
        totals[gram[:-1]] += count
    spare = {context: _CAUTION * kinds[context] for context in totals}
    return {context: _Context(total, spare[context] / (total + spare[context])) for context, total in totals.items()}


def _probabilities(
    seen: Mapping[Gram, float], contexts: Mapping[Gram, _Context], shorter: Mapping[Gram, float]
) -> dict[Gram, float]:
    """Of each gram's last word after the others, mixed with what the shorter context says of it."""
    return {
        gram: (1 - context.left) * count / context.total + context.left * shorter[gram[1:]]
        for gram, count in seen.items()
        if (context := contexts[gram[:-1]])
    }
