"""How the brain reads the caller's goal."""

from __future__ import annotations

import datetime

import pytest

from patter_mcp.llm.rules.clock import Clock
from patter_mcp.llm.rules.day import Day
from patter_mcp.llm.rules.goal import Goal, Kind, Slot
from patter_mcp.llm.rules.reading import goal_from, read_goal

WEDNESDAY = datetime.date(2026, 5, 6)


def goal(text: str) -> Goal:
    return goal_from(text, WEDNESDAY)


def at(hour: int, minute: int = 0) -> Clock:
    return Clock(hour * 60 + minute, sure=True)


@pytest.mark.parametrize(
    ("text", "kind", "task"),
    [
        ("Book a haircut for tomorrow at 3 pm, my name is Alex", Kind.BOOK, "a haircut"),
        ("Reserve a table for four on Friday at 8 pm under the name Maria Lopez", Kind.BOOK, "a table"),
        (
            "Call the salon and make an appointment for a manicure on Monday.",
            Kind.BOOK,
            "an appointment for a manicure",
        ),
        ("Make a reservation at Luigi's for 6 on Saturday at 7pm", Kind.BOOK, "a reservation"),
        ("I need a plumber tomorrow morning", Kind.BOOK, "a plumber"),
        ("Schedule an oil change for my Honda Civic on Thursday", Kind.BOOK, "an oil change for our Honda Civic"),
        ("Order a bouquet of roses for Saturday", Kind.BOOK, "a bouquet of roses"),
        ("Book a room for two nights from Friday under Chen", Kind.BOOK, "a room for two nights"),
        ("Cancel my appointment on Monday", Kind.CANCEL, "our appointment on Monday"),
        ("Move my appointment from Monday at 3 to Tuesday at 4 pm", Kind.MOVE, "our appointment on Monday at 3"),
        ("Renew my gym membership", Kind.DO, "renew our gym membership"),
        ("Ask them to hold two tickets for me under Kim", Kind.DO, "hold two tickets"),
        ("Ask what time they close today", Kind.ASK, "what time they close today"),
        ("Check if the library has the book Dune", Kind.ASK, "if the library has the book Dune"),
        ("What time do they open on Sunday?", Kind.ASK, "What time do they open on Sunday?"),
        ("Tell Sam that dinner is moved to eight", Kind.TELL, "dinner is moved to eight"),
        ("Let the school know that Tim is sick today.", Kind.TELL, "Tim is sick today"),
        ("Remind Lee to bring the keys", Kind.TELL, "please remember to bring the keys"),
        ("Be nice to them", Kind.NONE, "Be nice to them"),
    ],
)
def test_what_is_wanted(text: str, kind: Kind, task: str) -> None:
    read = goal(text)
    assert (read.kind, read.task) == (kind, task)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Book a haircut, my name is Alex", "Alex"),
        ("book a haircut tomorrow at 3pm my name is alex", "Alex"),
        ("Reserve a table under the name Maria Lopez on Friday", "Maria Lopez"),
        ("Book a cleaning for John Smith on Friday", "John Smith"),
        ("Book a table for Friday", ""),
        ("You are calling on behalf of Jane de Vries.", "Jane de Vries"),
        ("Book a check-up for my son Leo next Wednesday", "Leo"),
        ("Book a table for two tomorrow, Bella", "Bella"),
    ],
)
def test_for_whom(text: str, name: str) -> None:
    assert goal(text).name == name


def test_day_time_and_party() -> None:
    read = goal("Reserve a table for four on Friday at 8 under Kim")
    assert read.party == 4
    assert read.time == at(20)
    assert [day.spoken for day in read.days] == ["on Friday"]


def test_phone_number_and_other_facts() -> None:
    read = goal("Refill my prescription, number RX4417, for Jane Doe, born March 3 1980. Her phone is 555-014-2266.")
    assert read.phone == "5550142266"
    assert read.fact(["prescription", "number"]) == "prescription number is RX4417"
    assert "March 3 1980" in read.fact(["birth"])
    assert not read.days


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reserve a table for two on Sunday at eleven", at(11)),
        ("Reserve a table for two on Sunday at ten", at(22)),
        ("Book two seats for the concert tonight. It should be at eleven", at(23)),
        ("Book an appointment with the doctor on Monday at seven", at(7)),
        ("Book a haircut on Monday at seven", at(19)),
        ("Book a massage on Sunday at eleven", at(11)),
        ("Book a table on Sunday, breakfast at eight", at(8)),
    ],
)
def test_a_bare_hour_is_the_usual_one_for_such_an_errand(text: str, expected: Clock) -> None:
    assert goal(text).time == expected


@pytest.mark.parametrize(
    ("text", "fitting", "unfitting"),
    [
        ("Book a haircut tomorrow at 3 pm", [at(9), at(16, 30)], []),
        ("Book a haircut tomorrow at 3 pm, no other time", [at(15)], [at(16), at(14, 30)]),
        ("Book a haircut tomorrow at exactly 3 pm. Do not accept any other time.", [at(15)], [at(16)]),
        ("Book a haircut tomorrow between 3 and 5 pm", [at(15), at(17)], [at(14, 59), at(17, 1)]),
        ("Book a haircut tomorrow after 4", [at(16, 15)], [at(15)]),
        ("Reserve a table tomorrow between 7 and 11", [at(19), at(22)], [at(18), at(11)]),
        ("Book a haircut tomorrow, no later than 11 am", [at(10)], [at(12)]),
        ("Book a haircut tomorrow in the afternoon", [at(15)], [at(10)]),
        ("Book a haircut tomorrow in the afternoon, preferably at 3", [at(15), at(16)], [at(10)]),
        ("Book a haircut tomorrow at 10am, flexible, any time before noon", [at(9)], [at(13)]),
        ("Reserve a table on Friday at 8 pm. If 8 is not available, 7 or 9 is fine.", [at(19), at(21)], [at(18)]),
        ("Book a haircut tomorrow around 3 pm", [at(16, 30)], [at(18)]),
    ],
)
def test_which_times_will_do(text: str, fitting: list[Clock], unfitting: list[Clock]) -> None:
    read = goal(text)
    assert all(read.time_fits(time) for time in fitting)
    assert not any(read.time_fits(time) for time in unfitting)


@pytest.mark.parametrize(
    ("text", "fitting", "unfitting"),
    [
        ("Book a haircut tomorrow", ["thursday", "tomorrow"], ["friday", "thursday next week"]),
        ("Book a massage on Monday or Tuesday", ["monday", "tuesday"], ["wednesday"]),
        ("Book a massage on Monday. If Monday is full, Thursday works.", ["thursday"], ["friday"]),
        ("Book a massage as soon as possible", ["friday", "next monday"], []),
        ("Book a massage any day next week but not on Friday", ["next tuesday"], ["friday"]),
        ("Book a massage next Monday", ["monday"], ["tuesday"]),
    ],
)
def test_which_days_will_do(text: str, fitting: list[str], unfitting: list[str]) -> None:
    read = goal(text)

    def fits(spoken: str) -> bool:
        return read.day_fits(_day(spoken))

    assert all(fits(day) for day in fitting)
    assert not any(fits(day) for day in unfitting)


def _day(spoken: str) -> Day:
    read = goal(f"Book a cut {spoken}")
    assert read.days
    return read.days[0]


def test_several_questions_are_kept_apart() -> None:
    read = goal("Ask whether they have the lamp in stock and how much it costs. My name is Bo.")
    assert read.questions == ("whether they have the lamp in stock", "how much it costs")


def test_a_message_may_bring_a_question() -> None:
    read = goal("Tell Maria that her delivery comes tomorrow at three, and make sure that somebody is at home then.")
    assert read.task == "her delivery comes tomorrow at three"
    assert read.questions == ("if somebody is at home then",)


def test_the_goal_stands_between_its_label_and_the_date() -> None:
    read = read_goal("Be kind.\n\nGoal: Book a haircut\nfor tomorrow at 3 pm\n\nToday is Wednesday, 2026-05-06.")
    assert read.text == "Book a haircut\nfor tomorrow at 3 pm"
    assert read.today == WEDNESDAY
    assert read.wanted == Slot(Day("tomorrow", offset=1), at(15))


def test_instructions_without_a_goal_are_not_read_out() -> None:
    assert read_goal("You are a very polite assistant. Never shout.").text == ""


def test_a_limit_beside_a_part_of_the_day_narrows_it() -> None:
    (window,) = goal("Book a haircut for Judy on Friday afternoon, after three o'clock.").windows
    assert (window.start, window.end) == (15 * 60, 18 * 60)


def test_a_limit_for_another_day_leaves_the_first_as_it_was() -> None:
    windows = goal("Book a haircut Friday afternoon, otherwise Saturday after 5 pm").windows
    assert [window.start for window in windows] == [12 * 60, 17 * 60]


def test_whom_it_is_for_is_not_where_it_is_moved_to() -> None:
    moved = goal("Move the reservation for Parker from Friday to Saturday, at the same time.")
    assert moved.wanted.day is not None and moved.former.day is not None
    assert (moved.former.day.spoken, moved.wanted.day.spoken) == ("on Friday", "on Saturday")
