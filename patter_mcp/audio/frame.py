"""The one audio format that crosses rooms, and its arithmetic.

Everywhere between carrier and speech vendors audio is *mono μ-law (G.711) at 8 kHz; 20 ms = 160 bytes*.
Whoever needs something else (a VAD wants PCM, a vendor sends 24 kHz) converts inside its own room.
"""

from __future__ import annotations

SAMPLE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_BYTES = 160
BYTES_PER_MS = 8
ULAW_SILENCE = 0xFF
"""μ-law for zero. 0x00 would be full-scale noise: never zero-fill a μ-law buffer."""


def duration_ms(audio: bytes | bytearray | memoryview) -> float:
    """Length of μ-law audio in milliseconds."""
    return len(audio) / BYTES_PER_MS


def silence(ms: float) -> bytes:
    """μ-law silence of that length, rounded down to whole samples."""
    return bytes((ULAW_SILENCE,)) * int(ms * BYTES_PER_MS)
