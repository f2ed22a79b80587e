"""All calls that are played against the rule-based brain, with what really came of each."""

from __future__ import annotations

from rules_dialogues_basics import BASICS
from rules_dialogues_last import EVERYDAY
from rules_dialogues_latest import LATEST
from rules_dialogues_more_people import MORE_PEOPLE
from rules_dialogues_more_trades import MORE_TRADES
from rules_dialogues_partings import PARTINGS
from rules_dialogues_short import SHORT
from rules_dialogues_strangers import STRANGERS
from rules_dialogues_trades import TRADES

DIALOGUES = [*BASICS, *TRADES, *MORE_TRADES, *MORE_PEOPLE, *EVERYDAY, *STRANGERS, *LATEST, *PARTINGS, *SHORT]
