"""Automated menus: which key to press for our errand."""

from __future__ import annotations

import re
from dataclasses import dataclass

from patter_mcp.llm.rules.goal import Goal, Kind
from patter_mcp.llm.rules.words import UNITS, word_set, words_of

_KEYS = {word: str(value) for word, value in UNITS.items() if value < 10} | {
    **{str(value): str(value) for value in range(10)},
    **{"oh": "0", "star": "*", "pound": "#", "hash": "#", "won": "1", "too": "2", "ate": "8"},
}
_HOMOPHONES = {"to": "2", "for": "4"}
_PRESS = re.compile(
    r"\b(?:press(?:ed|ing)?|push|dial|hit|enter|select|choose|touch)\b(?: or say| say)?(?: the)?(?: number| option|"
    r" key| button)?"
)
_EMERGENCY = re.compile(r"(?:for|in|if) [^.]{0,60}?(?:dial|call) (?:nine one one|911|9 1 1)")
_FOR = re.compile(r"(?<!press )(?<!dial )(?<!say )\bfour(?= [a-z])")
"""A "for" heard as a number."""
_AT_KEY = re.compile(rf"\bat (?=(?:{'|'.join(_KEYS)})(?: (?:to|for|if|or)\b|$))")
"""A "press" misheard."""
_LABEL_LEAD = re.compile(r"(?:for|to|if)\b")
_LAST_LEAD = re.compile(r"^.*\b(?=(?:for|to|if) )")
_WELCOME = re.compile(r"thank you for (?:calling|holding)|welcome to|you have reached")
_AGAIN = re.compile(r"\b(?:repeat|again|hear (?:these|this)|previous|main menu|go back|return|more options)\b")
_HUMAN = re.compile(
    r"\b(?:operator|representative|receptionist|agent|person|someone|somebody|human|front desk|reception|staff|"
    r"team|associate|assistance|customer (?:service|care)|all other|everything else|"
    r"anything else|other (?:inquiries|questions)|"
    r"attendant|help desk|member services)\b"
)
_STEM_CHARS = 5
_THEMES = (
    word_set(
        "appointment appointments schedule scheduling book booking bookings reserve reservation reservations table "
        "visit"
    ),
    word_set("cancel cancellation cancellations change changes reschedule rescheduling modify move existing"),
    word_set("hours open opening close closing location locations directions time"),
    word_set("bill billing payment payments invoice account balance pay price charge statement"),
    word_set("prescription prescriptions refill refills pharmacy medication medicine pharmacist"),
    word_set("order orders delivery deliveries shipping tracking track package parcel status"),
    word_set("repair service maintenance oil tires car vehicle garage workshop parts"),
    word_set("repairs repair maintenance broken leak leaking heater heating plumbing fix emergency"),
    word_set("room rooms guest stay hotel"),
    word_set("membership member join renew renewal enroll"),
    word_set("card lost stolen block fraud"),
    word_set("dentist dental cleaning hygienist"),
)
_KIND_WORDS = {
    Kind.BOOK: "appointment reservation booking new",
    Kind.CANCEL: "cancel cancellation change",
    Kind.MOVE: "reschedule change",
    Kind.ASK: "question questions information",
}
_MISLEADING = {
    Kind.BOOK: word_set("existing cancel change modify confirm group"),
    Kind.CANCEL: word_set("new"),
    Kind.MOVE: word_set("new"),
}
"""Options that share words with the errand but lead elsewhere; taken only where nothing else fits."""
_COMMON = word_set(
    "for the and you our your with what this that have would like know when will press please are can from"
)


@dataclass(frozen=True, slots=True)
class Option:
    key: str
    label: str


def is_menu(text: str) -> bool:
    """Whether plain words offer keys to press."""
    return bool(_options(text)) or re.search(r"\bpress(?:ed)? (?:the )?(?:one|two|pound|star|\d)\b", text) is not None


def choose_key(text: str, goal: Goal, tried: frozenset[str]) -> str:
    """The key that fits the goal best, else a person's, else "" (nothing fits, or the menu is not over)."""
    options = [option for option in _options(text) if option.key not in tried]
    wanted = _goal_words(goal)
    misleading = _MISLEADING.get(goal.kind, frozenset[str]()) - set(words_of(goal.text))
    scored = [
        (
            score - 2 * bool(misleading & set(option.label.split())),
            score / len(option.label.split()),
            -index,
            option.key,
        )
        for index, option in enumerate(options)
        if (score := _score(option.label, wanted))
    ]
    best = max(scored, default=(0, 0.0, 0, ""))
    if best[0] > 0:
        return best[-1]
    return next((option.key for option in options if _HUMAN.search(option.label)), "")


def key_left(text: str, tried: frozenset[str]) -> str:
    """For a menu that stays unclear: a person's key almost everywhere, then what was named last."""
    named = [option.key for option in _options(text)]
    return next((key for key in ("0", *reversed(named)) if key not in tried), "")


def is_recited_twice(text: str) -> bool:
    named = [option.key for option in _options(text)]
    return len(named) > len(set(named))


def _options(text: str) -> list[Option]:
    """ "For sales press one" and "press one for sales", never one label with the next option's key."""
    text = _AT_KEY.sub("press ", text) if _PRESS.search(text) else text
    pieces = _PRESS.split(_EMERGENCY.sub(" ", _FOR.sub("for", text)))
    keys = [_key(piece) for piece in pieces[1:]]
    labels_first = _labels_come_first(pieces)
    options: list[Option] = []
    for index, (key, rest) in enumerate(keys):
        label = (pieces[0] if index == 0 else keys[index - 1][1]) if labels_first else rest
        if key:
            options.append(Option(key, _LAST_LEAD.sub("", label) if labels_first else label))
    return options


def _key(piece: str) -> tuple[str, str]:
    """The key named at the start of what follows "press", and the words after it."""
    words = piece.split()
    if not words:
        return "", ""
    if words[0] in _KEYS:
        return _KEYS[words[0]], " ".join(words[1:])
    is_number = words[0] in _HOMOPHONES and (len(words) == 1 or words[1] in ("for", "to", "if"))
    return (_HOMOPHONES[words[0]], " ".join(words[1:])) if is_number else ("", piece.strip())


def _labels_come_first(pieces: list[str]) -> bool:
    before = _WELCOME.sub(" ", pieces[0])
    has_label_before = bool(re.search(r"\b(?:for|to|if)\b", before[-60:]))
    last = _key(pieces[-1])[1]
    has_label_after = bool(_LABEL_LEAD.match(last)) and not re.search(r"\b(?:stay|hold|remain|wait|repeat)\b", last)
    return has_label_before and not (has_label_after and len(before.split()) > 12) or not has_label_after


def _goal_words(goal: Goal) -> frozenset[str]:
    own = {word for word in words_of(f"{goal.verb} {goal.task} {goal.text}") if len(word) > 3} - _COMMON
    themes = [theme for theme in _THEMES if theme & own]
    return frozenset(own).union(*themes, _KIND_WORDS.get(goal.kind, "").split(), {"english"})


def _score(label: str, wanted: frozenset[str]) -> int:
    if _AGAIN.search(label):
        return 0
    words = {word for word in label.split() if len(word) > 3} - _COMMON
    return sum(1 for word in words if word in wanted or _shares_stem(word, wanted))


def _shares_stem(word: str, wanted: frozenset[str]) -> bool:
    return len(word) >= _STEM_CHARS and any(other[:_STEM_CHARS] == word[:_STEM_CHARS] for other in wanted)
