"""Logging to stderr: one line per message, fields behind it, and nothing in it that must not be there.

A message is a fixed sentence; what varies goes into `extra`, which becomes `key=value`. Every line is masked on its
way out, whoever wrote it: phone numbers, account and call ids of carriers, keys, one-time stream tokens.
What people say never shows: the fields that may hold it give their length only.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any, TextIO

SPEECH_FIELDS = frozenset({"arguments", "digits", "first_message", "goal", "prompt", "speech", "text", "transcript"})
"""Fields of `extra` whose content is never written."""

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName"}
_PLAIN_VALUE = re.compile(r"[^\s\"=\\]+")
_BARE_HEAD_CHARS = 4
_HIDDEN_CHARS = 5
_TAIL_CHARS = 2


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sets this process's logging up; to be called once, before anything else does.

    Args:
        level: Of this package's messages. Other libraries are heard from WARNING on, because below that they
            write out what they send and receive.
        stream: Default: stderr, as stdout may belong to MCP.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("patter_mcp").setLevel(level)
    logging.captureWarnings(True)


class LineFormatter(logging.Formatter):
    """`2026-07-28T09:30:00.123Z WARNING patter_mcp.calls.live a sentence call_id=call_… why="two words"`."""

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        moment = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        message = " ".join(record.message.splitlines())
        head = f"{moment}.{int(record.msecs):03d}Z {record.levelname} {record.name} {message}"
        fields = (f"{name}={_shown(name, value)}" for name, value in _extra(record).items())
        return " ".join([head, *fields])


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}


def _shown(name: str, value: object) -> str:
    text = str(value)
    if name in SPEECH_FIELDS:
        return f"<{len(text)} chars>"
    return text if _PLAIN_VALUE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def mask(text: str) -> str:
    """`text` without phone numbers, carriers' account and call ids, credentials and stream tokens.

    +12025550123 becomes +1202•••••23: country and area stay, for whoever reads it has to recognise a call.
    """
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def _masked_number(match: re.Match[str]) -> str:
    plus, digits = match["plus"], match["digits"]
    shown = min(_BARE_HEAD_CHARS, len(digits) - _HIDDEN_CHARS - _TAIL_CHARS)
    return f"{plus}{digits[:shown]}{'•' * (len(digits) - shown - _TAIL_CHARS)}{digits[-_TAIL_CHARS:]}"


_MASKS = (
    (re.compile(r"(?P<plus>\+|%2[Bb])(?P<digits>[1-9]\d{6,14})(?!\d)"), _masked_number),
    (re.compile(r"\b(AC|SK|CA)[0-9a-f]{28}([0-9a-f]{4})\b"), r"\1…\2"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), r"\1 •••"),
    (re.compile(r"\bsk-[\w-]{8,}"), "sk-•••"),
    (re.compile(r"(/media/)[\w-]+"), r"\1•••"),
)
