from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.sandbox.matching import contains, words


@pytest.mark.parametrize(
    ("heard", "phrase"),
    [
        ("So, is that right?", "is that right"),
        ("is all that really right", "is that right"),
        ("I'd like to make a booking", "book"),
        ("That's fine, isn't it", "that is fine"),
        ("I can't do that", "cannot"),
        ("at 5 o'clock", "five"),
        ("enter 21 please", "twenty one"),
        ("my number is 2025", "two zero two five"),
        ("it closes early", "close"),
        ("I\u2019m calling", "i am calling"),
    ],
)
def test_a_phrase_is_heard_in_other_words_for_it(heard: str, phrase: str) -> None:
    assert contains(words(heard), words(phrase))


@pytest.mark.parametrize(
    ("heard", "phrase"),
    [
        ("right that is", "is that right"),
        ("is it so that you are quite sure it is right", "is that right"),
        ("", "yes"),
        ("fourteen", "four"),
        ("seventy", "seven"),
        ("on friday", "one"),
        ("notable", "no table"),
        ("anything", ""),
    ],
)
def test_other_words_are_not_the_phrase(heard: str, phrase: str) -> None:
    assert not contains(words(heard), words(phrase))


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=6), st.text(max_size=40))
def test_every_text_contains_its_own_words(phrase: list[str], around: str) -> None:
    text = " ".join(phrase)
    assert contains(words(f"{around} {text} {around}"), words(text))
    assert not contains((), words(text))
