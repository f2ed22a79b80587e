"""Callees who never say yes and part politely: that is no consent, however it sounds."""

from __future__ import annotations

from simulated_callee import Dialogue, Line

_TABLE = "Book a table for two on Sunday at eight, name Ada."
_CANCEL = "Cancel the appointment of Ben Ito on Friday."
_MOVE = "Move the appointment of Ben Ito from Friday to Monday at ten."
_IBUPROFEN = "Ask if the pharmacy has ibuprofen for children."
_PRICE = "Ask what a haircut costs."
_DOCTOR = "Ask when the doctor is back."
_DINNER = "Tell Rosa that dinner is at seven."
_LAMP = "Have the shop send the lamp to 9 Bay Street."
_CARD = "Renew the library card of Tim Fox, card number 4410."
_SAID = (
    (_TABLE, "sundays are difficult|the chef is away"),
    (_TABLE, "i wish i could"),
    (_TABLE, "that's our busiest night dear|you should have called last week"),
    (_TABLE, "a wedding party took the whole place"),
    (_TABLE, "you're too late for that"),
    (_TABLE, "everything's gone"),
    (_TABLE, "we open at nine on sundays"),
    (_TABLE, "sorry about that"),
    (_TABLE, "ask me again tomorrow"),
    (_TABLE, "well i have people standing in line already"),
    (_TABLE, "we're a bakery"),
    (_CANCEL, "hm friday"),
    (_CANCEL, "i can't find that name|no ben in the system"),
    (_CANCEL, "you have to give us a day's notice"),
    (_CANCEL, "that was yesterday"),
    (_CANCEL, "are you ben|then i can't talk to you about it"),
    (_MOVE, "monday is full|friday stays then"),
    (_MOVE, "we'd have to charge a fee for that"),
    (_IBUPROFEN, "for children|how old is the child"),
    (_IBUPROFEN, "usually we do|i can't leave the counter to look"),
    (_PRICE, "depends|well it depends on the length"),
    (_PRICE, "the price list is on the website"),
    (_DOCTOR, "she's on vacation"),
    (_DOCTOR, "nobody told me"),
    (_DINNER, "rosa's in the shower"),
    (_DINNER, "which rosa|rosa moved out last year"),
    (_DINNER, "she can't come to the phone"),
    (_DINNER, "i don't understand english"),
    (_LAMP, "we don't ship lamps"),
    (_LAMP, "which lamp|we'd need an order number"),
    (_CARD, "he owes us twelve dollars first"),
    (_CARD, "i see the card here|it's expired since march"),
)
_FAREWELLS = ("okay bye", "alright take care bye bye", "see you then bye")

PARTINGS = [
    Dialogue(
        name=f"never agrees and parts: {said}, {farewell}",
        goal=goal,
        opens="hello",
        lines=[*(Line("", line) for line in said.split("|")), Line("", farewell, again=True)],
        truth="no|unknown",
    )
    for goal, said in _SAID
    for farewell in _FAREWELLS
]
