"""A callee in virtual time: it takes its turns, answers what it is asked, and always comes to an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_phone import Phone, voice

from patter_mcp.audio.frame import duration_ms, silence
from patter_mcp.audio.tones import BeepDetector, dtmf
from patter_mcp.sandbox.callee import Spoken
from patter_mcp.sandbox.manners import STILL_THERE
from patter_mcp.sandbox.scenario_file import load_scenarios

DIALOGUE = """
    greeting = "Hello, the shop."
    closing = "Thanks and bye."
    [[step]]
    listen = true
    [[step]]
    say = "What day?"
    [[step]]
    listen = ["monday", "tuesday"]
    prompt = "Monday or Tuesday?"
    [[step]]
    say = "Good."
    [[reply]]
    when = ["how much"]
    say = "Ten dollars."
    times = 2
"""


def test_the_greeting_is_said_half_a_second_after_picking_up(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.until_said("Hello, the shop.")
    quiet = len(phone.sound) - len(phone.sound.lstrip(b"\xff"))
    assert 300 <= duration_ms(phone.sound[:quiet]) <= 620


def test_a_caller_who_speaks_first_takes_the_place_of_the_greeting(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.say("hello i have a question")
    phone.until_said("What day?")
    assert phone.said == ["What day?"]


def test_a_caller_whose_first_words_mean_nothing_is_greeted_after_all(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, 'greeting = "Hello, the shop."\n[[step]]\nlisten = ["monday"]\nprompt = "What day?"')
    phone.say("hello")
    phone.answer_each(["well", "monday", "great"])
    phone.until_ended()
    assert phone.said == ["Hello, the shop.", "What day?", "Okay. Bye."]


def test_the_script_is_followed_turn_by_turn_to_its_end(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["hello", "on monday", "great", "bye"])
    phone.until_ended()
    assert phone.said == ["Hello, the shop.", "What day?", "Good.", "Thanks and bye."]
    assert phone.callee.ended == "hung-up"
    assert phone.callee.heard == ["hello", "on monday", "great", "bye"]


def test_it_never_speaks_while_the_agent_does_or_in_a_pause_of_the_agents(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.say("a long", ms=4000)
    phone.play(silence(800))
    phone.play(voice(3000))
    while phone.agent_speaks:
        phone.run(20)
        assert not phone.callee_speaks
    phone.run(860)
    assert not phone.callee_speaks
    phone.run(80)
    assert phone.callee_speaks


def test_a_question_is_answered_wherever_the_script_stands_as_often_as_allowed(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["how much is it", "sorry how much", "how much", "how much on tuesday"])
    phone.until_said("Good.")
    assert phone.said == ["Hello, the shop.", "Ten dollars.", "Ten dollars.", "What day?", "Good."]


def test_what_does_not_fit_is_asked_for_again_then_taken(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["hello", "well", "hm"])
    phone.until_said("Good.")
    assert phone.said[-3:] == ["What day?", "Monday or Tuesday?", "Good."]


def test_asked_to_say_it_again_it_repeats_its_last_line(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["hello", "could you repeat that please", "tuesday"])
    phone.until_said("Good.")
    assert phone.said == ["Hello, the shop.", "What day?", "What day?", "Good."]


def test_asked_to_hold_on_it_waits_for_longer(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["hello", "one moment please"])
    phone.run(25_000)
    assert phone.said[-1] == "What day?"
    phone.say("monday")
    phone.until_said("Good.")


def test_into_silence_it_asks_twice_and_hangs_up(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.until_ended(60_000)
    assert phone.said == ["Hello, the shop.", STILL_THERE, STILL_THERE]


def test_a_goodbye_is_returned_and_ends_the_call(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["never mind thank you goodbye"])
    phone.until_ended(8000)
    assert phone.said == ["Hello, the shop.", "Bye."]


def test_a_question_in_its_last_moments_is_still_answered(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["hello", "monday", "fine", "and how much is it"])
    phone.until_said("Ten dollars.")
    assert phone.callee.ended is None
    phone.until_ended(10_000)


def test_a_goodbye_that_is_only_mentioned_ends_nothing(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.answer_each(["they said goodbye to me before i could ask you anything"])
    phone.until_said("What day?")


def test_what_the_agent_says_over_the_end_of_a_line_is_heard(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.run(1000)
    assert phone.callee_speaks
    phone.say("hello", ms=600)
    phone.until_said("What day?", within_ms=4000)
    assert phone.callee.heard == ["hello"]


def test_what_the_agent_says_over_the_beginning_of_a_line_is_not(tmp_path: Path) -> None:
    phone = Phone.of(
        tmp_path, DIALOGUE.replace("Hello, the shop.", "Hello, this is the shop you wanted to call, I think.")
    )
    phone.run(1000)
    phone.say("how much", ms=400)
    phone.run(4000)
    phone.say("on monday", ms=400)
    phone.until_said("What day?")
    assert phone.callee.heard == ["on monday"]


def test_after_a_silence_of_its_own_it_still_lets_the_agent_finish(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, '[[step]]\nsilence_sec = 2\n[[step]]\nsay = "There."')
    phone.play(voice(2400) + silence(700) + voice(1000))
    while phone.agent_speaks:
        phone.run(20)
        assert not phone.callee_speaks
    phone.until_said("There.", within_ms=3000)


def test_a_click_or_a_breath_is_no_utterance(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.until_said("Hello, the shop.")
    for ms in (20, 40, 100):
        phone.play(voice(ms) + silence(1500))
    phone.run(4800)
    assert phone.said == ["Hello, the shop."]


def test_spoken_over_it_stops_listens_and_begins_again(tmp_path: Path) -> None:
    text = """
        greeting = "Hello."
        [[step]]
        listen = true
        [[step]]
        say = "A line that is a bit longer than others are, it is."
    """
    phone = Phone.of(tmp_path, text)
    phone.answer_each(["hello"])
    phone.run(2500)
    assert phone.callee_speaks
    phone.say("wait", ms=2000)
    phone.run(1400)
    assert not phone.callee_speaks
    phone.until_said("A line that is a bit longer than others are, it is.")
    assert phone.callee.heard == ["hello", "wait"]


def test_a_backchannel_does_not_stop_it(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, 'greeting = "A greeting of some length, as they go, is this."')
    phone.run(1000)
    phone.say("mhm", ms=400)
    phone.run(3000)
    assert max(phone.lines.values(), key=len) in phone.sound


def test_an_interrupter_speaks_into_the_agents_speech(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, '[[step]]\nsay = "Wait. Who is this?"\ninterrupt_after_ms = 1500')
    phone.say("hello this is a long introduction", ms=6000)
    phone.run(1400)
    assert not phone.callee_speaks
    phone.run(200)
    assert phone.callee_speaks
    assert phone.agent_speaks


@pytest.mark.parametrize("spoken_ms", [0, 800])
def test_an_interrupter_with_nothing_to_interrupt_speaks_all_the_same(tmp_path: Path, spoken_ms: int) -> None:
    phone = Phone.of(tmp_path, '[[step]]\nsay = "Who is this?"\ninterrupt_after_ms = 1500')
    phone.say("hi", ms=spoken_ms)
    phone.until_said("Who is this?", within_ms=15_000)


MENU = """
    callee = "machine"
    [[step]]
    say = "Dial one, or four two."
    [[step]]
    expect_digits = { "1" = "one", "42" = "two" }
    wait_sec = 5
    [[scene.one]]
    say = "One it is."
    [[scene.two]]
    say = "Two it is."
"""


@pytest.mark.parametrize(("keys", "answer"), [("1", "One it is."), ("42", "Two it is.")])
@pytest.mark.parametrize("in_band", [True, False])
def test_keys_lead_on_whether_heard_as_tones_or_told_by_the_network(
    tmp_path: Path, keys: str, answer: str, in_band: bool
) -> None:
    phone = Phone.of(tmp_path, MENU)
    phone.until_said("Dial one, or four two.")
    if in_band:
        phone.play(dtmf(keys))
    else:
        for key in keys:
            phone.callee.digit(key)
    phone.until_said(answer, within_ms=3000)
    phone.until_ended(1000)


def test_a_key_cuts_a_machine_short(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, MENU)
    phone.run(700)
    assert phone.callee_speaks
    phone.play(dtmf("1"))
    phone.until_said("One it is.", within_ms=1500)
    assert phone.lines[Spoken("Dial one, or four two.", "en-us")] not in phone.sound


@pytest.mark.parametrize("keys", ["", "9", "41"])
def test_a_menu_is_repeated_twice_for_wrong_keys_or_none_then_it_hangs_up(tmp_path: Path, keys: str) -> None:
    phone = Phone.of(tmp_path, MENU)
    for _ in range(3):
        phone.until_said("Dial one, or four two.")
        phone.play(dtmf(keys))
    phone.until_ended(10_000)
    assert phone.said == ["Dial one, or four two."] * 3


def test_wrong_and_missing_keys_can_have_scenes(tmp_path: Path) -> None:
    scenes = 'wrong = "bad"\nnothing = "none"\n[[scene.bad]]\nsay = "Bad."\n[[scene.none]]\nsay = "None."\n'
    text = f'callee = "machine"\n[[step]]\nexpect_digits = {{ "1" = "bad" }}\n{scenes}'
    silent, wrong = Phone.of(tmp_path, text), Phone.of(tmp_path, text)
    silent.until_said("None.")
    wrong.callee.digit("7")
    wrong.until_said("Bad.", within_ms=3000)


def test_keys_heard_as_tones_are_not_taken_for_speech(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, DIALOGUE)
    phone.until_said("Hello, the shop.")
    phone.play(dtmf("123456789"))
    phone.run(6000)
    assert phone.said == ["Hello, the shop."]
    assert phone.callee.heard == []


def test_a_machine_recites_while_the_caller_speaks_then_beeps_and_records(tmp_path: Path) -> None:
    text = """
        callee = "machine"
        greeting = "Leave a message."
        [[step]]
        beep = true
        [[step]]
        listen = true
        quiet_ms = 3000
        max_wait_sec = 6
    """
    phone = Phone.of(tmp_path, text)
    phone.say("hello", ms=2000)
    phone.until_said("Leave a message.", within_ms=2000)
    phone.run(600)
    beeps = [beep for beep in [BeepDetector().feed(bytes(phone.sound))] if beep]
    assert [round(beep.frequency_hz, -1) for beep in beeps] == [1000]
    phone.say("please call back", ms=3000)
    phone.run(5500)
    assert phone.callee.ended is None
    phone.run(1000)
    assert phone.callee.ended == "hung-up"
    assert phone.said == ["Leave a message."]


def test_a_line_can_break_off_and_the_line_drop(tmp_path: Path) -> None:
    phone = Phone.of(
        tmp_path, '[[step]]\nsay = "Let me tell you all about it."\ncut_after_ms = 500\n[[step]]\ndrop = true'
    )
    phone.until_ended(3000)
    assert phone.callee.ended == "dropped"
    assert duration_ms(phone.sound.strip(b"\xff")) == 500


def test_keys_the_callee_presses_are_handed_to_the_network(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, '[[step]]\npress_keys = "12#"\n[[step]]\nhang_up = true')
    phone.until_ended(10_000)
    assert list(phone.callee.pressed) == ["1", "2", "#"]


def test_somebody_else_comes_on_the_line(tmp_path: Path) -> None:
    text = """
        callee = "machine"
        [[step]]
        say = "Connecting."
        [[step]]
        hand_over = "person"
        voice = "en-us+f2"
        [[step]]
        say = "Desk, hello."
    """
    phone = Phone.of(tmp_path, text)
    phone.answer_each(["", ""])
    phone.run(2000)
    phone.until_ended(60_000)
    assert phone.said[:2] == ["Connecting.", "Desk, hello."]
    assert phone.lines[Spoken("Desk, hello.", "en-us+f2")][:1] * 160 in phone.sound


def test_silence_can_lead_to_a_scene(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, '[[step]]\nlisten = true\nif_silent = "gone"\n[[scene.gone]]\nsay = "Nobody there."')
    phone.until_said("Nobody there.", within_ms=15_000)


def test_a_reply_can_lead_to_a_scene_or_hang_up_and_depend_on_where_we_are(tmp_path: Path) -> None:
    text = """
        greeting = "Hello."
        [[step]]
        listen = ["never"]
        tries = 5
        prompt = "Hm?"
        [[reply]]
        when = ["no"]
        unless = ["no problem"]
        goto = "refused"
        [[reply]]
        in = ["refused"]
        when = ["why"]
        say = "Because."
        hang_up = true
        [[scene.refused]]
        say = "Refused."
        [[scene.refused]]
        listen = ["never"]
    """
    phone = Phone.of(tmp_path, text)
    phone.answer_each(["why", "no problem", "no way", "why"])
    phone.until_ended(15_000)
    assert phone.said == ["Hello.", "Hm?", "Hm?", "Refused.", "Because."]


def test_scenes_in_a_ring_end_with_the_overall_limit(tmp_path: Path) -> None:
    text = 'hang_up_after_sec = 5\n[[step]]\ngoto = "a"\n[[scene.a]]\ngoto = "b"\n[[scene.b]]\ngoto = "a"'
    phone = Phone.of(tmp_path, text)
    phone.until_ended(6000)
    assert phone.now_ms == pytest.approx(5000, abs=40)


def test_an_agent_that_never_stops_talking_is_hung_up_on_at_the_limit(tmp_path: Path) -> None:
    phone = Phone.of(tmp_path, "hang_up_after_sec = 20\n" + DIALOGUE.replace("\n    ", "\n"))
    phone.play(voice(60_000))
    phone.until_ended(21_000)


SCENARIOS = [scenario for scenario in load_scenarios().values() if scenario.answer == "answers"]
UTTERANCES = st.sampled_from(
    [
        "", "hello", "yes", "no thank you", "tomorrow at four", "could you repeat that", "one moment please", "goodbye",
        "is that right", "my name is alex", "how much is it", "a table for two", "are you there", "at five",
    ]
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(SCENARIOS),
    st.lists(st.tuples(st.integers(0, 12_000), UTTERANCES, st.integers(0, 4000)), max_size=12),
)
def test_whatever_the_agent_does_every_built_in_scenario_ends(
    scenario: object, doings: list[tuple[int, str, int]]
) -> None:
    phone = Phone(next(known for known in SCENARIOS if known is scenario))
    for wait_ms, words, ms in doings:
        phone.run(wait_ms)
        phone.say(words, ms)
    phone.until_ended(240_000)
