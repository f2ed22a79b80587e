"""Our own voice, coming back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from patter_mcp.conversation.echo import TAIL_SEC, Echo

SAID = "We would like a table for two at 7:30 on Friday, if that is possible."


@dataclass
class Speech:
    text: str


@pytest.fixture
def echo() -> Echo:
    echo = Echo()
    echo.began(Speech(SAID))
    return echo


@pytest.mark.parametrize(
    "heard",
    [
        "we would like a table",
        "Would like a table for two at seven thirty",
        "for two at 7:30 on Friday if that is",
        "we would like the table for two at seven thirty",
    ],
)
def test_words_we_have_just_said_are_ours(echo: Echo, heard: str) -> None:
    assert echo.is_ours(heard, 1.0)


@pytest.mark.parametrize(
    "heard",
    ["at 7:30", "no", "for two people or for three?", "Friday is not possible", "on Friday a table we like", ""],
)
def test_words_of_the_users_are_not(echo: Echo, heard: str) -> None:
    assert not echo.is_ours(heard, 1.0)


def test_unsettled_word_of_ours_may_be_the_beginning_of_an_echo(echo: Echo) -> None:
    assert echo.may_be_ours("would", 1.0)
    assert not echo.may_be_ours("wait", 1.0)


def test_short_answer_in_our_words_is_not_held_up_once_we_are_silent(echo: Echo) -> None:
    echo.ended(10.0)
    assert not echo.may_be_ours("On Friday", 10.5)
    assert echo.may_be_ours("if that is possible", 10.5)


def test_echo_dies_away_after_we_fell_silent(echo: Echo) -> None:
    heard = "if that is possible"
    echo.ended(10.0)
    assert echo.is_ours(heard, 10.0 + TAIL_SEC)
    assert not echo.is_ours(heard, 10.1 + TAIL_SEC)
    assert not echo.may_be_ours(heard, 10.1 + TAIL_SEC)


def test_end_of_what_we_said_before_is_still_known(echo: Echo) -> None:
    echo.ended(10.0)
    echo.began(Speech("All right."))
    assert echo.is_ours("if that is possible", 10.5)


def test_nothing_is_ours_before_we_have_spoken() -> None:
    assert not Echo().is_ours("we would like a table", 0.0)


def test_speech_that_grows_is_known_as_far_as_it_has_grown() -> None:
    speech, echo = Speech("One moment."), Echo()
    echo.began(speech)
    assert not echo.is_ours("it is free at three", 1.0)
    speech.text += " It is free at three."
    assert echo.is_ours("it is free at three", 1.0)
