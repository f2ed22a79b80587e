"""What is said between a call's voice and the helper program; see `worker` for the envelope."""

from __future__ import annotations

import struct

from patter_mcp.worker import FIRST_KIND

SPEAK = FIRST_KIND
"""Utterance number, then the text; answered by `SPOKEN`, in order."""
CANCEL = FIRST_KIND + 1
"""Utterance number: what of it has not been synthesised will not be."""
SPOKEN = FIRST_KIND + 2
"""Utterance number, then the μ-law audio of one `SPEAK`."""

UTTERANCE = struct.Struct(">I")
