"""Rate conversion by either converter, judged by what becomes of pure tones."""

from __future__ import annotations

import importlib.util
import math
import struct
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.audio.resample import Polyphase, Resampler

Pcm = Sequence[float]
AMPLITUDE = 12_000
DITHER = 4
"""soxr adds noise of about one step to what it rounds: no two runs are the same."""


def tone(hz: float, rate_hz: int, sec: float = 0.25) -> bytes:
    count = int(rate_hz * sec)
    return pack([AMPLITUDE * math.sin(2 * math.pi * hz * n / rate_hz) for n in range(count)])


def pack(values: Pcm) -> bytes:
    return struct.pack(f"<{len(values)}h", *map(round, values))


def unpack(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def level_db(values: Pcm) -> float:
    """Of full amplitude; edges, where the filter has one side only, left out."""
    middle = values[len(values) // 8 : -len(values) // 8]
    return 10 * math.log10(max(1e-6, sum(v * v for v in middle) / len(middle)) / (AMPLITUDE**2 / 2))


def by_resampler(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    resampler = Resampler(from_hz, to_hz)
    return resampler.feed(pcm) + resampler.flush()


def by_polyphase(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    return Polyphase(from_hz, to_hz).convert(pcm, last=True)


both = pytest.mark.parametrize("convert", [by_resampler, by_polyphase])
rates = pytest.mark.parametrize(("from_hz", "to_hz"), [(24_000, 8000), (22_050, 8000), (16_000, 8000), (8000, 16_000)])
Convert = Callable[[bytes, int, int], bytes]


@both
@rates
def test_a_tone_of_speech_keeps_its_place_and_loudness(convert: Convert, from_hz: int, to_hz: int) -> None:
    for hz in (300, 1000, 2500):
        out = unpack(convert(tone(hz, from_hz), from_hz, to_hz))
        wanted = unpack(tone(hz, to_hz))
        assert abs(len(out) - len(wanted)) <= 2
        error = [a - b for a, b in zip(out, wanted, strict=False)]
        assert level_db(error) < -40


@both
@pytest.mark.parametrize("from_hz", [24_000, 22_050, 16_000])
def test_what_the_lower_rate_cannot_carry_is_gone(convert: Convert, from_hz: int) -> None:
    for hz in (5000, 7000):
        assert level_db(unpack(convert(tone(hz, from_hz), from_hz, 8000))) < -50


@rates
@given(cuts=st.lists(st.integers(1, 700), max_size=8))
@settings(max_examples=25)
def test_pieces_of_any_length_give_what_the_whole_gives(from_hz: int, to_hz: int, cuts: list[int]) -> None:
    pcm = tone(440, from_hz, 0.05)
    resampler = Resampler(from_hz, to_hz)
    out, rest = b"", pcm
    for cut in cuts:
        out += resampler.feed(rest[:cut])
        rest = rest[cut:]
    out += resampler.feed(rest) + resampler.flush()
    whole = by_resampler(pcm, from_hz, to_hz)
    assert len(out) == len(whole)
    assert all(abs(a - b) <= DITHER for a, b in zip(unpack(out), unpack(whole), strict=True))


@given(cuts=st.lists(st.integers(0, 300), max_size=8))
@settings(max_examples=25)
def test_the_fallback_too(cuts: list[int]) -> None:
    pcm = tone(440, 24_000, 0.05)
    converter = Polyphase(24_000, 8000)
    out, rest = b"", pcm
    for cut in cuts:
        out += converter.convert(rest[: 2 * cut], last=False)
        rest = rest[2 * cut :]
    assert out + converter.convert(rest, last=True) == by_polyphase(pcm, 24_000, 8000)


def test_full_scale_does_not_wrap_around() -> None:
    square = pack([32_767 if n // 40 % 2 else -32_768 for n in range(4800)])
    for convert in (by_resampler, by_polyphase):
        out = unpack(convert(square, 24_000, 8000))
        assert max(out) == 32_767
        wanted = [32_767 if n * 3 // 40 % 2 else -32_768 for n in range(len(out))]
        flipped = sum((a > 0) != (b > 0) for a, b in zip(out, wanted, strict=True))
        assert flipped <= len(out) * 3 / 40 * 2, "only beside an edge"


def test_equal_rates_pass_through() -> None:
    pcm = tone(440, 8000)
    resampler = Resampler(8000, 8000)
    assert resampler.feed(pcm[:7]) + resampler.feed(pcm[7:]) + resampler.flush() == pcm


@pytest.mark.skipif(importlib.util.find_spec("soxr") is None, reason="soxr is not installed")
def test_both_converters_agree() -> None:
    pcm = tone(1500, 24_000)
    mine, theirs = unpack(by_polyphase(pcm, 24_000, 8000)), unpack(by_resampler(pcm, 24_000, 8000))
    assert abs(len(mine) - len(theirs)) <= 1
    assert level_db([a - b for a, b in zip(mine, theirs, strict=False)]) < -40
