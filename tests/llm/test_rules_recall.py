"""The brain remembers by reading its own lines again: each must be recognised for what it is."""

from __future__ import annotations

import datetime

import pytest

from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.clock import Clock
from patter_mcp.llm.rules.day import Day
from patter_mcp.llm.rules.goal import Goal, Slot
from patter_mcp.llm.rules.reading import goal_from
from patter_mcp.llm.rules.recall import Act, recall

TODAY = datetime.date(2026, 5, 6)
SLOTS = [
    Slot(Day("tomorrow", offset=1), Clock(16 * 60 + 30, sure=True)),
    Slot(Day("on Friday", weekdays=frozenset({4})), Clock(12 * 60, sure=True)),
    Slot(Day("on June fifth", month=6, number=5), Clock(9 * 60 + 5, sure=True)),
]
GOALS = [
    goal_from(text, TODAY)
    for text in (
        "Book a haircut for tomorrow at 3 pm, my name is Alex",
        "Reserve a table for four on Friday at 8 pm under the name Maria Lopez",
        "Move my appointment from Monday at 3 to Tuesday at 4 pm, name Kim",
        "Ask them to deliver the parcel on Friday",
    )
]


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.task)
@pytest.mark.parametrize("slot", SLOTS, ids=say.slot_words)
@pytest.mark.parametrize("phrase", [say.read_back, say.read_back_again, say.agree_and_check])
def test_what_was_read_back_is_read_again_to_the_minute(goal: Goal, slot: Slot, phrase: object) -> None:
    assert callable(phrase)
    said = recall(f"{say.accepts(slot)} {phrase(goal, slot)}", goal)
    assert said.pending is Act.READ_BACK
    assert said.slot.time == slot.time
    assert said.slot.day and slot.day
    assert not said.slot.day.clashes(slot.day, TODAY)


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.task)
def test_a_line_cut_before_its_question_asked_nothing(goal: Goal) -> None:
    whole = say.read_back(goal, SLOTS[0])
    assert recall(f"{whole[: len(whole) // 2]} —", goal).pending is None


@pytest.mark.parametrize(
    ("line", "act"),
    [
        (" ".join(say.request(GOALS[0])), Act.REQUESTED),
        (" ".join(say.request(GOALS[3])), Act.REQUESTED),
        (say.ask_instead(GOALS[0]), Act.ASKED_INSTEAD),
        (say.ask_time(SLOTS[0]), Act.ASKED_TIME),
        (say.ask_correct(), Act.ASKED_TIME),
        (say.declines(SLOTS[0]), Act.DECLINED),
        (say.ask_to_pass_on(goal_from("Tell Sam that dinner is at eight")), Act.ASKED_TO_PASS_ON),
        (say.OTHERS_HELP, Act.ASKED_FOR_HELP),
        (say.PLEASE_CHECK, Act.ASKED_TO_CHECK),
        (say.NO_PAYMENT, Act.REFUSED_PAYMENT),
        (say.correct_name(GOALS[0]), Act.CORRECTED),
        (say.NOT_KNOWN, Act.NOT_KNOWN),
        (say.give_phone(GOALS[0]), Act.NOT_KNOWN),
        (say.OFF_TASK, Act.OFF_TASK),
        (say.SURE, Act.WAITING),
        (say.TAKE_YOUR_TIME, Act.WAITING),
        (say.PROMPT, Act.PROMPTED),
        ("Hello, are you still there?", Act.PROMPTED),
        *((line, Act.MISSED) for line in say.MISSES),
        (" ".join(say.voicemail(GOALS[0])), Act.LEFT_MESSAGE),
        (" ".join(say.voicemail(goal_from("Tell Sam that dinner is at eight"))), Act.LEFT_MESSAGE),
        (say.THANKS_GOODBYE, Act.PARTED),
    ],
)
def test_every_line_is_recognised(line: str, act: Act) -> None:
    assert act in recall(line, GOALS[0]).acts


def test_an_answer_given_back_is_found_again() -> None:
    assert recall(say.read_answer("you close at nine"), GOALS[0]).answer == "you close at nine"


def test_a_first_message_of_the_caller_counts_as_the_request_when_it_names_the_errand() -> None:
    said = recall("Hi! Could I get a haircut for tomorrow at 3 pm, for Alex?", GOALS[0])
    assert Act.REQUESTED in said.acts
    assert Act.REQUESTED not in recall("Hello, this is an automated assistant calling.", GOALS[0]).acts
