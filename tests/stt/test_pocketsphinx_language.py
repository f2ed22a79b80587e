"""What the embedded recogniser expects to hear: words, phrase-book, model and dictionary."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.stt.pocketsphinx import phrasebook
from patter_mcp.stt.pocketsphinx.language import language
from patter_mcp.stt.pocketsphinx.spelling import guess_phones
from patter_mcp.stt.pocketsphinx.wording import spoken_words

PHONES = """
AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH
"""


@pytest.fixture
def cmudict() -> Path:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    return Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Come at 4:30 p.m., please!", "come at four thirty p m please"),
        ("I am free at 11am or 4 PM", "i am free at eleven a m or four p m"),
        ("4:00 or 12:05", "four o'clock or twelve oh five"),
        ("the 12th, 21st, 20th, 3rd and 2nd", "the twelfth twenty first twentieth third and second"),
        ("$25 & Mr. O'Brien’s Café", "twenty five dollars and mister o'brien's cafe"),
        ("room 405, 100, 0, 007", "room four hundred five one hundred zero zero zero seven"),
        ("call +1 202 555 0123", "call one two hundred two five hundred fifty five zero one two three"),
        ("well-known — yes…", "well known yes"),
        ("...", ""),
    ],
)
def test_written_text_becomes_the_words_one_hears(text: str, words: str) -> None:
    assert spoken_words(text) == words.split()


@given(st.text())
def test_any_text_becomes_words_or_nothing(text: str) -> None:
    assert all(re.fullmatch(r"[a-z]+('[a-z]+)*", word) for word in spoken_words(text))


@pytest.mark.parametrize(
    ("word", "phones"), [("bella", "B EH L AH"), ("trattoria", "T R AE T AO R IY AH"), ("phil's", "F IH L Z")]
)
def test_an_unknown_word_is_pronounced_by_its_letters(word: str, phones: str) -> None:
    assert guess_phones(word) == phones


@given(st.from_regex(r"[a-z]+", fullmatch=True))
def test_any_word_gets_phones_of_the_model(word: str) -> None:
    known = set(PHONES.split())
    phones = guess_phones(word).split()
    assert phones
    assert set(phones) <= known


def test_the_phrase_book_speaks_of_every_value_of_every_slot() -> None:
    words = {word for sentence, _ in phrasebook.sentences() for word in sentence.split()}
    text = (Path(phrasebook.__file__).parent / "phrasebook.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    written = {word for line in lines for word in re.sub(r"^\w+ =|<\w+>|\|", " ", line).split()}
    assert written == words


def test_the_phrase_book_is_spelled_out() -> None:
    for sentence, weight in phrasebook.sentences():
        assert spoken_words(sentence) == sentence.split()
        assert 0 < weight <= 1


def test_every_word_of_the_phrase_book_is_in_the_dictionary(cmudict: Path) -> None:
    assert language((), cmudict).guessed == frozenset()


def test_hints_are_in_dictionary_and_model(cmudict: Path) -> None:
    spoken = language(("Trattoria Bella, good evening!", "4:45"), cmudict)
    assert spoken.guessed == {"trattoria"}
    headwords = {line.partition(" ")[0] for line in spoken.dictionary.splitlines()}
    assert {"trattoria", "bella", "forty"} <= headwords
    assert "trattoria bella good" in spoken.model


def test_hints_of_one_call_are_not_heard_in_the_next(cmudict: Path) -> None:
    language(("xylophone",), cmudict)
    assert "xylophone" not in language((), cmudict).model


def test_hints_without_words_do_no_harm(cmudict: Path) -> None:
    assert language(("", "…"), cmudict).model == language((), cmudict).model


def test_probabilities_after_any_words_sum_to_one(cmudict: Path) -> None:
    grams, left = _read(language(("a hint",), cmudict).model)
    assert sum(10**p for gram, p in grams.items() if len(gram) == 1) == pytest.approx(1.0, abs=0.01)
    followers: defaultdict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for gram in grams:
        followers[gram[:-1]].append(gram)
    for context in [("<s>",), ("four",), ("how",), ("how", "about"), ("see", "you"), ("a", "hint")]:
        seen = sum(10 ** grams[gram] for gram in followers[context])
        shorter = sum(10 ** _probability(grams, left, gram[1:]) for gram in followers[context])
        assert seen + 10 ** left[context] * (1 - shorter) == pytest.approx(1.0, abs=0.01)


Grams = dict[tuple[str, ...], float]


def _read(arpa: str) -> tuple[Grams, Grams]:
    """log10 of probabilities, and of what contexts leave to the shorter ones."""
    probabilities, left = {}, {}
    for line in arpa.splitlines():
        match line.split():
            case [probability, *words, backoff] if words and probability.startswith("-"):
                probabilities[tuple(words)] = float(probability)
                left[tuple(words)] = float(backoff)
            case _:
                pass
    return probabilities, left


def _probability(grams: Grams, left: Grams, gram: tuple[str, ...]) -> float:
    if gram in grams:
        return grams[gram]
    assert len(gram) > 1, f"{gram} is in no model"
    return left.get(gram[:-1], math.log10(1.0)) + _probability(grams, left, gram[1:])
