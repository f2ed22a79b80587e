"""A last set: everyday calls in yet other words, none of which the rules had seen."""

from __future__ import annotations

from simulated_callee import Dialogue, Line

YES = Line(r"is that right|is it settled|did you get that", "that is correct yes", again=True)

EVERYDAY = [
    Dialogue(
        name="vet has had a cancellation",
        goal="Book a vaccination for my dog Rex on Tuesday at 4 pm, my name is Carla Mendez",
        opens="paws and claws animal hospital jenny speaking",
        lines=[
            Line("vaccination", "tuesday four i just had a cancellation at quarter past would that suit you"),
            Line("four fifteen", "great who is the owner"),
            Line("carla", "and the dog is called"),
            Line("", "alright carla four fifteen tuesday you're in"),
            YES,
        ],
        truth="yes",
        summary="4:15 pm",
    ),
    Dialogue(
        name="driving school is full for weeks",
        goal="Book a driving lesson for Thursday at 5 pm, name Theo",
        opens="drive right",
        lines=[Line("", "we're booked out for the next three weeks i'm afraid", again=True)],
        truth="no",
    ),
    Dialogue(
        name="restaurant offers lunch instead of dinner",
        goal="Reserve a table for two on Saturday between 7 and 9 pm, name Holt",
        opens="la piazza",
        lines=[
            Line("table", "saturday evening is a wedding we could do lunch at one"),
            Line("", "no evening on saturday is impossible", again=True),
        ],
        truth="no",
    ),
    Dialogue(
        name="restaurant has exactly that",
        goal="Reserve a table for two on Saturday between 7 and 9 pm, name Holt",
        opens="la piazza good day",
        lines=[
            Line("table", "certainly would you rather seven thirty or eight thirty"),
            Line("works", "splendid and under which name"),
            Line("holt", "wonderful mister holt we look forward to seeing you saturday"),
            YES,
        ],
        truth="yes",
        summary="(7:30|8:30) pm",
    ),
    Dialogue(
        name="post office lost parcel",
        goal="Ask where my parcel with tracking number ZX90881 is",
        opens="postal service you're speaking with dan",
        lines=[
            Line("parcel", "sure can you give me the tracking number"),
            Line("Z X 9 0 8 8 1", "it's in the depot and goes out tomorrow"),
            YES,
        ],
        truth="yes",
        summary="depot",
    ),
    Dialogue(
        name="doctor's assistant asks for insurance",
        goal="Book a check-up with Dr. Sand on Monday at 9 am for Ole Berg, insurance: Nordic Health",
        opens="doctor sand's office how can i help",
        lines=[
            Line("check-up", "monday nine works what insurance do you have"),
            Line("nordic health", "and how do you spell the last name"),
            Line("B, E, R, G", "perfect all set for monday nine o'clock"),
            YES,
        ],
        truth="yes",
        summary="9:00 am",
    ),
    Dialogue(
        name="cinema has no such film",
        goal="Reserve two seats for Casablanca tonight at 8, name Ray",
        opens="royal cinema",
        lines=[Line("", "we're not showing casablanca tonight only tomorrow", again=True)],
        truth="no|unknown",
    ),
    Dialogue(
        name="voicemail of a doctor in two parts",
        goal="Cancel my appointment on Friday, name Joy Adler",
        opens="this is the practice of doctor wolf our office is currently closed",
        lines=[
            Line("", "please leave a message after the tone"),
            Line("", "[voicemail: the beep has sounded]"),
        ],
        truth="unknown",
        says="cancel",
    ),
    Dialogue(
        name="taxi",
        goal="Order a taxi for tomorrow at 6:30 am to the airport, address: 9 Hill Road, name Finn",
        opens="city cabs where from",
        lines=[
            Line("taxi", "pickup address please"),
            Line("hill road", "okay six thirty tomorrow morning one passenger"),
            Line("", "yes it's booked", again=True),
        ],
        truth="yes",
        summary="6:30 am",
    ),
    Dialogue(
        name="shop opening hours with a lunch break",
        goal="Find out until when the shop is open today",
        opens="hardware store",
        lines=[Line("open", "today until half past six"), Line("right", "yep")],
        truth="yes",
        summary="half past six",
    ),
    Dialogue(
        name="landlord is told, grumpily",
        goal="Let the landlord know that the heating is broken, from Ana in flat 3",
        opens="what is it",
        lines=[Line("heating", "again okay okay i will send someone")],
        truth="yes|unknown",
    ),
    Dialogue(
        name="menu hides the person",
        goal="Book a room for Friday under Lee",
        opens="welcome to grand hotels for an existing booking press one for group bookings press two to make a new "
        "reservation press three for all other requests please hold",
        lines=[
            Line("^$", "reservations good morning"),
            Line("room", "we have one room left for friday under lee you said"),
            Line("", "it's reserved", again=True),
            YES,
        ],
        truth="yes",
        digits="3",
    ),
    Dialogue(
        name="agrees, then asks to call back",
        goal="Book a haircut for Friday at 2 pm for Max",
        opens="hair by lou",
        lines=[
            Line("haircut", "two should be okay but can you call back at five lou has the book"),
            Line("", "i can't write it down just call at five", again=True),
        ],
        truth="no|unknown",
    ),
    Dialogue(
        name="reads back another party size at the end",
        goal="Book a table for five tonight at 8 pm under Moss",
        opens="curry house",
        lines=[
            Line("table", "eight is good moss was it"),
            Line("", "so a table for nine at eight moss"),
            Line("five people", "five sorry yes table for five at eight"),
            YES,
        ],
        truth="yes",
        says="five people",
    ),
    Dialogue(
        name="says the goal is impossible in a friendly way",
        goal="Move my appointment from Thursday at 1 to Thursday at 3, name Pia",
        opens="beauty lounge",
        lines=[
            Line("move", "oh honey thursday afternoon is packed"),
            Line("", "sorry nothing else that day just come at one", again=True),
        ],
        truth="no",
    ),
    Dialogue(
        name="pharmacist checks and confirms",
        goal="Ask if my prescription for Gary Cole is ready for pickup",
        opens="corner pharmacy",
        lines=[
            Line("prescription", "who's it for"),
            Line("gary", "give me a second"),
            Line("wait|time", "not yet try tomorrow after ten"),
            YES,
        ],
        truth="yes|no",
    ),
]
