"""Calls that went wrong when they were played for the first time, or nearly did."""

from __future__ import annotations

from simulated_callee import Dialogue, Line

YES = Line(r"is that right|is it settled|did you get that", "yes that's right", again=True)
MIKE = "Tell Mike that the game on Saturday is moved to eleven."
FOR_MIKE = "Hello, I have a message for Mike. Is he there?"

LATEST = [
    Dialogue(
        name="writes it down and finds it taken",
        goal="Book a table for four on Friday at 7 pm under the name Sarah Chen. It has to be seven.",
        opens="friday at seven for four people sure what's the name",
        first_message="Hello, I would like to book a table for four on Friday at seven, under the name Sarah Chen.",
        lines=[
            Line("settled", "okay let me write that down"),
            Line("wait", "oh wait sorry that table is taken i could do nine thirty"),
            Line("", "nine thirty is all i have do you want that", again=True),
        ],
        truth="no",
    ),
    Dialogue(
        name="asks back who is calling, then is not the one",
        goal=MIKE,
        opens="who is this please",
        first_message=FOR_MIKE,
        lines=[
            Line("Is Mike there", "mike's not home right now this is his wife"),
            Line("tell Mike", "okay i'll tell him when i see him"),
            Line("did you get that", "yes okay"),
        ],
        truth="unknown",
    ),
    *(
        Dialogue(
            name=f"is asked for and answers: {answer}",
            goal=MIKE,
            opens=answer,
            first_message=FOR_MIKE,
            lines=[Line("game on Saturday", "okay got it thanks"), Line("wait", "hello this is mike"), YES],
            truth=truth,
        )
        for answer, truth in (
            ("yes this is mike", "yes"),
            ("speaking", "yes"),
            ("just a second i'll get him", "yes"),
            ("no he's at work", "unknown"),
        )
    ),
    Dialogue(
        name="has taken the wrong night and then books the right one",
        goal="Book a double room for Friday, one night, for Peter Novak.",
        opens="let me check yes we have a room how many nights",
        first_message="Hello, I would like to book a double room for Friday night for Peter Novak.",
        lines=[
            Line("One night", "and the name please"),
            Line("Novak", "okay so that's one night thursday to friday"),
            Line("Friday", "oh my mistake friday to saturday one night you're booked"),
            Line("right", "yes friday one night it's booked"),
        ],
        truth="yes",
    ),
    Dialogue(
        name="wants to know when the appointment was that is cancelled",
        goal="Cancel my dentist appointment on Monday at nine. The name is David Brown.",
        opens="and the appointment was for when",
        first_message="Hello, I am calling to cancel an appointment for David Brown.",
        lines=[Line("Monday at nine", "okay monday at nine is cancelled"), YES],
        truth="yes",
    ),
    Dialogue(
        name="asks when it is now and when it is to be",
        goal="Ask Coach Dan to move Emma's tennis lesson from Tuesday at three to Thursday at four.",
        opens="dan here",
        lines=[
            Line("Emma's tennis lesson on Tuesday", "when is her lesson now"),
            Line("On Tuesday at three", "and when would you like it"),
            Line("On Thursday at four", "sure that's fine"),
            YES,
        ],
        truth="yes",
    ),
    Dialogue(
        name="keeps us waiting and asks what it is about",
        goal="Find out if the prescription for Robert Hale is ready to be picked up.",
        opens="hold on one second",
        lines=[
            Line("wait", "okay thanks for holding what can i do for you"),
            Line("prescription", "is it about a prescription"),
            Line("prescription", "no it's not ready yet come in tomorrow after three"),
            YES,
        ],
        truth="yes",
        never_says=r"heard: (?:holding|is it|it about)",
    ),
]
