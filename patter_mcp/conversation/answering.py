"""Who picked up, as far as their first words and a beep tell."""

from __future__ import annotations

import re

import anyio

from patter_mcp.audio.tones import BeepDetector
from patter_mcp.conversation.engine import Journal
from patter_mcp.events import WhoAnswered
from patter_mcp.types import AnsweredBy

GREETING_LOST_MS = 1500
"""A first message cut off before this is said again from its beginning: whoever picks up says hello first."""
BEEP_FRESH_SEC = 3.0
"""A beep this recent belongs to the greeting whose words have only just been recognised."""

_VOICEMAIL = re.compile(
    r"\b(?:leave (?:a|your|me a|us a) (?:short |brief )?(?:message|name)|(?:after|at) the (?:tone|beep)|voice ?mail|"
    r"can't (?:come to|take) (?:the phone|your call)|cannot (?:come to|take) (?:the phone|your call)|"
    r"not available (?:right now|at the moment|to take)|record your message|you have reached the mailbox)\b",
    re.IGNORECASE,
)
_MENU = re.compile(
    r"\b(?:(?:press|dial) (?:\d|zero|one|two|three|four|five|six|seven|eight|nine|pound|star)|para español|"
    r"listen carefully|following options|main menu|(?:enter|dial) (?:your|the) (?:\w+ )?(?:extension|number))\b",
    re.IGNORECASE,
)


def who_answered(text: str) -> AnsweredBy:
    """`human` unless the words are those of a machine."""
    if _VOICEMAIL.search(text):
        return "voicemail"
    return "ivr" if _MENU.search(text) else "human"


class Pickup:
    """One call's verdict on who is there, journalled as it changes, and the ear for a voicemail's beep."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._beeps: BeepDetector | None = BeepDetector()
        self._beep_at: float | None = None
        self.who: AnsweredBy | None = None

    @property
    def is_machine(self) -> bool:
        return self.who in ("voicemail", "ivr")

    @property
    def may_not_speak_yet(self) -> bool:
        """A voicemail that has not beeped."""
        return self.who == "voicemail" and not self._beep_is_fresh

    def judge(self, text: str) -> None:
        """Words of theirs. Once a machine is known for a voicemail, a sentence like a person's changes nothing."""
        verdict = who_answered(text)
        if self.who == verdict or (self.who is not None and verdict == "human" and self.who != "ivr"):
            return
        self.who = verdict
        self._journal.write(WhoAnswered(answered_by=verdict, source="transcript"))
        if verdict == "human":
            self._beeps = None

    def hears_beep(self, frame: bytes) -> bool:
        """Takes every frame of the line; True when a beep came to its end in this one."""
        if self._beeps is None or self._beeps.feed(frame) is None:
            return False
        self.beeped()
        return True

    def beeped(self) -> None:
        """The beep has sounded, or will not sound any more."""
        self._beep_at = anyio.current_time()

    @property
    def _beep_is_fresh(self) -> bool:
        return self._beep_at is not None and anyio.current_time() - self._beep_at < BEEP_FRESH_SEC
