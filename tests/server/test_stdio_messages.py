"""Half characters on the wire."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.server.wire import whole_characters

ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from('\ud83d\ude00\\u"x'))


@given(ANY_TEXT)
def test_whole_characters_arrive_as_they_were_and_halves_are_replaced(text: str) -> None:
    # As JavaScript reads it: two halves that stand side by side are one character.
    read = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    line = json.dumps({"text": text}).encode()

    mended = json.loads(whole_characters(line))["text"]

    assert mended.replace("\ufffd", "") == read.replace("\ufffd", "")
    mended.encode()


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\uD83D\uDE00"', "\U0001f600"),
        (rb'"x\ud83d"', "x\ufffd"),
        (rb'"\ude00x"', "\ufffdx"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
    ],
)
def test_a_backslash_that_is_meant_is_left_alone(sent: bytes, arrives: str) -> None:
    assert json.loads(whole_characters(sent)) == arrives
