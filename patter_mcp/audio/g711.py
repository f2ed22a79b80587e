"""μ-law (ITU-T G.711) to linear PCM and back, by table.

PCM is mono s16le at 8 kHz; 20 ms = 160 samples = 320 bytes (μ-law: 160 bytes).
"""

from __future__ import annotations

import functools
import sys
from array import array

_BIAS = 132
_CLIP = 32635


def _decode_one(code: int) -> int:
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + _BIAS << ((inverted >> 4) & 7)) - _BIAS
    return -magnitude if inverted & 0x80 else magnitude


def _encode_one(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), _CLIP) + _BIAS
    exponent = biased.bit_length() - 8
    return ~(sign | exponent << 4 | (biased >> exponent + 3) & 0x0F) & 0xFF


DECODE_TABLE: tuple[int, ...] = tuple(_decode_one(code) for code in range(256))
"""PCM value of each μ-law code."""


@functools.cache
def _encode_table() -> bytes:
    """Codes by the sample's bits read as unsigned: index 0x8000 is -32768."""
    return bytes(_encode_one(value - 0x10000 if value > 0x7FFF else value) for value in range(0x10000))


def decode(ulaw: bytes) -> bytes:
    """μ-law to PCM; twice as many bytes come back."""
    samples = array("h", map(DECODE_TABLE.__getitem__, ulaw))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def encode(pcm: bytes) -> bytes:
    """PCM to μ-law; half as many bytes come back.

    Raises:
        ValueError: an odd number of bytes; the caller has to carry half a sample to the next piece.
    """
    samples = array("H")
    samples.frombytes(pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return bytes(map(_encode_table().__getitem__, samples))
