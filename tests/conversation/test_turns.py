"""The turn-taker alone: events in, decisions out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.config import TurnSettings
from patter_mcp.conversation.turns import (
    Commit,
    Decisions,
    Drop,
    Finalize,
    GiveBack,
    GiveUp,
    Hurry,
    Leave,
    Reprompt,
    Speculate,
    TakeFloor,
    TurnTaker,
    Yield,
)

SETTINGS = TurnSettings()


def taker(signal: Any = "silence", **changes: Any) -> TurnTaker:
    return TurnTaker(TurnSettings(**changes), signal, 0.0)


def ticks(turns: TurnTaker, until: float) -> list[tuple[float, Decisions]]:
    """Every decision that falls due until then, with its instant."""
    found: list[tuple[float, Decisions]] = []
    while (at := turns.next_deadline) is not None and at <= until:
        found.append((round(at, 3), turns.tick(at)))
    return found


def test_vendors_signal_ends_the_turn_at_once() -> None:
    turns = taker(eager=False)
    turns.voice_started(1.0, 0.95)
    turns.voice_stopped(2.2, 2.0)
    assert turns.final("At three please.", True, 2.3) == [Commit("At three please.", False)]


def test_segments_settled_before_the_signal_belong_to_the_turn() -> None:
    turns = taker(eager=False)
    turns.final("I would like", False, 1.0)
    turns.final("a table", False, 2.0)
    assert turns.final("for two.", True, 3.0) == [Commit("I would like a table for two.", False)]


def test_signal_while_the_voice_goes_on_is_not_believed_until_it_stops() -> None:
    turns = taker(eager=False)
    turns.voice_started(1.0, 0.95)
    assert turns.final("Well.", True, 1.5) == []
    assert turns.voice_stopped(2.0, 1.8) == [Commit("Well.", False)]


def test_unfinished_sentence_is_waited_for() -> None:
    turns = taker(eager=False)
    turns.voice_started(1.0, 0.95)
    turns.voice_stopped(2.2, 2.0)
    assert turns.final("It is on Friday and", True, 2.3) == []
    assert ticks(turns, 4.0)[-1] == (3.5, [Commit("It is on Friday and", False)])


def test_unfinished_sentence_is_waited_for_in_the_language_of_the_call() -> None:
    turns = TurnTaker(TurnSettings(eager=False), "silence", 0.0, "de-AT")
    turns.voice_started(1.0, 0.95)
    turns.voice_stopped(2.2, 2.0)
    assert turns.final("Am Freitag oder", True, 2.3) == []
    assert ticks(turns, 4.0)[-1] == (3.5, [Commit("Am Freitag oder", False)])


def test_dictated_digits_are_not_cut_off() -> None:
    turns = taker(eager=False)
    assert turns.final("five five five", True, 1.0) == []
    assert turns.final("zero one two three four five six", True, 2.0) == [
        Commit("five five five zero one two three four five six", False)
    ]


def test_semantic_signal_is_final_even_when_it_sounds_unfinished() -> None:
    turns = taker("semantic", eager=False)
    assert turns.final("and", True, 1.0) == [Commit("and", False)]


def test_silence_ends_a_turn_the_vendor_never_ends() -> None:
    turns = taker(eager=False)
    turns.voice_started(1.0, 0.95)
    turns.interim("Hello there", 1.5)
    turns.voice_stopped(2.2, 2.0)
    assert [Commit("Hello there", False)] in [decisions for _, decisions in ticks(turns, 3.3)]


def test_recogniser_is_asked_to_settle_after_a_pause() -> None:
    turns = taker("none", eager=False)
    turns.voice_started(1.0, 0.95)
    turns.voice_stopped(2.1, 2.0)
    assert ticks(turns, 2.3) == [(2.25, [Finalize()])]
    turns.final("yes please", False, 2.26)
    assert ticks(turns, 2.6) == [(2.5, [Commit("yes please", False)])]


def test_reply_is_begun_at_the_pause_and_released_by_the_same_words() -> None:
    turns = taker()
    turns.voice_started(1.0, 0.95)
    turns.interim("at three please", 1.9)
    assert turns.voice_paused(2.0) == [Speculate("at three please")]
    turns.voice_stopped(2.2, 2.0)
    assert turns.final("At three, please.", True, 2.3) == [Commit("At three, please.", True)]


def test_reply_begun_on_other_words_is_dropped() -> None:
    turns = taker()
    turns.voice_started(1.0, 0.95)
    turns.interim("at three", 1.9)
    assert turns.voice_paused(2.0) == [Speculate("at three")]
    turns.voice_stopped(2.2, 2.0)
    decisions = turns.final("At three or four.", True, 2.3)
    assert decisions[0] == Drop()
    assert decisions[-1] == Commit("At three or four.", True)


def test_no_more_replies_are_begun_than_the_limit() -> None:
    turns = taker(speculations_per_turn=2)
    begun = 0
    for index in range(6):
        begun += turns.interim(f"word{index} said", float(index)).count(Speculate(f"word{index} said"))
    assert begun == 2


def test_speech_over_ours_takes_the_floor_after_the_confirmation_time() -> None:
    turns = taker(barge_in_ms=160)
    turns.agent_started(0.0)
    assert turns.voice_started(1.07, 1.0) == []
    assert ticks(turns, 2.0)[0] == (1.16, [TakeFloor()])


def test_sound_that_has_paused_does_not_take_the_floor_unless_it_goes_on() -> None:
    turns = taker(barge_in_ms=160)
    turns.agent_started(0.0)
    turns.voice_started(1.07, 1.0)
    turns.voice_paused(1.12)
    assert ticks(turns, 1.3) == []
    assert turns.voice_started(1.3, 1.0) == [TakeFloor()]


def test_faint_voice_takes_the_floor_by_its_words_only() -> None:
    turns = taker()
    turns.agent_started(0.0)
    assert turns.voice_started(1.07, 1.0, faint=True) == []
    assert not any(TakeFloor() in decisions for _, decisions in ticks(turns, 5.0))
    assert turns.interim("excuse me", 5.0) == [TakeFloor(), Yield()]


def test_voice_that_turns_out_not_to_be_faint_takes_the_floor() -> None:
    turns = taker(barge_in_ms=160)
    turns.agent_started(0.0)
    turns.voice_started(1.07, 1.0, faint=True)
    assert turns.voice_started(1.2, 1.0) == [TakeFloor()]


def cough(turns: TurnTaker, at: float, seconds: float) -> list[tuple[float, Decisions]]:
    """A sound without words, and what comes of it within 3 s, in seconds after its beginning."""
    end = at + seconds
    found = [(at + 0.07, turns.voice_started(at + 0.07, at)), *ticks(turns, end)]
    turns.voice_paused(end)
    found += [*ticks(turns, end + 0.16), (end + 0.16, turns.voice_stopped(end + 0.16, end)), *ticks(turns, at + 3.0)]
    wanted = (TakeFloor(), GiveBack())
    return [(round(when - at, 2), decisions) for when, decisions in found if any(d in wanted for d in decisions)]


def test_each_false_stop_makes_the_next_less_likely_until_one_is_meant() -> None:
    turns = taker(barge_in_ms=100, verdict_ms=600)
    turns.agent_started(0.0)
    assert cough(turns, 1.0, 0.3) == [(0.1, [TakeFloor()]), (0.9, [GiveBack()])]
    assert cough(turns, 5.0, 0.3) == []
    assert cough(turns, 9.0, 0.7) == [(0.5, [TakeFloor()]), (1.3, [GiveBack()])]
    assert cough(turns, 13.0, 2.0) == []
    assert turns.interim("wait please", 17.0)[:2] == [TakeFloor(), Yield()]
    turns.agent_started(18.0)
    assert cough(turns, 19.0, 0.3)[0] == (0.1, [TakeFloor()])


def test_caution_fades_from_reply_to_reply() -> None:
    turns = taker(barge_in_ms=100, verdict_ms=600, eager=False)
    turns.agent_started(0.0)
    cough(turns, 1.0, 0.3)
    turns.agent_finished(5.0)
    assert turns.final("And then?", True, 6.0) == [Commit("And then?", False)]
    assert cough(turns, 7.0, 0.3)[0] == (0.1, [TakeFloor()])


def test_floor_is_given_back_as_soon_as_words_would_have_come() -> None:
    turns = taker(barge_in_ms=100, verdict_ms=1500, eager=False)
    turns.voice_started(1.07, 1.0)
    turns.voice_stopped(2.16, 2.0)
    assert turns.final("Barber shop, hello.", True, 2.4) == [Commit("Barber shop, hello.", False)]
    assert cough(turns, 3.0, 0.3) == [(0.1, [TakeFloor()]), (0.8, [GiveBack()])]


def test_recognised_backchannel_is_not_waited_on_for_more() -> None:
    turns = taker(barge_in_ms=100)
    turns.agent_started(0.0)
    turns.voice_started(1.07, 1.0)
    turns.tick(1.1)
    turns.interim("yeah", 1.3)
    turns.voice_stopped(1.46, 1.3)
    assert ticks(turns, 3.0)[-1] == (1.55, [GiveBack()])


def test_words_make_the_interruption_final() -> None:
    turns = taker()
    turns.agent_started(0.0)
    turns.voice_started(1.07, 1.0)
    turns.tick(1.2)
    assert turns.interim("no wait", 1.5) == [Yield()]
    turns.voice_stopped(1.9, 1.7)
    assert turns.final("No, wait.", True, 2.0)[-1] == Commit("No, wait.", True)


def test_yes_ends_what_heeds_all() -> None:
    turns = taker()
    turns.agent_started(0.0, heeds_all=True)
    turns.voice_started(1.07, 1.0)
    turns.tick(1.2)
    assert turns.interim("yes", 1.5) == [Yield()]
    turns.voice_stopped(1.9, 1.7)
    assert turns.final("Yes.", True, 2.0)[-1] == Commit("Yes.", True)


def test_end_of_turn_told_after_the_user_has_gone_on_is_not_one() -> None:
    turns = taker(signal="silence")
    turns.voice_started(1.07, 1.0)
    turns.voice_stopped(1.56, 1.4)
    turns.voice_started(1.8, 1.73)
    assert turns.final("A table", True, 1.9) == []
    assert all(not isinstance(decision, Commit) for decision in turns.voice_stopped(2.6, 2.44))


def test_end_of_turn_told_where_only_our_detector_hears_a_voice_counts() -> None:
    turns = taker(signal="silence")
    turns.voice_started(1.07, 1.0)
    turns.final("A table for two.", True, 3.0)
    assert Commit("A table for two.", True) in turns.voice_stopped(4.0, 3.9)


def test_backchannel_gives_the_floor_back() -> None:
    turns = taker()
    turns.agent_started(0.0)
    turns.voice_started(1.07, 1.0)
    turns.tick(1.2)
    turns.voice_stopped(1.5, 1.3)
    assert turns.final("mm-hm", True, 1.6) == [GiveBack()]


def test_noise_without_words_gives_the_floor_back_in_the_end() -> None:
    turns = taker()
    turns.agent_started(0.0)
    turns.voice_started(1.07, 1.0)
    turns.tick(1.2)
    turns.voice_stopped(1.5, 1.3)
    assert GiveBack() in [d for _, decisions in ticks(turns, 3.5) for d in decisions]


def test_backchannel_without_speech_detected_is_ignored() -> None:
    turns = taker()
    turns.agent_started(0.0)
    assert turns.final("okay", True, 1.0) == []


def test_yes_at_the_very_end_of_our_question_is_the_answer() -> None:
    turns = taker(eager=False)
    turns.agent_started(0.0)
    assert turns.final("Yes.", True, 2.6) == []
    turns.agent_finished(3.0)
    assert ticks(turns, 3.1) == [(3.0, [Commit("Yes.", False)])]


def test_yes_in_the_middle_of_our_speech_is_no_answer() -> None:
    turns = taker(eager=False)
    turns.agent_started(0.0)
    turns.final("Yes.", True, 1.0)
    turns.agent_finished(3.0)
    assert ticks(turns, 9.0) == []


def test_silence_is_asked_about_once() -> None:
    turns = taker(silence_sec=7)
    assert ticks(turns, 20.0) == [(7.0, [Reprompt()]), (14.0, [GiveUp()])]


def test_speech_without_words_restarts_the_wait_for_words() -> None:
    turns = taker(silence_sec=7)
    turns.voice_started(6.0, 5.9)
    turns.voice_stopped(6.4, 6.2)
    due = [at for at, decisions in ticks(turns, 20.0) if decisions == [Reprompt()]]
    assert due and due[0] > 12.0


events = st.one_of(
    st.tuples(st.just("voice_started"), st.sampled_from(["", "faint"])),
    st.tuples(st.just("voice_paused"), st.just("")),
    st.tuples(st.just("voice_stopped"), st.just("")),
    st.tuples(st.just("interim"), st.sampled_from(["yes", "mm-hm", "at three please", "and", ""])),
    st.tuples(st.just("final"), st.sampled_from(["yes", "mm-hm", "at three please", "and", ""])),
    st.tuples(st.just("eot"), st.sampled_from(["yes", "at three please", ""])),
    st.tuples(st.just("eager_end"), st.sampled_from(["yes", "at three please"])),
    st.tuples(st.just("resumed"), st.just("")),
    st.tuples(st.just("agent_finished"), st.just("")),
    st.tuples(st.just("wait"), st.just("")),
)


@dataclass
class Floor:
    """What any user of the turn-taker may rely on."""

    signal: str
    begun: bool = False
    active: bool = False
    cut: bool = False

    def check(self, decisions: Decisions) -> None:
        for decision in decisions:
            match decision:
                case Speculate(text=words):
                    assert words and not self.begun and not self.active
                    self.begun = True
                case Drop():
                    assert self.begun
                    self.begun = False
                case Commit(text=words, speculated=speculated):
                    assert words.strip() and not self.active
                    assert not speculated or self.begun
                    self.begun, self.active, self.cut = False, True, False
                case TakeFloor():
                    assert self.active and not self.cut
                    self.cut = True
                case GiveBack():
                    assert self.active and self.cut
                    self.cut = False
                case Yield():
                    assert self.active
                    self.active = self.cut = False
                case Reprompt() | GiveUp() | Leave():
                    assert not self.active
                case Hurry():
                    raise AssertionError
                case Finalize():
                    assert self.signal != "semantic"


@given(
    st.lists(st.tuples(events, st.integers(0, 900)), max_size=40),
    st.sampled_from(["none", "silence", "semantic"]),
)
@settings(max_examples=300, deadline=None)
def test_decisions_make_sense_in_any_order_of_events(script: list[Any], signal: Any) -> None:
    turns = taker(signal)
    now, floor = 0.0, Floor(signal)
    for (kind, text), delay_ms in script:
        target = now + delay_ms / 1000
        while (due := turns.next_deadline) is not None and due <= target:
            now = max(now, due)
            floor.check(turns.tick(now))
        now = target
        if kind == "agent_finished":
            turns.agent_finished(now)
            floor.active = floor.cut = False
        elif kind == "voice_started":
            floor.check(turns.voice_started(now, now - 0.06, faint=text == "faint"))
        elif kind == "voice_paused":
            floor.check(turns.voice_paused(now))
        elif kind == "voice_stopped":
            floor.check(turns.voice_stopped(now, now - 0.16))
        elif kind == "final":
            floor.check(turns.final(text, False, now))
        elif kind == "eot":
            floor.check(turns.final(text, True, now))
        elif kind == "interim":
            floor.check(turns.interim(text, now))
        elif kind == "eager_end":
            floor.check(turns.eager_end(text, now))
        elif kind == "resumed":
            floor.check(turns.resumed(now))
