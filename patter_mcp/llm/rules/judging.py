"""What a turn of theirs makes certain, and what it undoes."""

from __future__ import annotations

import re
from dataclasses import replace

from patter_mcp.llm.rules.clock import HALF_DAY, find_times
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.goal import Kind, Slot
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.offers import best_of, slot_of
from patter_mcp.llm.rules.people import misheard_name
from patter_mcp.llm.rules.phrasing import echo
from patter_mcp.llm.rules.recall import Act
from patter_mcp.llm.rules.understand import Heard, understand
from patter_mcp.llm.rules.words import words_of

_STATED = {Kind.CANCEL: r"cancel", Kind.MOVE: r"moved|changed|rescheduled|rebooked|switched"}
_STAYS = re.compile(
    r"\b(?:still|stays?|remains?|keep(?:ing)?) (?:\w+ )?(?:booked|down|in|on|there|valid|reserved|scheduled)\b"
)
_RESERVATION = re.compile(
    r"\bbut (?!(?:\w+ ){,3}(?:yes|yeah|okay|fine|sure|booked|set|done|see you)\b)|"
    r"\bi (?:understand|hear|heard|know) (?:that |what )?you\b|"
    r"\bi (?:can |have )?(?:found|find|see) (?:it|you|your|the)\b"
)
"""A yes with something against it ("it's late, but okay" is none), or to our words alone."""
_PASSES_ON = re.compile(
    r"\b(?:i|we) (?:will|can|could|may)(?: \w+){,2} (?:tell|let|give|remind|pass) (?:him|her|them|it|that|the)\b|"
    r"\btake a message\b"
)
"""Somebody else has the message, and not the one it is for."""
_STEM_CHARS = 5
_SHORT = 3
"""Words: what may be a hum."""
_COURTESY_WORDS = 6
"""More than these after we gave an answer back, and a thank-you is about something else."""
_GIVEN_UP = (Act.DECLINED, Act.ASKED_INSTEAD, Act.ASKED_TIME, Act.REFUSED_PAYMENT)
QUESTIONS = (
    Cue.ROBOT, Cue.WHO, Cue.WHY, Cue.ASK_NAME, Cue.ASK_SPELLING, Cue.ASK_PHONE, Cue.ASK_PARTY, Cue.ASK_DAY,
    Cue.ASK_TIME, Cue.ASK_SERVICE, Cue.ASK_SECRET, Cue.ASK_RECORD, Cue.ASK_OKAY,
    Cue.OFF_TASK, Cue.REPEAT, Cue.STILL_THERE, Cue.QUESTION,
)  # fmt: skip
"""As long as one of these is open, nothing is confirmed."""
OBJECTIONS = (
    Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED, Cue.RETRACTED, Cue.UNSURE, Cue.CONDITION, Cue.CHECKING, Cue.HOLD, Cue.DEFLECT,
    Cue.NOT_HERE, Cue.TRANSFER, Cue.WRONG_NUMBER, Cue.DO_NOT_CALL, Cue.HOSTILE, Cue.NOT_INTERESTED,
)  # fmt: skip
"""What takes the force from a yes in the same breath."""
_UNSETTLING = (*(cue for cue in OBJECTIONS if cue not in (Cue.UNAVAILABLE, Cue.CLOSED)), *QUESTIONS)
"""What leaves an answer open that we gave back; "that's right, we are closed" does not."""


def judged(memory: Memory, heard: Heard) -> Memory:
    """The memory after a turn, as far as the errand goes."""
    before = memory
    if _unsettles(memory, heard):
        memory = replace(memory, settled=False, answers=memory.answers[:-1] if memory.has_parted else memory.answers)
    judge = {"deal": _after_deal_talk, "message": _after_message_talk, "question": _after_answer}.get(memory.stage)
    after = judge(memory, heard) if judge else memory
    advanced = after.settled > before.settled or len(after.answers) > len(before.answers)
    return replace(after, advanced=advanced)


def _unsettles(memory: Memory, heard: Heard) -> bool:
    """Second thoughts, the last of which come when we have said goodbye."""
    if memory.goal.kind.is_deal and memory.settled:
        is_other = memory.has_parted and bool(heard.offers) and differs(memory, heard)
        return heard.has(Cue.RETRACTED, Cue.UNAVAILABLE) or is_other
    return memory.goal.kind is Kind.ASK and memory.has_parted and heard.has(Cue.RETRACTED)


def _after_deal_talk(memory: Memory, heard: Heard) -> Memory:
    refused = tuple(
        time for time in memory.refused_times if not any(o.time and o.time.same(time) for o in heard.offers)
    )
    is_no = heard.has(Cue.UNAVAILABLE, Cue.CLOSED, Cue.DEFLECT, Cue.NO) and not heard.offers
    is_yes = (heard.has(Cue.YES) and not heard.has(Cue.GOODBYE)) or heard.has(Cue.CONFIRMED) or bool(heard.offers)
    slots = [slot_of(offer, memory.goal, memory.slot) for offer in heard.offers]
    is_against = is_no or heard.has(Cue.RETRACTED, Cue.UNSURE, Cue.UNAVAILABLE, Cue.DEFLECT, Cue.NOT_HERE)
    agrees = heard.has(Cue.YES, Cue.CONFIRMED) and not heard.is_parting
    return replace(
        memory,
        agreed=(agrees or memory.agreed) and not is_against,
        candidate=best_of(memory.goal, slots) if slots else None if is_no else memory.candidate,
        refused_times=(*refused, *heard.refused_times),
        turned_down=is_no or (memory.turned_down and not is_yes),
        settled=confirms(memory, heard),
    )


def confirms(memory: Memory, heard: Heard) -> bool:
    """Whether this turn makes the arrangement certain: a yes to what we read back, or their own statement of it."""
    if not memory.requested or _leaves_open(memory, heard):
        return False
    if memory.pending is Act.READ_BACK:
        says_it_again = memory.streak(Act.READ_AGAIN) > 0 and any(offer.time for offer in heard.offers)
        return heard.assents or heard.has(Cue.CONFIRMED) or says_it_again
    return heard.has(Cue.CONFIRMED) and _states_it(memory, heard)


def _leaves_open(memory: Memory, heard: Heard) -> bool:
    """Whether something is said against it, left for later, or is no more than polite."""
    return (
        heard.has(*OBJECTIONS, *QUESTIONS)
        or differs(memory, heard)
        or keeps_old(memory, heard)
        or _RESERVATION.search(heard.text) is not None
        or (heard.has(Cue.WILL_CALL_BACK) and not heard.has(Cue.CONFIRMED))
        or (heard.is_parting and not memory.agreed)
        or (memory.is_slot_refused and not heard.offers and not heard.assents)
        or ("cancel" in heard.text and memory.goal.kind is not Kind.CANCEL)
    )


def _states_it(memory: Memory, heard: Heard) -> bool:
    """ "It's booked" is enough once we have said aloud what; before, they must name it themselves."""
    is_said = _is_on_the_table(memory)
    if memory.goal.kind in _STATED:
        is_settled = is_said or memory.goal.kind is Kind.CANCEL or memory.slot.time is None or bool(heard.offers)
        return is_settled and re.search(_STATED[memory.goal.kind], heard.text) is not None
    if is_said:
        return True
    if memory.goal.kind is Kind.DO and memory.slot == Slot():
        done = memory.goal.task.split()[0][:_STEM_CHARS]
        return re.search(rf"\b{re.escape(done)}", heard.text) is not None
    time = memory.slot.time
    return time is not None and any(offer.time and offer.time.same(time) for offer in heard.offers)


def _is_on_the_table(memory: Memory) -> bool:
    """What we read back last has been neither refused by them nor given up by us since."""
    for line in reversed(memory.said):
        if Act.READ_BACK in line.acts:
            return not memory.turned_down
        if not line.acts.isdisjoint(_GIVEN_UP):
            return False
    return False


def keeps_old(memory: Memory, heard: Heard) -> bool:
    """What we want cancelled or moved stays as it is."""
    is_booked = memory.goal.kind is Kind.CANCEL and "booked" in heard.words and "cancel" not in heard.text
    return is_booked or (memory.goal.kind in _STATED and _STAYS.search(heard.text) is not None)


def differs(memory: Memory, heard: Heard) -> bool:
    """Whether they named a day, a time or a number of people other than what is on the table."""
    goal = memory.goal
    if heard.party and goal.party and heard.party != goal.party:
        return True
    if wrong_name(memory, heard):
        return True
    if goal.kind is Kind.CANCEL:
        return False
    return any(not matches(memory, Slot(offer.day, offer.time)) or offer.is_range for offer in heard.offers)


def wrong_name(memory: Memory, heard: Heard) -> bool:
    """Whether they have written down somebody else; we correct it once, a recogniser mishears names for ever."""
    if not memory.goal.name or memory.count(Act.CORRECTED) or heard.has(Cue.ASK_NAME):
        return False
    if not heard.has(Cue.CONFIRMED, Cue.CHECKING, Cue.YES):
        return False
    return bool(misheard_name(heard.words, memory.goal.name, memory.goal.text))


def matches(memory: Memory, slot: Slot) -> bool:
    """Whether a slot says nothing new: same day, same time as the one on the table, as far as it names them."""
    table = memory.slot
    if slot.time and not (table.time and table.time.same(slot.time)):
        return False
    return not slot.day or bool(table.day and not slot.day.clashes(table.day, memory.goal.today))


def _after_message_talk(memory: Memory, heard: Heard) -> Memory:
    if passes_on(heard):
        return memory
    if heard.is_parting and memory.count(Act.REQUESTED) > 1:
        return memory
    is_said = heard.assents or heard.has(Cue.NOTED) or (heard.has(Cue.YES) and len(heard.words) > _SHORT)
    is_taken = is_said and not heard.has(*OBJECTIONS) and not heard.has(*QUESTIONS)
    return replace(memory, settled=is_taken and memory.pending is Act.REQUESTED)


def passes_on(heard: Heard) -> bool:
    return _PASSES_ON.search(heard.text) is not None


def _after_answer(memory: Memory, heard: Heard) -> Memory:
    """Their yes to what we gave back of their answer, or the same answer once more."""
    if memory.pending is not Act.READ_BACK or not _stands_by(memory, heard):
        return memory
    left = memory.goal.questions[len(memory.answers) + 1 :]
    count = 1
    while count <= len(left) and _also_answers(memory.answer, left[count - 1]):
        count += 1
    return replace(memory, answers=(*memory.answers, *[memory.answer] * count), pending=None)


def _stands_by(memory: Memory, heard: Heard) -> bool:
    is_definite = heard.has_number or heard.has(Cue.YES, Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED)
    if is_definite and not heard.has(Cue.UNSURE) and len(heard.words) > 2 and echo(heard.raw) == memory.answer:
        return True
    if heard.has(*_UNSETTLING):
        return False
    times = _times(memory.answer)
    says_more = heard.assents and set(times) <= set(_times(heard.text))
    says_other_time = bool(_times(heard.text) and times) and not says_more and not _repeats(memory.answer, heard)
    is_courtesy = heard.has(Cue.GOODBYE, Cue.THANKS) and len(heard.words) <= _COURTESY_WORDS
    if heard.is_parting and memory.streak(Act.READ_BACK) > 1:
        return False
    lets_stand = is_courtesy or heard.has(Cue.ANYTHING_ELSE)
    return not says_other_time and (heard.assents or lets_stand or _repeats(memory.answer, heard))


def _also_answers(answer: str, question: str) -> bool:
    """ "It is ready, you can get it until five" leaves nothing to ask about until when; "we have none" nothing."""
    asks_until = re.search(r"\b(?:until when|what time|how late)\b", question) is not None
    depends = asks_until or re.search(r"\b(?:it|they|that|one)\b", question) is not None
    is_denied = understand(answer).has(Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED)
    return (asks_until and bool(_times(answer))) or (depends and is_denied)


def _repeats(answer: str, heard: Heard) -> bool:
    return bool(_times(heard.text)) and _times(heard.text) == _times(answer)


def _times(text: str) -> list[int]:
    return [mention.clock.minutes % HALF_DAY for mention in find_times(words_of(text))]
