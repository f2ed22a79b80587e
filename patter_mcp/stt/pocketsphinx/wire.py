"""What is said between a call's ear and the helper program; see `worker` for the envelope."""

from __future__ import annotations

from patter_mcp.worker import FIRST_KIND

AUDIO = FIRST_KIND
"""μ-law, any length."""
FINALIZE = FIRST_KIND + 1
"""The utterance is over; answered by `FINAL`."""
INTERIM = FIRST_KIND + 2
"""Text."""
FINAL = FIRST_KIND + 3
"""Text, empty when nothing was understood."""
GUESSED = FIRST_KIND + 4
"""How many words of the hints no dictionary has, in decimal digits."""
