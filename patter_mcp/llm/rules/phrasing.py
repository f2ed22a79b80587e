"""What the brain says. Short plain sentences: a simple voice speaks them and a noisy line carries them.

`recall` reads these sentences again to know what was said: the marks there and the words here belong together.
"""

from __future__ import annotations

import re

from patter_mcp.llm.rules.goal import Goal, Kind, Slot, Window
from patter_mcp.llm.rules.people import spelled
from patter_mcp.llm.rules.wording import back_to_callee, to_callee
from patter_mcp.llm.rules.words import UNITS, word_set

_DIGITS = {str(value): word for word, value in UNITS.items() if value < 10}
_FILLERS = word_set("hi hello hey um uh well so okay sure and let me see oh ah thanks thank you for calling asking")
_CLOSING = re.compile(
    r"[\s,.]*\b(?:(?:is there |was there |do you need )?anything else.*|(?:good ?)?bye.*|have a (?:good|nice|"
    r"great).*)$",
    re.IGNORECASE,
)
_THIRD = re.compile(r"\b(he|she|him)\b( \w+s\b)?", re.IGNORECASE)
_PLURAL_VERBS = {" is": " are", " has": " have", " was": " were", " does": " do", " goes": " go"}
_ECHO_WORDS = 20
_STATED_CHARS = 200
_NUMBERS = {value: word for word, value in UNITS.items()}

SURE = "Sure, I will wait."
TAKE_YOUR_TIME = "Of course. Take your time."
PROMPT = "Hello, are you there?"
STILL_HERE = "Yes, I am here."
GOODBYE = "Goodbye."
THANKS_GOODBYE = "Thank you. Goodbye."
SORRY_WRONG_NUMBER = "I am sorry, I have the wrong number. Goodbye."
SORRY_TO_DISTURB = "I am sorry for the trouble. I will pass that on. Goodbye."
NOTHING_ELSE = "No, thank you."
VERY_WELL = "I am fine, thank you."
THAT_IS_FINE = "Yes, that is fine."
IT_IS = "Yes, it is."
NO_PAYMENT = "I am sorry, I cannot give card or account details on this call. Can we do it without?"
PRICE_NOTED = "I will pass the price on."
CHOICE_IS_YOURS = "Either is fine."
OFF_TASK = "I am sorry, I can only help with this call."
NOT_KNOWN = "I am sorry, I do not know that."
LATER = "I see. I will pass that on. Thank you, goodbye."
PLEASE_CHECK = "Could you please check?"
OTHERS_HELP = "Could you help me instead?"
MISSES = (
    "Sorry, I did not understand that. Could you say it again?",
    "I am sorry, I still did not understand. Could you say it in a few words?",
    "The line is not very clear. Please say it once more.",
)
GIVE_UP = "I am sorry, I cannot understand you well. Goodbye."


def greeting(goal: Goal) -> str:
    return f"Hello, {lower_first(introduction(goal))}"


def introduction(goal: Goal) -> str:
    return f"I am an automated assistant{f', calling for {goal.name}' if goal.name else ''}."


def calling_for(goal: Goal) -> str:
    return f"I am calling for {goal.name}."


def robot_answer(goal: Goal) -> str:
    return f"Yes, {lower_first(introduction(goal))}"


def request(goal: Goal) -> tuple[str, ...]:
    """What we call about, ending in a question."""
    if goal.kind is Kind.TELL:
        for_whom = f"for {goal.recipient}" if goal.recipient else ""
        sender = f"from {goal.name}" if goal.name and goal.name not in f"{goal.recipient} {goal.task}" else ""
        return (f"{_joined('I have a message', for_whom, sender)}: {goal.task}.", "Did you get that?")
    if goal.kind is Kind.ASK:
        return (question(goal, 0),)
    if goal.kind is Kind.NONE:
        return (_stated(goal.text),)
    return (f"{_wish(goal)}.", _opening_question(goal))


def question(goal: Goal, index: int) -> str:
    asked = goal.questions[index].rstrip(" ?.")
    asked = to_callee(_THIRD.sub(_to_plural, asked) if goal.kind is Kind.TELL else asked)
    if goal.verb == "" and goal.kind is Kind.ASK and index == 0:
        return f"I have a question: {asked}?"
    lead = "I would also like to" if index or goal.kind.is_deal else "I would like to"
    verb = goal.verb if goal.verb in ("ask about", "confirm") and index == 0 and goal.kind is Kind.ASK else "know"
    return f"{lead} {verb} {asked}."


def _to_plural(match: re.Match[str]) -> str:
    """Of the one a message is for: "he is" -> "they are", which `to_callee` makes "you are"."""
    subject = "them" if match[1].lower() == "him" else "they"
    verb = match[2] or ""
    return f"{subject}{_PLURAL_VERBS.get(verb, verb.removesuffix('s'))}"


def task_alone(goal: Goal) -> str:
    """For questions whose answer we lack: all we were told about the matter."""
    if goal.kind in (Kind.ASK, Kind.NONE):
        return "I do not know more than that, sorry."
    return f"I only know this: {lower_first(give_service(goal))}"


def read_back(goal: Goal, slot: Slot) -> str:
    return f"So {_agreement(goal, slot)}, is that right?"


def read_back_again(goal: Goal, slot: Slot) -> str:
    return f"Just to be sure: {_agreement(goal, slot)}, is that right?"


def agree_and_check(goal: Goal, slot: Slot) -> str:
    """When they read back to us, rightly: our yes, and a question that needs theirs."""
    return f"Yes, {_agreement(goal, slot)}, is it settled?"


def read_answer(answer: str) -> str:
    return f"I heard: {answer}. Is that right?"


def read_answer_again(answer: str) -> str:
    return f"Just to be sure, I heard: {answer}. Is that right?"


def accepts(slot: Slot) -> str:
    said = slot_words(slot) or "that"
    return f"{upper_first(said.removeprefix('on ').removeprefix('at '))} works."


def declines(slot: Slot) -> str:
    said = slot_words(slot).removeprefix("on ").removeprefix("at ")
    return f"I am sorry, {said or 'that'} does not work."


def ask_instead(goal: Goal, *, is_other_day: bool = False) -> str:
    """After a refusal: what else would do."""
    if goal.any_day:
        return "Is there something on another day instead?"
    if is_other_day or len(goal.days) > 1:
        days = goal.days if is_other_day else goal.days[1:]
        return f"Is there something {' or '.join(day.spoken for day in days)} instead?"
    if goal.strict and not goal.windows:
        return "What would you have instead?"
    if goal.windows:
        return f"Is there something {_or(goal.windows)} instead?"
    return "Is there another time that day instead?"


def ask_time(slot: Slot, part: str = "") -> str:
    where = f" in the {part}" if part else ""
    day = f" {slot.day.spoken}" if slot.day else ""
    return f"What time would you have{day}{where}?"


def ask_correct() -> str:
    return "I am sorry. What day and time do you have, then?"


def give_name(goal: Goal) -> str:
    return f"The name is {goal.name}." if goal.name else "I was not given a name, sorry."


def give_spelling(goal: Goal) -> str:
    return f"It is spelled {spelled(goal.name)}." if goal.name else "I was not given a name, sorry."


def correct_name(goal: Goal) -> str:
    return f"One thing: the name is {goal.name}, spelled {spelled(goal.name)}."


def correct_party(goal: Goal) -> str:
    return f"One thing: it is for {_people(goal.party or 0)}."


def insist(slot: Slot) -> str:
    """When they agree to another day or time than the one we asked for."""
    return f"Sorry, I meant {slot_words(slot)}. Is that possible?"


def give_phone(goal: Goal) -> str:
    return (
        f"The phone number is {digits(goal.phone)}."
        if goal.phone
        else "I am sorry, I do not have a phone number to give."
    )


def give_party(goal: Goal) -> str:
    return f"For {_people(goal.party)}." if goal.party else "I was not told how many, sorry."


def give_fact(fact: str) -> str:
    return f"The {_speakable(fact)}."


def give_detail(detail: str) -> str:
    return f"{upper_first(detail)}."


def give_when(goal: Goal, slot: Slot) -> str:
    """Answers "what day" and "what time" alike."""
    said = (
        slot_words(slot)
        if slot.time or not goal.windows
        else f"{slot.day.spoken if slot.day else ''} {_or(goal.windows)}".strip()
    )
    if not said:
        return "I was not given a fixed time. What do you have?"
    if slot.time is None and not goal.needs_time:
        return f"{upper_first(said)}. I was not told a time."
    if slot.time is None and not goal.windows:
        return f"{upper_first(said)}. Any time that day. What do you have?"
    return f"{upper_first(said)}, please."


def give_wording(goal: Goal) -> str:
    return f"It should say: {goal.wording.rstrip('.!?')}."


def give_service(goal: Goal) -> str:
    return f"It is about {'this: ' if goal.kind in (Kind.DO, Kind.TELL) else ''}{goal.task}."


def voicemail(goal: Goal) -> tuple[str, ...]:
    """One short message for a machine."""
    number = f" The number is {digits(goal.phone)}." if goal.phone else ""
    if goal.kind is Kind.TELL:
        return (greeting(goal), *request(goal)[:1], f"That was the message.{number} Goodbye.")
    what = f"{_wish(goal)}." if goal.kind.is_deal else request(goal)[0]
    return (greeting(goal), what, f"Please call back.{number} Thank you, goodbye.")


def ask_for(goal: Goal) -> str:
    return f"Is {goal.recipient} there?"


def ask_to_pass_on(goal: Goal) -> str:
    person = goal.recipient if goal.recipient not in ("you", "") else "them"
    return f"Could you please tell {person} this: {goal.task}?"


def echo(raw: str) -> str:
    """Their answer given back to them, without the fillers around it: "we close at nine" -> "you close at nine"."""
    words = _CLOSING.sub("", raw).strip(" .,?!").split()
    while len(words) > 1 and words[0].lower().strip(",.") in _FILLERS:
        words.pop(0)
    return back_to_callee(" ".join(words[:_ECHO_WORDS])).replace(". ", ", ").replace("?", "")


def slot_words(slot: Slot) -> str:
    """ "tomorrow at four thirty p m"; "" for an empty slot."""
    return _joined(slot.day.spoken if slot.day else "", f"at {slot.time.spoken}" if slot.time else "")


def slot_written(slot: Slot) -> str:
    return _joined(slot.day.spoken if slot.day else "", f"at {slot.time.written}" if slot.time else "")


def digits(number: str) -> str:
    """Digits one by one, in groups a listener can write down."""
    groups = [number[index : index + 3] for index in range(0, len(number), 3)]
    return ", ".join(" ".join(_DIGITS.get(digit, digit) for digit in group) for group in groups)


def matter(goal: Goal) -> str:
    """The goal in a few words, for summaries: "a haircut", "cancelling our appointment"."""
    lead = {Kind.CANCEL: "cancelling ", Kind.MOVE: "moving ", Kind.DO: "the request to ", Kind.TELL: "the message: "}
    return lead.get(goal.kind, "") + goal.task


def _agreement(goal: Goal, slot: Slot) -> str:
    """What we take to be agreed, as a clause to say yes or no to."""
    when = slot_words(slot)
    who = f"for {goal.name}" if goal.name else ""
    party = f"for {_people(goal.party)}" if goal.party else ""
    if goal.kind is Kind.CANCEL:
        return f"{goal.task} is cancelled"
    if goal.kind is Kind.MOVE:
        return _joined(goal.task, "is moved", _to(when))
    if goal.kind is Kind.DO:
        return _joined("you can", goal.task, when, who)
    return _joined("that's", "" if slot.time else goal.task, when, party, who)


def _wish(goal: Goal) -> str:
    party = f"for {_people(goal.party)}" if goal.party else ""
    when = slot_words(goal.wanted)
    if not goal.time and goal.windows:
        when = _joined(when, _or(goal.windows))
    if goal.kind is Kind.DO:
        return _joined("Could you please" if goal.verb == "could" else "I would like to", goal.task, when)
    if goal.kind is Kind.MOVE:
        return _joined("I would like to", goal.verb, goal.task, _to(when))
    return _joined("I would like to", goal.verb, goal.task, party, when)


def _stated(text: str) -> str:
    """A goal we cannot judge, in the caller's words; only its beginning when it is long."""
    if not text:
        return "I was asked to call you, but I was not told why."
    start = " ".join(text.split())[:_STATED_CHARS].rsplit(". ", 1)[0]
    return f"I was asked to call about this: {start.rstrip(' .')}."


def _to(when: str) -> str:
    return f"to {when.removeprefix('on ')}" if when else ""


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _opening_question(goal: Goal) -> str:
    if goal.kind is Kind.CANCEL:
        return "Can you do that?"
    is_fixed = goal.time or not goal.needs_time
    return "Is that possible?" if is_fixed else "What time would you have?"


def _people(count: int) -> str:
    number = _NUMBERS.get(count, str(count))
    return f"{number} person" if count == 1 else f"{number} people"


def _or(windows: tuple[Window, ...]) -> str:
    return " or ".join(dict.fromkeys(window.spoken for window in windows))


def _speakable(fact: str) -> str:
    """Letters and digits of codes one by one."""
    words = fact.split()
    return " ".join(
        " ".join(char.upper() for char in word) if any(c.isdigit() for c in word) else word for word in words
    )


def lower_first(text: str) -> str:
    return text if text.startswith("I ") else text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
