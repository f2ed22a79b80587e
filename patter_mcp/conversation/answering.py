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

_RECORDS = re.compile(
    r"\b(?:(?:after|at|following) the (?:tone|beep|signal)|record your (?:message|name)|"
    r"reached the (?:mailbox|voice ?mail)|"
    r"(?:mailbox|voice ?mail|answering machine) (?:of|for)|voice ?mail ?box|"
    r"nach dem (?:signal|piep)?ton|anrufbeantworter|mailbox von|"
    r"après le (?:bip|signal)|(?:messagerie|boîte) vocale|répondeur|"
    r"después (?:de la señal|del tono)|buzón de voz|contestador|"
    r"dopo il (?:segnale|bip|tono)|segreteria telefonica|"
    r"na de (?:piep|toon)|voicemail van|"
    r"após o (?:sinal|bip|toque)|caixa postal|correio de voz)\b",
    re.IGNORECASE,
)
"""Only machines say so."""
_AWAY = re.compile(
    r"\b(?:leave (?:a|your|me a|us a) (?:short |brief |detailed )?(?:message|name)|voice ?mail|"
    r"(?:i|we|you(?:'re| are) calling) (?:can't|cannot|can not) (?:come to|take|answer) (?:the phone|your call)|"
    r"(?:i'm|i am|we're|we are|you(?:'re| are) (?:calling|trying to reach) is) (?:currently |)"
    r"(?:not available|unavailable|away from)|"
    r"hinterlassen sie|laissez(?:-moi|-nous)? (?:un|votre) message|deje (?:un|su) mensaje|"
    r"lasci(?:a|ate)? un messaggio|(?:laat|spreek) (?:een|uw) (?:bericht|boodschap)|deixe (?:um|uma|a sua|o seu|sua) "
    r"(?:mensagem|recado))\b",
    re.IGNORECASE,
)
"""Machines say so, and now and then a person does, of somebody who is not there."""
_ASKS = re.compile(
    r"\b(?:(?:would|do|did) you (?:like|want|care|wish)|(?:can|may|could|shall) i (?:take|ask|help|tell|have|get|pass)|"
    r"who(?:'s| is) (?:calling|this|that|speaking)|"
    r"you (?:can|could|may|want to) (?:also )?leave (?:a|your) (?:message|name) with|"
    r"möchten sie|wollen sie|voulez-vous|souhaitez-vous|quiere|desea|vuole|desidera|wilt u|quer|gostaria)\b",
    re.IGNORECASE,
)
"""Machines do not ask."""
_MENU = re.compile(
    r"\b(?:(?:press|dial) (?:\d|zero|one|two|three|four|five|six|seven|eight|nine|pound|star)|para español|"
    r"listen carefully|following options|main menu|(?:enter|dial) (?:your|the) (?:\w+ )?(?:extension|number)|"
    r"drücken sie|wählen sie die|appuyez sur|tapez (?:\d|un|deux)|"
    r"(?:presione|pulse|marque) (?:el )?(?:\d|uno|dos|tres|cero)|"
    r"(?:premere|digitare|prema) (?:il )?(?:\d|uno|due|tre)|(?:kies|toets|druk op) (?:een )?(?:\d|één|twee)|"
    r"(?:digite|tecle|disque|pressione) (?:o )?(?:\d|um|dois|três))\b",
    re.IGNORECASE,
)


def who_answered(text: str, *, after_a_person: bool = False) -> AnsweredBy:
    """`human` unless the words are those of a machine.

    Args:
        after_a_person: One has spoken in this call already, who may speak of messages and of those who are not there.
    """
    if _RECORDS.search(text):
        return "voicemail"
    if _AWAY.search(text) and not after_a_person and not _ASKS.search(text):
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

    def verdict(self, text: str) -> AnsweredBy:
        """Who speaks such words, after what is known."""
        return who_answered(text, after_a_person=self.who == "human")

    def judge(self, text: str) -> None:
        """Words of theirs. Once a machine is known for a voicemail, a sentence like a person's changes nothing."""
        verdict = self.verdict(text)
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
