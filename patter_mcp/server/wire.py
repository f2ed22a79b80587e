"""What comes in on stdin, on its way to the SDK: messages that its parser would throw away are made readable.

A JavaScript client that cuts a text in the middle of an emoji sends half a character, escaped, in otherwise perfect
JSON. The SDK's parser refuses the whole line, and the request is never answered.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from typing import BinaryIO

logger = logging.getLogger(__name__)

_ESCAPE = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""A whole pair of surrogates or an escaped sign; else half a pair."""


def whole_characters(line: bytes) -> bytes:
    """JSON with every half character replaced by U+FFFD."""
    return _ESCAPE.sub(lambda found: found[1] or rb"\ufffd", line) if rb"\ud" in line.lower() else line


def mend_stdin() -> None:
    """From here on file descriptor 0 gives mended lines. Call it once, before anything reads from it."""
    wire = os.fdopen(os.dup(0), "rb")
    readable, writable = os.pipe()
    os.dup2(readable, 0)
    os.close(readable)
    mending = threading.Thread(target=_mend, args=(wire, os.fdopen(writable, "wb")), name="stdin", daemon=True)
    mending.start()


def _mend(wire: BinaryIO, mended: BinaryIO) -> None:
    with wire, mended:
        try:
            for line in wire:
                mended.write(whole_characters(line))
                mended.flush()
        except OSError as error:
            # To the server it looks as if the client had gone, and so it has.
            logger.error("stdin cannot be read", extra={"why": error.strerror})
