from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.audio import g711
from patter_mcp.audio.frame import ULAW_SILENCE, duration_ms, silence

samples = st.integers(-32768, 32767)


def encode(*values: int) -> bytes:
    return g711.encode(struct.pack(f"<{len(values)}h", *values))


def decode(ulaw: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(ulaw)}h", g711.decode(ulaw))


@pytest.mark.parametrize(
    ("sample", "code"),
    [(0, 0xFF), (-1, 0x7F), (32767, 0x80), (-32768, 0x00), (1000, 0xCE), (-1000, 0x4E), (8, 0xFE), (132, 0xEF)],
)
def test_samples_become_the_codes_of_the_recommendation(sample: int, code: int) -> None:
    assert encode(sample) == bytes((code,))


@pytest.mark.parametrize(
    ("code", "sample"), [(0xFF, 0), (0x7F, 0), (0x80, 32124), (0x00, -32124), (0xCE, 988), (0x4E, -988), (0xFE, 8)]
)
def test_codes_become_the_samples_of_the_recommendation(code: int, sample: int) -> None:
    assert decode(bytes((code,))) == (sample,)


def test_every_code_survives_the_way_there_and_back_but_negative_zero() -> None:
    codes = bytes(range(256))
    assert encode(*decode(codes)) == codes.replace(b"\x7f", b"\xff")


@given(samples)
def test_a_sample_is_off_by_half_a_step_of_its_segment_at_most(sample: int) -> None:
    (back,) = decode(encode(sample))
    clipped = max(-32635, min(32635, sample))
    assert abs(back - clipped) <= max(4, (abs(clipped) + 132) / 32)


@given(samples, samples)
def test_louder_never_becomes_quieter(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert decode(encode(low)) <= decode(encode(high))


@given(st.lists(samples))
def test_a_piece_is_coded_sample_by_sample(values: list[int]) -> None:
    assert encode(*values) == b"".join(map(encode, values))


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        g711.encode(b"\x00\x01\x02")


def test_silence_is_as_long_as_asked_and_decodes_to_nothing() -> None:
    assert silence(20) == bytes((ULAW_SILENCE,)) * 160
    assert duration_ms(silence(37.5)) == 37.5
    assert not any(g711.decode(silence(20)))
