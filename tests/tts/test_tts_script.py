from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.tts.script import Script


def script(*pieces: str) -> Script:
    made = Script()
    for piece in pieces:
        made.add(piece)
    return made


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["Hello.", "World."], "Hello. World."),
        (["Hello. ", "World."], "Hello. World."),
        (["Hello.", " World."], "Hello. World."),
        (["Hello.\n", "World."], "Hello.\nWorld."),
    ],
)
def test_pieces_are_joined_by_a_space_unless_they_bring_one(pieces: list[str], text: str) -> None:
    assert script(*pieces).text == text


def test_each_piece_is_given_to_the_vendor_once() -> None:
    made = script("One.")
    assert made.take_unsent() == "One."
    assert not made.has_unsent
    made.add("Two.")
    made.add("Three.")
    assert made.has_unsent
    assert made.take_unsent() == "Two. Three."


@pytest.mark.parametrize(
    ("spoken", "rest"), [(0, "one two"), (2, "one two"), (3, " two"), (4, "two"), (6, "two"), (7, "")]
)
def test_after_a_break_the_word_that_was_cut_is_said_again(spoken: int, rest: str) -> None:
    made = script("one two")
    made.take_unsent()
    made.spoken = spoken
    made.rewind()
    assert made.text[made.sent :] == rest


words = st.lists(st.text("abc.,", min_size=1, max_size=4), min_size=1, max_size=8)


@given(words, st.data())
def test_white_space_the_vendor_adds_or_drops_does_not_move_the_position(
    pieces: list[str], data: st.DataObject
) -> None:
    made = script(*pieces)
    letters = sum(map(len, pieces))
    count = data.draw(st.integers(0, letters))
    step = data.draw(st.integers(1, letters))
    position = 0
    for start in range(0, count, step):
        position = made.speak(min(step, count - start))
    assert len(made.text[:position].replace(" ", "")) == count
    assert not made.text[:position].endswith(" ")
