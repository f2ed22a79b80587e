"""Audio that a new connection would have to hear, because the one that broke had not made anything of it yet."""

from __future__ import annotations

from patter_mcp.audio.frame import BYTES_PER_MS

REPLAY_MS = 10_000
"""Kept; older sound that was never settled is lost."""
REPLAY_CHUNK_BYTES = 1000 * BYTES_PER_MS


class UnsettledAudio:
    """The last stretch of audio a vendor may have to be told again; positions count from the connection."""

    def __init__(self, limit_ms: int = REPLAY_MS) -> None:
        self._limit_bytes = limit_ms * BYTES_PER_MS
        self._audio = bytearray()
        self._fed_bytes = 0
        self._settled_bytes = 0

    def append(self, audio: bytes) -> None:
        self._audio += audio
        self._fed_bytes += len(audio)
        self._keep(self._limit_bytes)

    def settle(self, position_ms: float) -> None:
        """All before is dealt with. Never goes back, and never beyond what was fed."""
        position = int(min(self._fed_bytes, position_ms * BYTES_PER_MS))
        self._settled_bytes = max(self._settled_bytes, position)
        self._keep(self._fed_bytes - self._settled_bytes)

    def restart(self) -> tuple[bytes, int]:
        """What a new connection has to hear, and the milliseconds that are no longer there for it."""
        lost_bytes = self._fed_bytes - self._settled_bytes - len(self._audio)
        self._fed_bytes, self._settled_bytes = len(self._audio), 0
        return bytes(self._audio), lost_bytes // BYTES_PER_MS

    def _keep(self, size: int) -> None:
        del self._audio[: max(0, len(self._audio) - size)]
