"""Tones are found at any cut and level, and nothing else passes for one."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.audio import g711
from patter_mcp.audio.frame import SAMPLE_RATE_HZ, duration_ms, silence
from patter_mcp.audio.tones import Beep, BeepDetector, DtmfDetector, beep, dtmf

KEYS = "0123456789*#ABCD"
QUIET = silence(400)


def ulaw(samples: Iterator[float]) -> bytes:
    clipped = (max(-32768, min(32767, round(sample))) for sample in samples)
    return g711.encode(b"".join(sample.to_bytes(2, "little", signed=True) for sample in clipped))


def sines(*frequencies_hz: float, ms: float, amplitude: float = 6000, noise: float = 0) -> bytes:
    rnd = random.Random(7)
    steps = [math.tau * hz / SAMPLE_RATE_HZ for hz in frequencies_hz]
    count = int(ms * SAMPLE_RATE_HZ / 1000)
    return ulaw(amplitude * sum(math.sin(step * n) for step in steps) + rnd.gauss(0, noise) for n in range(count))


def mixed(*sines_hz: tuple[float, float], ms: float) -> bytes:
    """Sines of their own amplitudes."""
    steps = [(math.tau * hz / SAMPLE_RATE_HZ, amplitude) for hz, amplitude in sines_hz]
    return ulaw(sum(amplitude * math.sin(step * n) for step, amplitude in steps) for n in range(int(ms * 8)))


def vowel(pitch_hz: float, ms: float) -> bytes:
    """A voice of steady pitch: all overtones, the low ones louder."""
    steps = [math.tau * pitch_hz * k / SAMPLE_RATE_HZ for k in range(1, int(3400 / pitch_hz))]
    return ulaw(5000 * sum(math.sin(step * n) / k for k, step in enumerate(steps, 1)) for n in range(int(ms * 8)))


def find_beeps(audio: bytes, cut: int = 160) -> list[Beep]:
    detector = BeepDetector()
    found = (detector.feed(audio[start : start + cut]) for start in range(0, len(audio), cut))
    return [one for one in found if one is not None]


def find_keys(audio: bytes, cut: int = 160) -> str:
    detector = DtmfDetector()
    return "".join(detector.feed(audio[start : start + cut]) for start in range(0, len(audio), cut))


def test_a_key_lasts_as_long_as_asked_and_pauses_are_silent() -> None:
    assert duration_ms(dtmf("5", tone_ms=100, gap_ms=90)) == 190
    assert dtmf("wW") == silence(500) + silence(1000)
    assert dtmf("") == b""


def test_a_key_no_telephone_has_is_refused() -> None:
    with pytest.raises(ValueError, match="'x'"):
        dtmf("1x")


def test_no_sound_clips_or_starts_with_a_click() -> None:
    for audio in (*(dtmf(key) for key in KEYS), beep()):
        levels = [abs(g711.DECODE_TABLE[code]) for code in audio]
        assert 7000 < max(levels) < 17_000
        assert max(levels[:4]) < 1000


@given(
    st.text(KEYS, min_size=1, max_size=5),
    st.sampled_from([(80, 80), (100, 100), (160, 80)]),
    st.integers(0, 204),
    st.integers(1, 500),
)
def test_keys_are_found_wherever_they_lie_and_however_the_audio_is_cut(
    digits: str, timing: tuple[int, int], offset: int, cut: int
) -> None:
    tone_ms, gap_ms = timing
    audio = bytes([0xFF]) * offset + dtmf(digits, tone_ms=tone_ms, gap_ms=gap_ms) + QUIET
    assert find_keys(audio, cut) == digits
    assert find_beeps(audio, cut) == []


def test_a_detector_says_while_a_key_sounds() -> None:
    detector = DtmfDetector()
    detector.feed(dtmf("1", tone_ms=100, gap_ms=0))
    assert detector.sounding
    detector.feed(QUIET)
    assert not detector.sounding


@pytest.mark.parametrize(
    "audio",
    [
        sines(697, 1209, ms=30),
        sines(697, ms=300),
        sines(697, 770, ms=300),
        sines(697, 1209, 1477, ms=300),
        sines(730, 1270, ms=300),
        sines(697, 1209, ms=300, noise=6000),
        sines(697, 1209, ms=300, amplitude=60),
        sines(350, 440, ms=300),
        mixed((697, 6000), (1209, 6000), (1394, 2700), (2418, 2700), ms=300),
        mixed((697, 6000), (770, 3600), (1209, 6000), ms=300),
        mixed((697, 9000), (1209, 2800), ms=300),
        mixed((697, 4000), (1209, 9000), ms=300),
        vowel(174.25, 300) + vowel(120, 300),
    ],
)
def test_what_is_not_a_key_is_not_found(audio: bytes) -> None:
    assert find_keys(QUIET + audio + QUIET) == ""


@given(
    st.integers(400, 2200),
    st.integers(200, 2300),
    st.sampled_from([400, 4000, 25_000]),
    st.integers(0, 159),
    st.integers(1, 500),
)
def test_a_beep_is_found_whatever_its_pitch_and_level(hz: int, ms: int, amplitude: int, offset: int, cut: int) -> None:
    audio = bytes([0xFF]) * offset + sines(hz, ms=ms, amplitude=amplitude, noise=amplitude / 12) + QUIET
    (found,) = find_beeps(audio, cut)
    assert found.frequency_hz == pytest.approx(hz, abs=15)
    assert found.duration_ms == pytest.approx(ms, abs=60)


def test_a_beep_is_told_once_within_forty_milliseconds_of_its_end() -> None:
    detector = BeepDetector()
    assert detector.feed(beep(duration_ms=300)) is None
    assert detector.feed(silence(40)) is not None
    assert detector.feed(QUIET) is None


def test_each_of_two_beeps_far_apart_is_found() -> None:
    assert len(find_beeps(beep() + QUIET + beep(frequency_hz=1400) + QUIET)) == 2


@pytest.mark.parametrize(
    "audio",
    [
        beep(duration_ms=120),
        beep(duration_ms=2600),
        beep(duration_ms=600, frequency_hz=300),
        beep(duration_ms=600, frequency_hz=2600),
        sines(913.8, ms=276) + sines(1370.6, ms=276) + sines(1776.7, ms=380),
        sines(440, 480, ms=1000),
        sines(480, 620, ms=500),
        sines(1000, ms=500, noise=6000),
        sines(1000, ms=500, noise=2600),
        sines(1000, ms=500, amplitude=100),
        b"".join(sines(hz, ms=20) for hz in range(500, 1500, 40)),
        vowel(210, 600),
        vowel(400, 600),
    ],
)
def test_what_is_not_a_beep_is_not_found(audio: bytes) -> None:
    assert find_beeps(QUIET + audio + QUIET) == []


@given(st.binary(max_size=2000))
def test_junk_never_upsets_a_detector(audio: bytes) -> None:
    assert len(find_keys(audio)) <= len(audio) // 205
    assert len(find_beeps(audio)) <= 1
