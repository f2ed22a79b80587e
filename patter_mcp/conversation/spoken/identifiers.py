"""Numbers that count nothing: codes, orders, rooms, houses, versions."""

from __future__ import annotations

import re

from patter_mcp.conversation.spoken.abbreviations import ROADS
from patter_mcp.conversation.spoken.number_words import decimal, dictated, pairs
from patter_mcp.conversation.spoken.rules import Rule, compiled

_NAMES = (
    "code|pin|confirmation|order|account|reference|booking|ticket|invoice|case|id|passport|policy|tracking|zip|"
    "postcode|extension|card|membership|member|serial|number|phone|ending in"
)
_PLACES = "room|suite|apartment|flight|bus|route|highway|interstate|building|gate|unit"
_SHORT = {"no": "number", "nos": "numbers", "apt": "apartment", "ste": "suite"}

SEAM = r"(?<=[^\W\d_])-?(?=\d)|(?<=\d)-?(?=[^\W\d_])|(?<=\d)-(?=\d)"
"""Between letters and digits, or digits and digits, of one word."""


def _code(match: re.Match[str]) -> str:
    """A confirmation code is spelled; a short mixture (MP3, A4) is said as it comes."""
    code = match[0]
    return " ".join(code) if len(code) > 4 or len(compiled(SEAM).findall(code)) > 1 else code


SHORT: tuple[Rule, ...] = (
    (r"(?i)\b(nos?)\. ?(?=#?\d)", lambda match: f"{_SHORT[match[1].lower()]} "),
    (r"(?i)\b(apt|ste)\.? ?(?=#?\d)", lambda match: f"{_SHORT[match[1].lower()]} "),
)
RULES: tuple[Rule, ...] = (
    (
        rf"(?i)\b((?:{_NAMES})(?: (?:code|number|no|id|is|are))*:? ?)#?(\d(?:[ -]?\d){{3,}})(?![\w%]|[.,:/]\d)",
        lambda match: match[1] + dictated(match[2]),
    ),
    (rf"(?i)\b((?:{_PLACES}) #?\d+)(?=[A-Z]\b)", r"\1 "),
    (
        rf"(?i)\b((?:{_PLACES})(?: number)? )#?(\d{{3,4}})(?![\w%]|[.,:/-]\d)",
        lambda match: match[1] + pairs(int(match[2])),
    ),
    (
        rf"(?<![\w.,$€£#])(\d{{3,4}})(?= (?:[NSEW]\.? )?(?:[A-Z]\w+ ){{1,3}}(?:{ROADS})\b)",
        lambda match: pairs(int(match[1])),
    ),
    (r"(?<=\b[A-Z]{2} )\d{5}(?:-\d{4})?\b", lambda match: dictated(match[0])),
    (r"(?<![\w.])\d+(?:\.\d+){2,}(?!\w)", lambda match: " dot ".join(map(decimal, match[0].split(".")))),
)
CODES: tuple[Rule, ...] = (
    (r"(?<=[A-Z]-)\d{3,}\b", lambda match: dictated(match[0])),
    (r"\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{3,}\b", _code),
)
"""Last of all, when nothing else has claimed them."""
