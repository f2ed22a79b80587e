"""Rules for an arrangement: booking, cancelling, moving, anything they are to do for us.

Nothing is reported as done before they have said yes to what we read back, or have stated it themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from patter_mcp.llm.rules import phrasing as say
from patter_mcp.llm.rules.answers import answers
from patter_mcp.llm.rules.cues import Cue
from patter_mcp.llm.rules.goal import Kind, Slot
from patter_mcp.llm.rules.judging import keeps_old, matches, wrong_name
from patter_mcp.llm.rules.memory import Memory
from patter_mcp.llm.rules.offers import best_of, slot_of
from patter_mcp.llm.rules.recall import Act, recall
from patter_mcp.llm.rules.replies import Reply, refused, resumed, speak, uncertain
from patter_mcp.llm.rules.understand import Heard, Offer

_BANK_CARD = re.compile(r"\b(?:credit|debit|bank|payment|cvv|cvc|security code|pin|social|ssn|password)\b")
_UPFRONT = re.compile(r"(?<!no )\b(?:deposit|prepay\w*|pre pay\w*|up front|in advance|non refundable)\b")
_WHOLE_DAY = re.compile(r"\b(?:that|all|the (?:whole|entire)|this) (?:day|evening|night|week|weekend)\b")
_NOTHING_ELSE = re.compile(r"\b(?:nothing|not (?:\w+ )?anything) (?:else|more|at all)\b")
_NO_REFUSES = (Act.REQUESTED, Act.ASKED_INSTEAD, Act.ASKED_TIME)
"""Our questions to which a bare no is a refusal."""
_NO_AGREEMENT = (Cue.NO, Cue.UNAVAILABLE, Cue.CLOSED, Cue.UNSURE, Cue.CONDITION, Cue.QUESTION, Cue.ASK_OKAY)
_OFFERING = re.compile(
    r"\b(?:can|could|would|might|have|got|how about|what about|only|instead|earliest|latest|next|first|free|open|"
    r"available|possible|offer|or|rather|better)\b"
)
"""Words that put something forward, where a plain "okay, Thursday then" takes something down."""
Rule = Callable[[Memory, Heard], Reply | None]
MAX_DECLINES = 2
MAX_READ_BACKS = 6


def payment(memory: Memory, heard: Heard) -> Reply | None:
    """We never give card or account details, and agree to no deposit."""
    is_known = bool(memory.goal.fact(heard.words)) and not _BANK_CARD.search(heard.text)
    is_upfront = _UPFRONT.search(heard.text) is not None
    has_price = is_upfront or (heard.has(Cue.PRICE) and heard.has(Cue.CONDITION) and not heard.has(Cue.NO))
    wants_money = (heard.has(Cue.ASK_SECRET) and not is_known) or (has_price and memory.stage == "deal")
    if wants_money and memory.count(Act.REFUSED_PAYMENT) < 2:
        return speak(say.NO_PAYMENT)
    if wants_money:
        return refused(memory, say.LATER)
    if memory.pending is Act.REFUSED_PAYMENT and heard.has(Cue.NO, Cue.UNAVAILABLE, Cue.CONDITION) and not heard.offers:
        return refused(memory, say.LATER)
    return None


def negotiate(memory: Memory, heard: Heard) -> Reply | None:
    """Answers what was asked and takes the arrangement one step on."""
    replied = answers(memory, heard)
    if not replied:
        return _step(memory, heard, _STEPS)
    if _cannot_tell_enough(memory, heard, replied):
        return refused(memory, *replied[:1], say.LATER)
    step = _step(memory, heard, _STEPS_BESIDE_ANSWERS)
    if step and step.ending:
        return step
    if step:
        return speak(*replied, *step.sentences)
    return speak(*replied, *(resumed(memory) if heard.has(Cue.WHO, Cue.ROBOT, Cue.WHY) else ()))


def _step(memory: Memory, heard: Heard, rules: tuple[Rule, ...]) -> Reply | None:
    return next((reply for rule in rules if (reply := rule(memory, heard))), None)


def _cannot_tell_enough(memory: Memory, heard: Heard, replied: tuple[str, ...]) -> bool:
    """They insist on something that we were not told."""
    lacks = any(Act.NOT_KNOWN in recall(sentence, memory.goal).acts for sentence in replied)
    return lacks and memory.count(Act.NOT_KNOWN) >= 2 and heard.has(Cue.NO, Cue.CONDITION, Cue.UNAVAILABLE)


def _unlike(memory: Memory, heard: Heard) -> Reply | None:
    """They have the wrong number of people, or the wrong name: said once, then read back again."""
    goal = memory.goal
    is_wrong_party = bool(heard.party and goal.party and heard.party != goal.party)
    is_wrong = is_wrong_party or wrong_name(memory, heard)
    if not is_wrong or memory.count(Act.CORRECTED) > 1 or heard.has(Cue.UNAVAILABLE):
        return None
    correction = say.correct_party(goal) if is_wrong_party else say.correct_name(goal)
    return speak(correction, say.read_back(goal, memory.slot))


def _offered(memory: Memory, heard: Heard) -> Reply | None:
    if not heard.offers or memory.goal.kind is Kind.CANCEL:
        return None
    is_refused = heard.has(Cue.NO, Cue.CLOSED, Cue.UNAVAILABLE)
    if is_refused and (memory.goal.wanted == Slot() or all(_only_day(offer, memory) for offer in heard.offers)):
        return None
    if memory.count(Act.READ_BACK) >= MAX_READ_BACKS:
        return uncertain(memory, why="They named several times.")
    slots = [slot_of(offer, memory.goal, memory.slot) for offer in heard.offers]
    if any(matches(memory, slot) for slot in slots) and not heard.has(Cue.RETRACTED):
        is_denied = heard.has(Cue.NO) and not heard.has(Cue.YES, Cue.CONFIRMED) and memory.streak(Act.READ_BACK)
        return None if is_denied else _same_again(memory, heard)
    if heard.has(Cue.CHECKING) and memory.slot.time and not heard.refused_times:
        return speak("No.", say.read_back(memory.goal, memory.slot))
    if _mistakes_us(memory, heard, slots):
        return speak(say.insist(memory.slot))
    chosen = best_of(memory.goal, slots)
    if chosen is None and heard.has(Cue.ASK_DAY, Cue.ASK_TIME):
        return None
    if chosen is None:
        return _declined(memory, heard, slots[0])
    return _accepted(memory, heard, chosen)


def _mistakes_us(memory: Memory, heard: Heard, slots: Sequence[Slot]) -> bool:
    """They agree to what we did not ask for, without having refused what we did."""
    if memory.slot == Slot() or memory.count(Act.INSISTED) or heard.has(*_NO_AGREEMENT) or heard.refused_times:
        return False
    is_other_day = not any(memory.goal.day_fits(slot.day) for slot in slots)
    is_open = memory.pending is Act.REQUESTED or (is_other_day and memory.pending is Act.READ_BACK)
    agrees = heard.has(Cue.YES, Cue.CHECKING) or heard.words[0] == "so"
    return is_open and (heard.has(Cue.CONFIRMED) or (agrees and not _OFFERING.search(heard.text)))


def _only_day(offer: Offer, memory: Memory) -> bool:
    """A refusal that names our day offers nothing."""
    return offer.time is None and not offer.is_range and not offer.part and matches(memory, Slot(offer.day))


def _same_again(memory: Memory, heard: Heard) -> Reply:
    """They named what is on the table already: ours to agree, theirs to confirm."""
    if memory.streak(Act.READ_AGAIN):
        return uncertain(memory, why="They did not confirm it.")
    if memory.slot.time is None and memory.goal.needs_time and not memory.count(Act.ASKED_TIME):
        return speak(say.ask_time(memory.slot))
    is_answer = memory.pending is Act.READ_BACK and not heard.has(Cue.CHECKING)
    phrase = say.read_back_again if is_answer else say.agree_and_check
    return speak(phrase(memory.goal, memory.slot))


def _accepted(memory: Memory, heard: Heard, slot: Slot) -> Reply:
    part = next((offer.part for offer in heard.offers if offer.part), "")
    if slot.time is None:
        wanted = memory.slot.time
        is_open = wanted is None or bool(part) or any(wanted.same(time) for time in memory.refused_times)
        if is_open and memory.goal.needs_time:
            return speak(say.ask_time(slot, part))
        slot = Slot(slot.day, wanted)
    return speak(say.accepts(slot), say.read_back(memory.goal, slot))


def _declined(memory: Memory, heard: Heard, slot: Slot) -> Reply:
    is_last = memory.count(Act.DECLINED) >= MAX_DECLINES or memory.pending is Act.ASKED_INSTEAD
    if is_last or (heard.refused_days and _is_day_lost(memory, heard)):
        return refused(memory, say.declines(slot), say.THANKS_GOODBYE)
    return speak(say.declines(slot), say.ask_instead(memory.goal, is_other_day=not memory.goal.day_fits(slot.day)))


def _unsure(memory: Memory, heard: Heard) -> Reply | None:
    """They would have to find out: we ask them to, once."""
    if heard.has(Cue.WILL_CALL_BACK):
        return uncertain(memory, say.LATER, why="They want to call back.")
    if not heard.has(Cue.UNSURE) or heard.has(Cue.UNAVAILABLE, Cue.CONFIRMED, Cue.GOODBYE):
        return None
    if memory.count(Act.ASKED_TO_CHECK):
        return uncertain(memory, say.LATER, why="They could not say.")
    return speak(say.PLEASE_CHECK)


def _unavailable(memory: Memory, heard: Heard) -> Reply | None:
    """A refusal without an offer: we ask once for something else, where the goal leaves room."""
    is_no = heard.has(Cue.NO) and not heard.has(Cue.YES) and memory.pending in _NO_REFUSES
    is_taken_back = heard.has(Cue.RETRACTED) and (heard.has(Cue.NO) or not heard.has(Cue.YES))
    is_lost = _too_late(memory, heard) or _is_slot_lost(memory, heard) or keeps_old(memory, heard)
    if not (heard.has(Cue.UNAVAILABLE, Cue.CLOSED) or is_taken_back or is_no or is_lost):
        return None
    if memory.count(Act.ASKED_INSTEAD) or memory.goal.kind in (Kind.CANCEL, Kind.DO) or _is_day_lost(memory, heard):
        return refused(memory)
    return speak("I see.", say.ask_instead(memory.goal))


def _is_day_lost(memory: Memory, heard: Heard) -> bool:
    """The only day that would do is gone."""
    goal = memory.goal
    if goal.any_day or len(goal.days) != 1:
        return False
    if not goal.needs_time or _WHOLE_DAY.search(heard.text):
        return True
    day = goal.days[0]
    is_named = any(not refused.clashes(day, goal.today) for refused in heard.refused_days)
    return is_named or (heard.has(Cue.CLOSED) and not heard.refused_times)


def _is_slot_lost(memory: Memory, heard: Heard) -> bool:
    """ "Friday full, sorry": what we asked for is named in a refusal; "booked for Friday" may be either."""
    if "booked" in heard.words:
        return False
    day, time = memory.slot.day, memory.slot.time
    is_day = day is not None and any(not refused.clashes(day, memory.goal.today) for refused in heard.refused_days)
    return is_day or (time is not None and any(refused.same(time) for refused in heard.refused_times))


def _too_late(memory: Memory, heard: Heard) -> bool:
    """ "We close at six" to a wish for eight."""
    time = memory.slot.time
    if time is None or "clos" not in heard.text:
        return False
    return any(mention.clock.near(time.minutes).minutes <= time.minutes for mention in heard.hours)


def _not_right(memory: Memory, heard: Heard) -> Reply | None:
    """No to what we read back."""
    if memory.pending is not Act.READ_BACK or not heard.has(Cue.NO) or heard.has(Cue.YES):
        return None
    is_last_word = _NOTHING_ELSE.search(heard.text) is not None or not memory.goal.needs_time
    is_refusal = heard.has(Cue.UNAVAILABLE) and (is_last_word or _is_day_lost(memory, heard))
    if is_refusal or memory.count(Act.ASKED_TIME) > 1 or memory.goal.kind in (Kind.CANCEL, Kind.DO):
        return refused(memory)
    return speak(say.ask_correct())


def _sent_elsewhere(memory: Memory, heard: Heard) -> Reply | None:
    if heard.has(Cue.DEFLECT) and not heard.has(Cue.CONFIRMED):
        return refused(memory)
    if not heard.has(Cue.NOT_HERE):
        return None
    return refused(memory) if memory.count(Act.ASKED_FOR_HELP) else speak(say.OTHERS_HELP)


def _agreed(memory: Memory, heard: Heard) -> Reply | None:
    """A yes that is not yet a confirmation."""
    if not heard.has(Cue.YES, Cue.CONFIRMED, Cue.ANY_TIME, Cue.CHECKING, Cue.NOTED):
        return None
    if heard.is_parting and (memory.pending in (Act.ASKED_INSTEAD, Act.ASKED_TIME) or not memory.agreed):
        return None
    if memory.pending is Act.READ_BACK:
        return _doubtful(memory, heard)
    slot = memory.candidate or memory.slot
    is_refused = slot.time is not None and any(slot.time.same(time) for time in memory.refused_times)
    lacks_time = memory.goal.needs_time and slot.time is None
    if (memory.pending is Act.ASKED_INSTEAD or lacks_time or is_refused) and not heard.has(Cue.ANY_TIME):
        return speak(say.ask_time(slot)) if memory.count(Act.ASKED_TIME) < 3 else uncertain(memory)
    return speak(say.read_back(memory.goal, slot))


def _doubtful(memory: Memory, heard: Heard) -> Reply | None:
    """Neither yes nor no to what we read back: once more, then we leave it open."""
    if memory.pending is not Act.READ_BACK or answers(memory, heard):
        return None
    if memory.streak(Act.READ_AGAIN):
        return uncertain(memory, why="They did not clearly confirm it.")
    return speak(say.read_back_again(memory.goal, memory.slot))


def _farewell(memory: Memory, heard: Heard) -> Reply | None:
    if not heard.has(Cue.GOODBYE):
        return None
    if (
        memory.turned_down
        or memory.is_slot_refused
        or (memory.pending is Act.ASKED_INSTEAD and memory.count(Act.DECLINED))
    ):
        return refused(memory)
    if memory.requested and not memory.count(Act.READ_AGAIN) and memory.count(Act.READ_BACK):
        return speak(say.read_back_again(memory.goal, memory.slot))
    return uncertain(memory, why="They said goodbye before it was confirmed.")


_STEPS_BESIDE_ANSWERS: tuple[Rule, ...] = (_unlike, _sent_elsewhere, _offered, _unavailable)
_STEPS: tuple[Rule, ...] = (
    _unlike,
    _sent_elsewhere,
    _offered,
    _unsure,
    _not_right,
    _unavailable,
    _agreed,
    _farewell,
    _doubtful,
)
