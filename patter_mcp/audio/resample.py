"""Streaming sample rate conversion of mono s16le PCM.

Uses soxr when it is installed; otherwise a polyphase FIR filter in plain Python, good enough for a telephone
line: about 2 % of a core while speech at 24 kHz comes in.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import sys
from array import array
from collections.abc import Sequence
from operator import mul
from typing import Any, Protocol

_ZERO_CROSSINGS = 12
"""Half-length of the fallback's filter in periods of its cut-off: 24 taps per output sample at equal rates."""
_ROLL_OFF = 0.92
"""Cut-off as a share of the lower rate's half: 3.7 kHz for a telephone line."""


class Resampler:
    """One direction of one stream; pieces of any length in and out, half samples carried over."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._converter = _converter(from_hz, to_hz)
        self._half_sample = b""

    def feed(self, pcm: bytes) -> bytes:
        """May return less than went in, or nothing: the filter looks ahead (soxr 43 ms at 24 kHz)."""
        return self._convert(pcm, last=False)

    def flush(self) -> bytes:
        """What is still in the filter. The stream is over; half a sample left over is dropped."""
        return self._convert(b"", last=True)

    def _convert(self, pcm: bytes, *, last: bool) -> bytes:
        whole = self._half_sample + pcm
        even = len(whole) & ~1
        self._half_sample = whole[even:]
        return self._converter.convert(whole[:even], last=last)


class _Converter(Protocol):
    def convert(self, pcm: bytes, *, last: bool) -> bytes: ...


def _converter(from_hz: int, to_hz: int) -> _Converter:
    if from_hz == to_hz:
        return _Same()
    if importlib.util.find_spec("soxr") is not None:
        return _Soxr(from_hz, to_hz)
    return Polyphase(from_hz, to_hz)


class _Same:
    def convert(self, pcm: bytes, *, last: bool) -> bytes:
        return pcm


class _Soxr:
    def __init__(self, from_hz: int, to_hz: int) -> None:
        import numpy  # noqa: PLC0415
        import soxr  # noqa: PLC0415

        self._numpy: Any = numpy
        self._stream: Any = soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="HQ")

    def convert(self, pcm: bytes, *, last: bool) -> bytes:
        samples = self._numpy.frombuffer(pcm, dtype="<i2")
        return self._stream.resample_chunk(samples, last=last).astype("<i2").tobytes()


class Polyphase:
    """The fallback: each output sample is a weighted sum of the input around it."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        common = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        self._phases = _phases(self._up, self._down)
        self._taps = len(self._phases[0])
        self._input: list[float] = [0.0] * (self._taps // 2)  # so that the first output sits on the first input
        self._position = 0  # of the next output in the input, in 1/up samples

    def convert(self, pcm: bytes, *, last: bool) -> bytes:
        self._input.extend(_samples(pcm))
        if last:
            self._input.extend([0.0] * (self._taps // 2))
        return _bytes(self._outputs())

    def _outputs(self) -> list[int]:
        outputs: list[int] = []
        while (start := self._position // self._up) + self._taps <= len(self._input):
            weights = self._phases[self._position % self._up]
            total = sum(map(mul, weights, self._input[start : start + self._taps]))
            outputs.append(max(-32768, min(32767, round(total))))
            self._position += self._down
        used = min(self._position // self._up, len(self._input))
        del self._input[:used]
        self._position -= used * self._up
        return outputs


@functools.cache
def _phases(up: int, down: int) -> Sequence[Sequence[float]]:
    """The weights for each position an output can have between two inputs, each set summing to one."""
    cutoff = _ROLL_OFF * min(1.0, up / down)
    half = math.ceil(_ZERO_CROSSINGS / cutoff)
    return [_weights(phase / up, cutoff, half) for phase in range(up)]


def _weights(offset: float, cutoff: float, half: int) -> Sequence[float]:
    """A windowed sinc (Hann) centred `offset` after the middle sample."""
    distances = [tap - half - offset for tap in range(2 * half + 1)]
    weights = [_sinc(cutoff * d) * (0.5 + 0.5 * math.cos(math.pi * d / (half + 1))) for d in distances]
    total = sum(weights)
    return [weight / total for weight in weights]


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _samples(pcm: bytes) -> array[int]:
    samples = array("h")
    samples.frombytes(pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _bytes(values: list[int]) -> bytes:
    samples = array("h", values)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
