"""Telephone tones, made and found: mono μ-law at 8 kHz, 20 ms = 160 bytes. Pure Python, no clock.

What 20 ms of audio cost a detector on one core (CPython 3.11, a small and busy virtual machine): `BeepDetector`
5 to 9 μs on a quiet line, 20 to 30 on speech, 45 on a tone; `DtmfDetector` 5 μs and 60 to 70 on anything louder.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

from patter_mcp.audio import g711
from patter_mcp.audio.frame import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ, silence

# ITU-T Q.23: a key sounds as the sum of its row's and its column's frequency.
_ROWS_HZ = (697, 770, 852, 941)
_COLUMNS_HZ = (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")
_TONES_OF_KEY = {
    key: (row_hz, column_hz)
    for row_hz, keys in zip(_ROWS_HZ, _KEYS, strict=True)
    for column_hz, key in zip(_COLUMNS_HZ, keys, strict=True)
}
_PAUSES_MS = {"w": 500, "W": 1000}

_RAMP_MS = 5
_SINE_AMPLITUDE = 8000
"""Of 32767. About -9 dBm0, what exchanges expect of each of a key's two sines; their sum cannot clip."""

_GATE_ENERGY = 100 * 100
"""Mean square below which nothing is looked for: -50 dB of full scale, a quiet line."""

_SAMPLES = g711.DECODE_TABLE
_SQUARES = tuple(sample * sample for sample in _SAMPLES)


def dtmf(digits: str, *, tone_ms: int = 160, gap_ms: int = 80) -> bytes:
    """The sound of keys `0-9 * # A-D`, each followed by a gap; `w` is a pause of 500 ms, `W` of 1000 ms.

    Raises:
        ValueError: there is no such key.
    """
    return b"".join(_key_sound(key, tone_ms, gap_ms) for key in digits)


def beep(*, frequency_hz: float = 1000, duration_ms: int = 400) -> bytes:
    """A tone as answering machines make it."""
    return _sines((frequency_hz,), duration_ms)


@functools.cache
def _key_sound(key: str, tone_ms: int, gap_ms: int) -> bytes:
    if key in _PAUSES_MS:
        return silence(_PAUSES_MS[key])
    if key not in _TONES_OF_KEY:
        raise ValueError(f"no such key on a telephone: {key!r}")
    return _sines(_TONES_OF_KEY[key], tone_ms) + silence(gap_ms)


def _sines(frequencies_hz: tuple[float, ...], duration_ms: int) -> bytes:
    """Their sum, faded in and out by raised cosines: a hard edge would spread over all frequencies."""
    count = duration_ms * BYTES_PER_MS
    ramp = min(_RAMP_MS * BYTES_PER_MS, count // 2)
    radians = [math.tau * hz / SAMPLE_RATE_HZ for hz in frequencies_hz]
    pcm = bytearray()
    for n in range(count):
        edge = min(n, count - 1 - n)
        fade = 0.5 - 0.5 * math.cos(math.pi * edge / ramp) if edge < ramp else 1.0
        sample = fade * _SINE_AMPLITUDE * sum(math.sin(step * n) for step in radians)
        pcm += round(sample).to_bytes(2, "little", signed=True)
    return g711.encode(bytes(pcm))


class _Framer:
    """Cuts audio of any length into pieces of one size, carrying the rest over."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = b""

    def pieces(self, audio: bytes) -> Iterator[bytes]:
        audio = self._rest + audio if self._rest else audio
        whole = len(audio) - len(audio) % self._size
        self._rest = audio[whole:]
        for start in range(0, whole, self._size):
            yield audio[start : start + self._size]


def _energy(audio: bytes) -> int:
    """Sum of squares."""
    return sum(map(_SQUARES.__getitem__, audio))


def _power_at(samples: list[int], radians: float) -> float:
    """Energy of the samples in a sine of that frequency, by Goertzel's recurrence; all of it for a pure sine."""
    coefficient = 2 * math.cos(radians)
    last = before = 0.0
    for sample in samples:
        last, before = sample + coefficient * last - before, last
    return (last * last + before * before - coefficient * last * before) * 2 / len(samples)


_MIN_BEEP_FRAMES = 8  # whole and clean ones, of the ten that last 200 ms
_MAX_BEEP_FRAMES = 2400 // FRAME_MS
_END_FRAMES = 2
_ALONE_FRAMES = 300 // FRAME_MS
_NOTE_FRAMES = 100 // FRAME_MS  # a vowel can be as pure as a tone, but not for as long as a note
_STEADY = 0.03  # a machine's tone stays within this part of its frequency; a voice does not for long
_PURE = 0.9
_SEARCH_RADIANS = tuple(math.tau * off_hz / SAMPLE_RATE_HZ for off_hz in (-20, -10, 0, 10, 20))
"""Around the first guess; in 20 ms a sine 10 Hz off already loses an eighth of its energy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beep:
    frequency_hz: float
    duration_ms: int
    """To within a frame."""


class BeepDetector:
    """Finds the beep after which one may speak to an answering machine.

    A beep is one steady tone of 400-2200 Hz that holds nine tenths of the energy for 0.2 to 2.4 s and stands alone:
    the rising tones before "the number you have dialed…", music, keys and a fax machine's answer (2100 Hz, 2.6 s and
    more, ITU-T T.30) are none. Reported within 40 ms of its end.
    """

    def __init__(self) -> None:
        self._framer = _Framer(FRAME_BYTES)
        self._run = _ToneRun()
        self._since_tone_frames = _ALONE_FRAMES

    def feed(self, audio: bytes) -> Beep | None:
        """Takes audio of any length; the beep that came to its end in it, the last one if there are several."""
        found: Beep | None = None
        for frame in self._framer.pieces(audio):
            found = self._frame(_pure_tone_hz(frame)) or found
        return found

    def _frame(self, tone_hz: float | None) -> Beep | None:
        if tone_hz is None:
            self._since_tone_frames += 1
            return self._run.beep() if self._since_tone_frames == _END_FRAMES else None
        if self._since_tone_frames >= _END_FRAMES or not self._run.continues(tone_hz):
            self._run = _ToneRun(alone=self._since_tone_frames >= _ALONE_FRAMES or not self._run.is_note)
        self._run.add(tone_hz)
        self._since_tone_frames = 0
        return None


class _ToneRun:
    """Frames in a row that hold the same tone."""

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._count = 0
        self._sum_hz = 0.0

    @property
    def is_note(self) -> bool:
        return self._count >= _NOTE_FRAMES

    def continues(self, tone_hz: float) -> bool:
        mean_hz = self._sum_hz / self._count
        return abs(tone_hz - mean_hz) <= _STEADY * mean_hz

    def add(self, tone_hz: float) -> None:
        self._count += 1
        self._sum_hz += tone_hz

    def beep(self) -> Beep | None:
        if not self._alone or not _MIN_BEEP_FRAMES <= self._count <= _MAX_BEEP_FRAMES:
            return None
        return Beep(frequency_hz=self._sum_hz / self._count, duration_ms=self._count * FRAME_MS)


def _pure_tone_hz(frame: bytes) -> float | None:
    """The frequency that holds nine tenths of the frame's energy, if there is one of 400-2200 Hz.

    A sine in white noise is given by two autocorrelations (Pisarenko): with `r(n) = share * cos(n * radians)`,
    `share` solves `share**2 + r(2) * share - 2 * r(1)**2 = 0`. Two sines can pass for one there, so the
    energy at the frequency found is then measured.
    """
    energy = _energy(frame)
    if energy < _GATE_ENERGY * len(frame):
        return None
    samples = list(map(_SAMPLES.__getitem__, frame))
    r1 = sum(map(mul, samples, samples[1:])) / energy
    r2 = sum(map(mul, samples, samples[2:])) / energy
    share = (math.sqrt(r2 * r2 + 8 * r1 * r1) - r2) / 2
    if share < _PURE - 0.05:
        return None
    radians = math.acos(max(-1.0, min(1.0, r1 / share)))
    power, radians = max((_power_at(samples, radians + off), radians + off) for off in _SEARCH_RADIANS)
    hz = radians * SAMPLE_RATE_HZ / math.tau
    return hz if 390 <= hz <= 2210 and power >= _PURE * energy else None


_BLOCK_BYTES = 205  # 25.6 ms: 39 Hz apart can be told apart, and the rows are 73 Hz apart
_MIN_SHARE = 0.7
_DOMINANCE = 4.0  # 6 dB over the others of its group
_COLUMN_OVER_ROW, _ROW_OVER_COLUMN = 2.5, 6.3  # 4 dB and 8 dB
_MAX_OVERTONE = 0.1


class DtmfDetector:
    """Finds keys pressed as tones in the audio, 80 ms and longer with gaps of 80 ms and longer.

    As ITU-T Q.24 asks: one sine of each group alone, neither much louder than the other, together most of
    the energy, and without overtones (a voice has them). Only machines' tones, within 0.5 % of their frequencies.
    """

    def __init__(self) -> None:
        self._framer = _Framer(_BLOCK_BYTES)
        self._candidate: str | None = None
        self._pressed: str | None = None
        self._missed_blocks = 0

    @property
    def sounding(self) -> bool:
        """A key is down, or was in the last block and may be."""
        return self._candidate is not None or self._pressed is not None

    def feed(self, audio: bytes) -> str:
        """Takes audio of any length; the keys newly pressed in it, "" for none."""
        return "".join(self._block(_key_in(block)) for block in self._framer.pieces(audio))

    def _block(self, key: str | None) -> str:
        seen_twice = key is not None and key == self._candidate
        self._candidate = key
        if key is not None and key == self._pressed:
            self._missed_blocks = 0
            return ""
        if key is not None and seen_twice:
            self._pressed, self._missed_blocks = key, 0
            return key
        self._missed_blocks += 1
        if self._missed_blocks == 2:
            self._pressed = None
        return ""


def _key_in(block: bytes) -> str | None:
    energy = _energy(block)
    if energy < _GATE_ENERGY * len(block):
        return None
    samples = list(map(_SAMPLES.__getitem__, block))
    row, column = _strongest(samples, _ROWS_HZ), _strongest(samples, _COLUMNS_HZ)
    if row is None or column is None or row.power + column.power < _MIN_SHARE * energy:
        return None
    if column.power > _COLUMN_OVER_ROW * row.power or row.power > _ROW_OVER_COLUMN * column.power:
        return None
    if any(_power_at(samples, 2 * sine.radians) > _MAX_OVERTONE * sine.power for sine in (row, column)):
        return None
    return _KEYS[row.place][column.place]


class _Sine(NamedTuple):
    power: float
    place: int
    radians: float


def _strongest(samples: list[int], frequencies_hz: tuple[int, ...]) -> _Sine | None:
    """The one that stands out among them."""
    radians = [math.tau * hz / SAMPLE_RATE_HZ for hz in frequencies_hz]
    sines = sorted(_Sine(_power_at(samples, step), place, step) for place, step in enumerate(radians))
    return sines[-1] if sines[-1].power > _DOMINANCE * sines[-2].power else None
