"""WebSocket messages on the wire, where they are plain: in one frame, and of ordinary size (RFC 6455, 5.2).

Nearly all are. The protocol object would do for them too, but takes three times as long, and asks the system for each
mask by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from struct import Struct

from websockets.frames import Opcode

try:
    from websockets.speedups import apply_mask
except ImportError:  # the compiled part is optional
    from websockets.utils import apply_mask

MASKS_AT_ONCE = 256
"""Of four random bytes each: what five seconds of audio need."""
_SHORT_HEAD, _MIDDLE_HEAD, _LONG_HEAD = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")
_FINAL = 0x80
_MASKED = 0x80
_WHOLE_TEXT = _FINAL | Opcode.TEXT
_WHOLE = (_WHOLE_TEXT, _FINAL | Opcode.BINARY)
"""First byte of a message in one frame."""


def masks() -> Iterator[bytes]:
    """For the frames of a client."""
    while True:
        random = os.urandom(4 * MASKS_AT_ONCE)
        yield from (random[start : start + 4] for start in range(0, len(random), 4))


def frame(opcode: Opcode, payload: bytes, mask: bytes | None) -> bytes:
    """A whole message on the wire; a client's is masked."""
    masked = 0 if mask is None else _MASKED
    size = len(payload)
    if size < 126:
        head = _SHORT_HEAD.pack(_FINAL | opcode, masked | size)
    elif size < 65_536:
        head = _MIDDLE_HEAD.pack(_FINAL | opcode, masked | 126, size)
    else:
        head = _LONG_HEAD.pack(_FINAL | opcode, masked | 127, size)
    return head + payload if mask is None else head + mask + apply_mask(payload, mask)


class FrameSplitter:
    """Cuts what arrives where frames end, wherever the network has cut it.

    Args:
        masked: The other end is a client.
        plain: Takes a message of less than 64 KiB, and whether it is text.
        other: Takes bytes for the protocol object: control frames, fragments, what is large and what is wrong.
    """

    def __init__(self, *, masked: bool, plain: Callable[[bytes, bool], None], other: Callable[[bytes], None]) -> None:
        self._masked = _MASKED if masked else 0
        self._plain = plain
        self._other = other
        self._kept = b""
        """The beginning of a frame whose rest has not come."""
        self._owed_bytes = 0
        """What is still to come of a frame that is not plain."""
        self._fragmented = False
        """A message in fragments has begun and not ended; a plain one in between would be a fault."""

    def feed(self, data: bytes) -> None:
        data = self._kept + data if self._kept else data
        at = 0
        while at < len(data):
            if self._owed_bytes:
                at = self._pass_on(data, at)
                continue
            bounds = self._bounds(data, at)
            if bounds is None:
                break
            body, end = bounds
            if not self._is_plain(data, at):
                self._begin_other(data[at], end - at)
            elif end <= len(data):
                self._deliver(data[at] == _WHOLE_TEXT, data[body:end])
                at = end
            else:
                break
        self._kept = data[at:]

    def _pass_on(self, data: bytes, at: int) -> int:
        part = data[at : at + self._owed_bytes]
        self._owed_bytes -= len(part)
        self._other(part)
        return at + len(part)

    def _bounds(self, data: bytes, at: int) -> tuple[int, int] | None:
        """Where the mask, or without one the payload, of the frame at `at` begins, and where it ends."""
        if len(data) < at + 2:
            return None
        size, body = data[at + 1] & 0x7F, at + 2
        if size >= 126:
            body += 2 if size == 126 else 8
            if len(data) < body:
                return None
            size = int.from_bytes(data[at + 2 : body])
        return body, body + size + (4 if data[at + 1] & _MASKED else 0)

    def _is_plain(self, data: bytes, at: int) -> bool:
        head, length = data[at], data[at + 1]
        return head in _WHOLE and length & _MASKED == self._masked and length & 0x7F < 127 and not self._fragmented

    def _deliver(self, is_text: bool, body: bytes) -> None:
        self._plain(apply_mask(body[4:], body[:4]) if self._masked else body, is_text)

    def _begin_other(self, head: int, size: int) -> None:
        opcode, final = head & 0x0F, head & _FINAL
        if opcode < Opcode.CLOSE:
            self._fragmented = not final
        # After a close frame come no more messages.
        self._owed_bytes = sys.maxsize if opcode == Opcode.CLOSE else size
