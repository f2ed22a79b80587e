"""Turns that take their time: dictated numbers, spelled names, monologues, music, holds. The turn-taker alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from patter_mcp.config import TurnSettings
from patter_mcp.conversation.turns import (
    Commit,
    Decision,
    GiveBack,
    GiveUp,
    Reprompt,
    Speculate,
    TakeFloor,
    TurnTaker,
    Yield,
)

ENDPOINTING_SEC = 0.3
"""Silence after which the recogniser settles what it heard."""


class Line:
    """A user on the line, and all that was decided, with its second."""

    def __init__(self, signal: Any = "silence", **changes: Any) -> None:
        self.turns = TurnTaker(TurnSettings(**changes), signal, 0.0)
        self.signal = signal
        self.now = 0.0
        self.decided: list[tuple[float, Decision]] = []

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.turns.next_deadline) is not None and due <= until:
            self.now = max(self.now, due)
            self._note(self.turns.tick(self.now))
        self.now = until

    def says(self, text: str, seconds: float, pause: float) -> None:
        """Speech, its words known at its end, and silence."""
        self.wait(0.07)
        self._note(self.turns.voice_started(self.now, self.now - 0.07))
        self.wait(seconds - 0.07)
        self._note(self.turns.interim(text, self.now))
        self._note(self.turns.voice_paused(self.now))
        end = self.now
        self.wait(0.16)
        self._note(self.turns.voice_stopped(self.now, end))
        if pause > ENDPOINTING_SEC:
            self.wait(ENDPOINTING_SEC + 0.15 - 0.16)
            self._note(self.turns.final(text, self.signal != "none", self.now))
        self.wait(end + pause - self.now)

    def of(self, *kinds: type[Decision]) -> list[Decision]:
        return [decision for _, decision in self.decided if isinstance(decision, kinds)]

    def _note(self, decisions: Sequence[Decision]) -> None:
        self.decided += [(round(self.now, 2), decision) for decision in decisions]
        for decision in decisions:
            if isinstance(decision, Commit):
                self.turns.agent_started(self.now)


DICTATIONS = [
    (("My number is", 0.7, 0.8), ("four one five", 0.9, 1.1), ("five five five", 0.9, 1.2), ("0132", 1.2, 3.0)),
    (("It's 415.", 1.1, 1.0), ("555.", 0.9, 0.9), ("0132.", 1.2, 3.0)),
    (("S", 0.4, 0.5), ("M", 0.3, 0.5), ("I", 0.3, 0.4), ("T H", 0.7, 3.0)),
    (("It's s m", 0.9, 0.8), ("i t", 0.6, 0.7), ("h", 0.4, 3.0)),
    (("S as in Sam,", 0.9, 1.0), ("M as in Mary,", 0.9, 1.1), ("and that's it", 0.7, 3.0)),
    (("ann dot", 0.6, 0.9), ("lee at", 0.6, 1.0), ("example dot com", 0.9, 3.0)),
    (("It's", 0.3, 1.0), ("uh", 0.3, 1.2), ("Friday.", 0.6, 3.0)),
]


@pytest.mark.parametrize("dictation", DICTATIONS, ids=lambda dictation: dictation[0][0])
def test_dictation_is_one_turn(dictation: Any) -> None:
    line = Line()
    for text, seconds, pause in dictation:
        line.says(text, seconds, pause)
    (commit,) = line.of(Commit)
    assert isinstance(commit, Commit) and commit.text == " ".join(text for text, _, _ in dictation)


def test_answer_with_a_time_is_not_waited_on() -> None:
    line = Line()
    line.says("At 4:30 p.m.", 1.0, 1.0)
    ((at, commit),) = [(at, d) for at, d in line.decided if isinstance(d, Commit)]
    assert commit.text == "At 4:30 p.m." and at <= 1.5


def test_no_reply_is_begun_within_a_dictation() -> None:
    line = Line()
    line.says("four one five", 0.9, 1.1)
    line.says("five five five", 0.9, 1.1)
    assert not line.of(Speculate)


def test_monologue_is_answered_after_a_minute_and_goes_on_when_it_does() -> None:
    line = Line(user_turn_sec=60, eager=False)
    line.turns.voice_started(0.07, 0.0)
    for second in range(1, 90):
        line.wait(second - line.now)
        line._note(line.turns.final(f"word{second}", False, line.now))  # pyright: ignore[reportPrivateUsage]
    ((at, commit),) = [(at, d) for at, d in line.decided if isinstance(d, Commit)]
    assert at == pytest.approx(60.07, abs=0.01) and commit.text.endswith("word60")
    assert line.of(TakeFloor, Yield) == [TakeFloor(), Yield()]


def test_music_taken_for_a_voice_is_asked_about_and_then_left() -> None:
    line = Line(user_turn_sec=60, silence_sec=7)
    line.turns.voice_started(0.07, 0.0)
    line.wait(300)
    assert line.decided == [(60.07, Reprompt()), (67.07, GiveUp())]


def test_music_in_snatches_counts_as_no_answer() -> None:
    line = Line(silence_sec=7, user_turn_sec=60)
    for _ in range(30):
        line.turns.voice_started(line.now + 0.07, line.now)
        line.wait(2.0)
        line.turns.voice_stopped(line.now, line.now - 0.16)
        line.wait(4.0)
    waits = [(round(at), decision) for at, decision in line.decided if isinstance(decision, Reprompt | GiveUp)]
    assert waits == [(60, Reprompt()), (126, GiveUp())]


def test_music_over_our_speech_silences_us_for_a_while_only() -> None:
    line = Line(barge_in_ms=100)
    line.turns.agent_started(0.0)
    line.turns.voice_started(1.07, 1.0)
    line.wait(60)
    assert line.decided == [(1.1, TakeFloor()), (16.1, GiveBack())]


def test_being_put_on_hold_is_borne_and_asked_about_before_it_is_given_up() -> None:
    line = Line(silence_sec=7, hold_silence_sec=45, eager=False)
    line.says("Please hold the line.", 1.2, 0.6)
    line.turns.agent_finished(line.now)
    held_at = line.now
    line.wait(200)
    waits = [
        (round(at - held_at), decision) for at, decision in line.decided if isinstance(decision, Reprompt | GiveUp)
    ]
    assert waits == [(45, Reprompt()), (90, GiveUp())]
