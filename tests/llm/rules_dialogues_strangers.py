"""Calls to people who word things as nobody foresaw."""

from __future__ import annotations

from simulated_callee import Dialogue, Line

YES = Line(r"is that right|is it settled|did you get that", "yes that's right", again=True)

STRANGERS = [
    *(
        Dialogue(
            name=f"takes down another day or time: {taken}",
            goal="Book a haircut on Friday at three, name Max.",
            opens="hair by lou",
            lines=[Line("haircut", taken), Line("I meant on Friday at three", answer), Line("", "yes", again=True)],
            truth=truth,
            says="I meant on Friday at three",
        )
        for taken, answer, truth in (
            ("so is sunday", "oh friday yes that is fine", "yes"),
            ("okay thursday at three then", "no friday we are closed", "no"),
            ("okay booked for friday at two", "bye", "unknown"),
            ("great we'll see you on sunday", "sorry friday is full", "no"),
        )
    ),
    Dialogue(
        name="offers a day that will not do and hangs up",
        goal="Book a haircut on Friday at three, name Max.",
        opens="hair by lou",
        lines=[Line("haircut", "we only have sunday"), Line("instead", "bye")],
        truth="no",
    ),
    Dialogue(
        name="has only another day",
        goal="Book a haircut on Friday at three, name Max.",
        opens="hair by lou",
        lines=[Line("haircut", "friday is full we have sunday")],
        truth="no",
    ),
    Dialogue(
        name="was asked in the first message, in other words than the goal's",
        goal="Find out when the swimming pool opens on Saturday.",
        opens="on saturday we open at nine in the morning",
        first_message="Hello, when do you open on Saturday?",
        lines=[Line(r"I heard|is that right", "yes that's right"), Line("pool opens", "you are welcome", again=True)],
        truth="yes",
        says="nine",
    ),
    Dialogue(
        name="gym has only a time that was excluded",
        goal="Book a trial training on Monday at nine. Ten or eleven would be okay too, but nothing after noon.",
        opens="fitness club hi there",
        lines=[
            Line("training", "the morning is full we only have five o'clock in the afternoon"),
            Line("instead", "no the morning is full sorry"),
        ],
        truth="no",
        never_says="five p m works",
    ),
    Dialogue(
        name="says maybe another time and goodbye",
        goal="Book a trial training on Monday at nine.",
        opens="fitness club",
        lines=[Line("training", "no monday is full sorry"), Line("instead", "okay maybe another time bye")],
        truth="no",
    ),
    Dialogue(
        name="asks for a plate number that the goal spells out",
        goal="Make an appointment for an oil change on Thursday at nine. The plate number is nine one two five.",
        opens="car workshop",
        lines=[
            Line("oil change", "sure what is the plate number of the car"),
            Line("nine one two five", "thank you thursday at nine is booked for you"),
            YES,
        ],
        truth="yes",
    ),
    Dialogue(
        name="wants to know what car it is",
        goal="Bring the car in for a new windshield on Tuesday at nine. The car is a red Honda.",
        opens="body shop frank here",
        lines=[
            Line("windshield", "what kind of car is it"),
            Line("red Honda", "okay tuesday at nine is good"),
            YES,
        ],
        truth="yes",
    ),
    Dialogue(
        name="asks why",
        goal="Make an appointment for Sam with the doctor on Monday at eleven. It is about a bad cough.",
        opens="this is the nurse what can i do for you",
        lines=[
            Line("appointment", "why do you want to see the doctor"),
            Line("bad cough", "then please come on monday at eleven"),
            YES,
        ],
        truth="yes",
        says="It is about a bad cough",
    ),
    Dialogue(
        name="lets an answer stand and goes on",
        goal="Ask whether they have cough syrup for children in stock and what it costs.",
        opens="city pharmacy hello",
        lines=[
            Line("cough syrup", "yes we have cough syrup for children here"),
            Line("cough syrup for children here. Is that right", "anything else"),
            Line("costs", "it is nine dollars"),
            Line("nine dollars. Is that right", "bye"),
        ],
        truth="yes",
        summary="nine dollars",
    ),
    Dialogue(
        name="answers no, which leaves nothing else to ask",
        goal="Ask whether they repair leather boots and how long it takes.",
        opens="hello",
        lines=[
            Line("leather boots", "no i closed the shop last year i do not repair shoes"),
            Line("Is that right", "yes that is right"),
        ],
        truth="yes",
        never_says="how long",
    ),
    Dialogue(
        name="has none of what was also to be reserved",
        goal="Find out whether they have white wall paint and reserve two buckets if they do.",
        opens="hardware store",
        lines=[
            Line("paint", "white paint is sold out the next delivery is in two weeks"),
            Line("Is that right", "no there is nothing left"),
            YES,
        ],
        truth="no|unknown",
        summary="reserve two buckets",
    ),
    Dialogue(
        name="tells the price but not yet the day",
        goal="Ask how much a dance course for beginners costs and on which day it is.",
        opens="dance school hello",
        lines=[
            Line("which day", "it is every tuesday in the evening"),
            Line("costs", "it costs ninety dollars"),
            YES,
        ],
        truth="yes",
        summary="tuesday",
    ),
    Dialogue(
        name="wants the number of a card that is no bank's",
        goal="Renew the library book about gardens for Nina. The card number is one nine two three.",
        opens="library good afternoon",
        lines=[
            Line("gardens", "please give me the card number"),
            Line("one nine two three", "thank you the book is renewed until the end of the month"),
        ],
        truth="yes",
    ),
    Dialogue(
        name="wants to hear the message that was only announced",
        goal="Tell Frank that Lena has a cold and can not sing on Sunday.",
        first_message="Hello, I have a message for Frank.",
        opens="yes that is me what is the message",
        lines=[Line("cold", "okay i will find somebody else for sunday thank you")],
        truth="yes",
        says="Lena has a cold",
    ),
    Dialogue(
        name="never minds the phone number",
        goal="Book a table for two on Friday at nine in the evening under the name Alex.",
        opens="good evening restaurant blue door",
        lines=[
            Line("table", "yes we have a table for two on friday at nine what is your name"),
            Line("Alex", "thank you and a phone number"),
            Line("phone number", "okay never mind the table is booked"),
        ],
        truth="yes",
    ),
    Dialogue(
        name="is all booked and names a day that will not do",
        goal="Book a manicure for Julia this Friday at two. Only this Friday is possible.",
        opens="nail salon hello",
        lines=[
            Line("manicure", "this friday we are all booked the next free day is monday"),
            Line("", "i have nothing else i am sorry", again=True),
        ],
        truth="no",
    ),
    Dialogue(
        name="does not deliver there",
        goal="Order two cheese pizzas for delivery to nine Oak Street, for Sam.",
        opens="pizza place what would you like",
        lines=[
            Line("pizzas", "okay two pizzas where do we bring them"),
            Line("Oak Street", "oak street sorry we do not deliver there"),
        ],
        truth="no",
    ),
    Dialogue(
        name="misunderstands the name",
        goal="Book a haircut for Morgan tomorrow at two.",
        opens="hair studio",
        lines=[
            Line("haircut", "tomorrow at two is free what is your name"),
            Line("name is Morgan. Yes", "did you say norman"),
            Line("spelled", "yes morgan tomorrow at two"),
        ],
        truth="yes",
        says="One thing: the name is Morgan",
    ),
    Dialogue(
        name="a menu told in pieces",
        goal="Find out until what time the bank is open on Friday.",
        opens="welcome to the town bank for accounts dial one for cards dial two",
        lines=[Line("^$", "for everything else dial three")],
        truth="none|unknown",
        digits="3",
    ),
    Dialogue(
        name="where a parcel is, after thanks",
        goal="Ask where the parcel is. The tracking number is five one two nine three.",
        opens="parcel office",
        lines=[
            Line("parcel", "tell me the tracking number please"),
            Line("five one two", "thank you your parcel is in our shop at the station"),
            YES,
        ],
        truth="yes",
        summary="at the station",
    ),
]
