"""Who picked up, as far as their first words tell."""

from __future__ import annotations

import re

from patter_mcp.types import AnsweredBy

_VOICEMAIL = re.compile(
    r"\b(?:leave (?:a|your|me a|us a) (?:short |brief )?(?:message|name)|(?:after|at) the (?:tone|beep)|voice ?mail|"
    r"can't (?:come to|take) (?:the phone|your call)|cannot (?:come to|take) (?:the phone|your call)|"
    r"not available (?:right now|at the moment|to take)|record your message|you have reached the mailbox)\b",
    re.IGNORECASE,
)
_MENU = re.compile(
    r"\b(?:press (?:\d|zero|one|two|three|four|five|six|seven|eight|nine|pound|star)|para español|"
    r"listen carefully|following options|main menu|(?:enter|dial) (?:your|the) (?:\w+ )?(?:extension|number))\b",
    re.IGNORECASE,
)


def who_answered(text: str) -> AnsweredBy:
    """`human` unless the words are those of a machine."""
    if _VOICEMAIL.search(text):
        return "voicemail"
    return "ivr" if _MENU.search(text) else "human"
