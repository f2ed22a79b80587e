"""How the brain reads single turns: phrases as people say them and as a recogniser writes them."""

from __future__ import annotations

import pytest

from patter_mcp.llm.rules.clock import find_times
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.day import find_days
from patter_mcp.llm.rules.understand import understand
from patter_mcp.llm.rules.words import words_of


def times(text: str) -> list[str]:
    return [mention.clock.written for mention in find_times(words_of(text))]


def offered(text: str) -> list[str]:
    return [offer.time.written for offer in understand(text).offers if offer.time]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("four thirty", ["4:30"]),
        ("half past four", ["4:30"]),
        ("half four", ["4:30"]),
        ("quarter to five", ["4:45"]),
        ("twenty past six", ["6:20"]),
        ("ten to nine", ["8:50"]),
        ("four oh five", ["4:05"]),
        ("at noon", ["12:00 pm"]),
        ("three p m", ["3:00 pm"]),
        ("3 p.m.", ["3:00 pm"]),
        ("8:30am", ["8:30 am"]),
        ("16:30", ["4:30 pm"]),
        ("eight in the evening", ["8:00 pm"]),
        ("nine fifteen in the evening", ["9:15 pm"]),
        ("nine tonight", ["9:00 pm"]),
        ("how about for thirty", ["4:30"]),
        ("at to p m", ["2:00 pm"]),
        ("ate o'clock", ["8:00"]),
        ("won thirty works", ["1:30"]),
        ("between three and five pm", ["3:00 pm", "5:00 pm"]),
        ("we have four or five", ["4:00", "5:00"]),
        ("a table for four at eight", ["8:00"]),
        ("five people at seven", ["7:00"]),
        ("one moment please", []),
        ("for thirty people", []),
        ("that one is nine hundred dollars", []),
        ("call five five five zero one two three", []),
        ("press two for billing", []),
        ("five oak street", []),
        ("in two hours", []),
        ("what can i do four you", []),
    ],
)
def test_times_are_found_and_other_numbers_are_not(text: str, expected: list[str]) -> None:
    assert times(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", ["tomorrow"]),
        ("the day after tomorrow", ["the day after tomorrow"]),
        ("on friday or saturday", ["on Friday", "on Saturday"]),
        ("next tuesday", ["next Tuesday"]),
        ("thursday the fifth of june", ["on Thursday June fifth"]),
        ("June 23rd", ["on June twenty third"]),
        ("2026-05-03", ["on May third"]),
        ("this weekend", ["this weekend"]),
        ("you may have it", []),
        ("one second", []),
    ],
)
def test_days_are_found(text: str, expected: list[str]) -> None:
    assert [mention.day.spoken for mention in find_days(words_of(text))] == expected


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("fully booked at three how about four thirty", "4:30"),
        ("three is taken four is free", "4:00"),
        ("i can't do three but i have four", "4:00"),
        ("at three pm there is nothing but four pm works", "4:00 pm"),
        ("not at three only at four", "4:00"),
        ("five is taken would six be okay", "6:00"),
        ("it would have to be five", "5:00"),
        ("nothing before five", "5:00"),
        ("booked until five", "5:00"),
        ("is seven too late", "7:00"),
        ("three no sorry four thirty", "4:30"),
        ("no no quarter past four i said", "4:15"),
        ("there is one at eleven", "11:00"),
        ("let me check okay i have for thirty", "4:30"),
    ],
)
def test_only_what_is_free_is_an_offer(text: str, time: str) -> None:
    assert offered(text) == [time]


@pytest.mark.parametrize(
    "text",
    [
        "three is taken",
        "we are fully booked at three",
        "not at four",
        "we close at five",
        "you have until nine to call",
    ],
)
def test_a_time_that_is_refused_or_merely_mentioned_is_no_offer(text: str) -> None:
    assert offered(text) == []


REFUSALS = """
we're full tonight|sorry nothing left|there's no way i can fit you in|i'm all booked up|no can do|that won't be possible
it's not gonna happen|we stopped taking appointments|unfortunately we are sold out|i don't have any openings
we have no more tables|not tomorrow i'm afraid|i'm afraid not|that doesn't work for us|we're not open on mondays
the kitchen is closed|he's fully booked|we can't accommodate that|i can't help you with that|there are no rooms left
everything is taken|the schedule is packed|none of the stylists are free|we'd love to but we can't|not a chance
we no longer offer that|out of the question|that time's gone|somebody just booked it|we're booked for friday
we're not making any pizza tonight|our oven is broken|the doctor is away that day|no spaces left|we're chockablock
"""
ACCEPTANCES = """
sure|that's fine|okay no problem|i can do that|absolutely|of course we can|yes we have space|that should be fine
that's possible|works for me|perfect|let's do it|sounds good to me|certainly sir|not a problem at all|three is free
we do have a table|i don't see why not|no that's right|yes please come by|very good
"""
CONFIRMATIONS = """
you're all set|you're booked in for three|okay see you tomorrow at three|i've got you down for three|alright booked
all done you're confirmed for three|that's you booked for three o'clock|i've put you in at three|done see you then
your appointment is confirmed for three|perfect i'll put you down for three|it's in the book|reservation's made
i've reserved it for you|consider it booked|it's been cancelled|that's all arranged|we've got you for three
yes that's booked|yes all booked for two thirty
"""
NOT_CONFIRMATIONS = """
i can put you down for three|shall i book you in for three|you're not booked yet|if you're booked we'd know
would you like to be booked for three|are you booked with us|we're booked for three|i don't think you're booked
do you want me to put you down for three|i haven't booked it|it isn't confirmed|i could book you for three
fully booked|let me see if you're booked
"""


def phrases(text: str) -> list[str]:
    return [phrase for line in text.split("\n") for phrase in line.split("|") if phrase]


@pytest.mark.parametrize("text", phrases(REFUSALS))
def test_a_refusal_is_understood_and_offers_nothing_at_a_time(text: str) -> None:
    heard = understand(text)
    assert heard.has(Cue.UNAVAILABLE, Cue.CLOSED, Cue.NO)
    assert not heard.has(Cue.CONFIRMED)
    assert offered(text) == []


@pytest.mark.parametrize("text", phrases(ACCEPTANCES))
def test_a_yes_is_understood(text: str) -> None:
    heard = understand(text)
    assert heard.has(Cue.YES)
    assert not heard.has(Cue.NO, Cue.UNAVAILABLE)


@pytest.mark.parametrize("text", phrases(CONFIRMATIONS))
def test_a_confirmation_is_understood(text: str) -> None:
    heard = understand(text)
    assert heard.has(Cue.CONFIRMED)
    assert not heard.has(Cue.NO, Cue.UNAVAILABLE)


@pytest.mark.parametrize("text", phrases(NOT_CONFIRMATIONS))
def test_an_offer_a_question_or_a_denial_confirms_nothing(text: str) -> None:
    assert not understand(text).has(Cue.CONFIRMED)


QUESTIONS = {
    Cue.ASK_NAME: "what's the name|can i have your name please|who is it for|under what name|your last name",
    Cue.ASK_SPELLING: "how do you spell that|spell that please|could you spell the name",
    Cue.ASK_PHONE: "what's your phone number|a number please|what's the best number to reach you|phone",
    Cue.ASK_PARTY: "how many people|for how many|how many guests|how big is the party|is it just the two of you",
    Cue.ASK_DAY: "what day|when would you like to come|for when|what date",
    Cue.ASK_TIME: "what time|around what time|morning or afternoon|do you have a time in mind",
    Cue.WHO: "who is this|who's calling|may i ask who is calling|where are you calling from",
    Cue.WHY: "what is this about|how can i help|what do you want|why are you calling|what's it about",
    Cue.ROBOT: "are you a robot|is this a recording|am i talking to a machine|are you a human|is this some kind of bot",
    Cue.REPEAT: "sorry|pardon|can you repeat that|i didn't catch that|huh|what was that",
    Cue.HOLD: "hold on|one moment|let me check|bear with me|can you hold please|just a second",
    Cue.STILL_THERE: "are you there|can you hear me|still there",
    Cue.WRONG_NUMBER: "wrong number|there's no one here by that name|nobody called sam lives here",
    Cue.DO_NOT_CALL: "don't call here again|stop calling me|take me off your list|please remove my number",
    Cue.ASK_SECRET: "credit card number|what's your social security number|i need a card to hold it|your pin please",
    Cue.ASK_RECORD: "what's the order number|date of birth please|your address",
    Cue.DEFLECT: "you have to book online|call back tomorrow|we only take walk ins",
    Cue.NOT_HERE: "he's not here|she's at lunch|sam is not home|he stepped out",
    Cue.WILL_CALL_BACK: "i'll call you back|we'll get back to you",
    Cue.UNSURE: "i'm not sure|maybe|i'd have to check|i think so",
    Cue.NOTED: "got it|i'll tell him|will do|thanks for letting me know",
    Cue.GOODBYE: "bye|have a nice day|take care|talk to you later",
}


@pytest.mark.parametrize(
    ("cue", "text"), [(cue, text) for cue, texts in QUESTIONS.items() for text in texts.split("|")]
)
def test_what_is_asked_or_signalled_is_understood(cue: Cue, text: str) -> None:
    assert understand(text).has(cue)


@pytest.mark.parametrize(
    "text", ["good morning", "mhm", "no that's wrong", "right now we are busy", "good evening sir"]
)
def test_what_only_sounds_like_a_yes_is_none(text: str) -> None:
    assert not understand(text).assents
