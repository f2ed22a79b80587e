"""A third set: people who think aloud, evade, change their mind or cannot help."""

from __future__ import annotations

from simulated_callee import Dialogue, Line

TABLE = "Reserve a table for four on Friday at 8 pm under the name Maria Lopez"
YES = Line(r"is that right|is it settled|did you get that", "yes that's right", again=True)

MORE_PEOPLE = [
    Dialogue(
        name="barber counts through the afternoon",
        goal="Book a beard trim for Friday afternoon for Marcus, any time after 2",
        opens="sharp cuts",
        lines=[
            Line("beard", "friday afternoon hmm one forty five or otherwise four twenty"),
            Line("four twenty", "perfect and your name is marcus right"),
            Line("", "good you're down for four twenty on friday", again=True),
        ],
        truth="yes",
        summary="4:20 pm",
    ),
    Dialogue(
        name="restaurant is full, offers the bar, which is another thing",
        goal="Reserve a table for two tomorrow at 7:30 pm under Novak",
        opens="osteria buonasera",
        lines=[
            Line("table", "tomorrow we're completely booked out i could only put you on the waiting list"),
            Line("", "no only the waiting list", again=True),
        ],
        truth="no|unknown",
    ),
    Dialogue(
        name="clinic: calls back later",
        goal="Make an appointment for a flu shot next Monday for Peter Lang",
        opens="health center reception",
        lines=[
            Line("flu", "the nurse does those i'll have her call you back"),
            Line("", "she will call you back", again=True),
        ],
        truth="unknown|no",
    ),
    Dialogue(
        name="clinic: two reasons and a time",
        goal="Make an appointment for a flu shot next Monday for Peter Lang",
        opens="health center reception",
        lines=[
            Line("flu", "when would you like to come in"),
            Line("monday", "we have eight forty five or two thirty"),
            Line("works", "and his date of birth"),
            Line("do not know", "okay never mind we'll ask him then monday two thirty right"),
            Line("", "yes that's booked", again=True),
        ],
        truth="yes",
        summary="(2:30 pm|8:45 am)",
    ),
    Dialogue(
        name="hotel asks about breakfast",
        goal="Reserve a single room for Saturday night under Amir Khan, phone +44 20 7946 0018",
        opens="station hotel this is george",
        lines=[
            Line("room", "yes we have singles with or without breakfast"),
            Line("either|do not|only know", "and a phone number for the booking"),
            Line("four four", "thank you it's booked"),
            YES,
        ],
        truth="yes",
    ),
    Dialogue(
        name="library has the book but it is lent out",
        goal="Check whether the library has The Hobbit available",
        opens="library desk",
        lines=[Line("hobbit", "we do have it but it's checked out until june third"), YES],
        truth="yes",
        summary="june third",
    ),
    Dialogue(
        name="gym: price and hours",
        goal="Ask how much a day pass costs and what time they open on Saturday",
        opens="iron temple gym",
        lines=[
            Line("day pass", "fifteen dollars"),
            Line("fifteen.*right", "yes"),
            Line("open", "at seven"),
            YES,
        ],
        truth="yes",
        summary="fifteen.*seven",
    ),
    Dialogue(
        name="gym: gives only one answer and hangs up on the other",
        goal="Ask how much a day pass costs and what time they open on Saturday",
        opens="iron temple gym",
        lines=[
            Line("day pass", "fifteen dollars"),
            Line("fifteen.*right", "yes"),
            Line("", "look it's on our website goodbye", again=True),
        ],
        truth="no|unknown",
    ),
    Dialogue(
        name="dentist: emergency only",
        goal="Book a dental cleaning for tomorrow at 9 am, Lara Croft",
        opens="dental emergency line",
        lines=[Line("cleaning", "this line is for emergencies only you need to call the practice")],
        truth="no",
    ),
    Dialogue(
        name="dentist: person changes his mind twice",
        goal="Book a dental cleaning for tomorrow at 9 am, Lara Croft",
        opens="doctor bright's practice",
        lines=[
            Line("cleaning", "nine is fine no sorry nine isn't fine nine thirty"),
            Line("nine thirty.*right", "hmm make that nine forty five"),
            Line("nine forty five.*right", "yes nine forty five"),
        ],
        truth="yes",
        summary="9:45 am",
    ),
    Dialogue(
        name="florist: does not deliver there",
        goal="Have flowers delivered to 20 Park Road on Friday, order for Celia",
        opens="bloom and wild",
        lines=[Line("", "we don't deliver to that area i'm afraid", again=True)],
        truth="no|unknown",
    ),
    Dialogue(
        name="florist: takes the order",
        goal="Order a birthday bouquet for Friday for Celia, phone 555-0199-22",
        opens="bloom and wild",
        lines=[
            Line("bouquet", "lovely around forty dollars okay"),
            Line("", "and will you collect it or shall we deliver"),
            Line("either|do not", "right friday it is then anything else"),
            Line("", "yes that's it bye"),
            YES,
        ],
        truth="yes|unknown",
    ),
    Dialogue(
        name="car repair: asks for plate and problem",
        goal="Book a tire change for Thursday at 8 am, license plate KLM482, name Bob Finch",
        opens="tire king",
        lines=[
            Line("tire", "what's the plate"),
            Line("K L M 4 8 2", "summer or winter tires"),
            Line("either|know", "okay thursday eight in the morning you're booked"),
            YES,
        ],
        truth="yes",
        summary="8:00 am",
    ),
    Dialogue(
        name="wants to sell something",
        goal="Ask if the red sofa is still for sale",
        opens="hello",
        lines=[
            Line("sofa", "no it's gone but i have a green one for you for only two hundred"),
            Line("", "no the red one is sold", again=True),
        ],
        truth="yes|no",
    ),
    Dialogue(
        name="child answers",
        goal=TABLE,
        opens="hewwo",
        lines=[Line("", "mommy a robot is on the phone", again=True)],
        truth="unknown|no",
    ),
    Dialogue(
        name="foreign language",
        goal=TABLE,
        opens="pronto chi parla",
        lines=[Line("", "non capisco scusi", again=True)],
        truth="unknown",
    ),
    Dialogue(
        name="hold music in words and then a voice",
        goal="Cancel my reservation on Saturday, name Yara Diaz",
        opens="all of our agents are busy please stay on the line your call is important to us",
        lines=[
            Line("^$", "thanks for waiting bookings desk maria here"),
            Line("cancel", "the name please"),
            Line("yara", "okay that one is cancelled now"),
            YES,
        ],
        truth="yes",
    ),
    Dialogue(
        name="does not let a stranger cancel",
        goal="Cancel my reservation on Saturday, name Yara Diaz",
        opens="bookings",
        lines=[
            Line("cancel", "i can only do that with the guest herself"),
            Line("", "sorry she has to call herself", again=True),
        ],
        truth="no|unknown",
    ),
    Dialogue(
        name="moved to a time nobody asked for",
        goal="Move my appointment from Friday at 2 to Friday at 4, name Olga. Only 4 works.",
        opens="nail studio",
        lines=[
            Line("move", "okay i've moved you to five"),
            Line("", "no four is taken five or nothing", again=True),
        ],
        truth="no",
    ),
    Dialogue(
        name="agrees to a bound instead of a time",
        goal="Book a haircut for Saturday at 11 am for Nina",
        opens="salon",
        lines=[
            Line("haircut", "not before noon but after that any time"),
            Line("right", "yes that's good nina"),
            YES,
        ],
        truth="yes",
        summary="(12:00|1:00|noon)",
    ),
    Dialogue(
        name="threatens and says yes sarcastically",
        goal="Book a haircut for Saturday at 11 am for Nina",
        opens="what",
        lines=[Line("", "yeah right like i would book a machine get off my phone", again=True)],
        truth="no|unknown",
    ),
    Dialogue(
        name="conference room only with an account",
        goal="Reserve a conference room for Thursday from 9 to 12 for ten people, name Dietz",
        opens="coworking hub",
        lines=[
            Line("room", "what's your member number"),
            Line("know", "sorry we can only book rooms for members"),
            Line("", "no only members", again=True),
        ],
        truth="no",
    ),
]
