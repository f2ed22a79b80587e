"""Is that the user, or somebody softer."""

from __future__ import annotations

from patter_mcp.audio.frame import FRAME_BYTES, silence
from patter_mcp.audio.g711 import DECODE_TABLE
from patter_mcp.conversation.voice_level import VoiceLevel


def frame(amplitude: int) -> bytes:
    """A square wave."""
    code = min(range(256), key=lambda code: abs(DECODE_TABLE[code] - amplitude))
    return bytes((code, code ^ 0x80)) * (FRAME_BYTES // 2)


def heard(*amplitudes: int, level: VoiceLevel | None = None, is_user: bool = False) -> VoiceLevel:
    level = level or VoiceLevel()
    for amplitude in amplitudes:
        level.hear(frame(amplitude), is_user=is_user)
    return level


def test_nobody_is_faint_as_long_as_the_user_is_unknown() -> None:
    assert not heard(100).is_faint
    assert not heard(100, level=heard(*[8000] * 20, is_user=True)).is_faint


def test_voice_twelve_decibels_softer_is_faint_and_six_softer_is_not() -> None:
    assert heard(*[2000] * 8, level=heard(*[8000] * 30, is_user=True)).is_faint
    assert not heard(*[4000] * 8, level=heard(*[8000] * 30, is_user=True)).is_faint


def test_one_loud_frame_in_160_ms_is_enough() -> None:
    level = heard(*[200] * 6, 8000, 200, level=heard(*[8000] * 30, is_user=True))
    assert not level.is_faint
    assert heard(*[200] * 7, level=level).is_faint


def test_user_who_walks_away_is_followed() -> None:
    level = heard(*[8000] * 100, is_user=True)
    assert heard(*[1000] * 8, level=level).is_faint
    heard(*[1000] * 1000, level=level, is_user=True)
    assert not level.is_faint


def test_silence_is_faint() -> None:
    level = heard(*[8000] * 30, is_user=True)
    for _ in range(8):
        level.hear(silence(20), is_user=False)
    assert level.is_faint


def hushes(*amplitudes: int, level: VoiceLevel) -> list[bool]:
    said: list[bool] = []
    for amplitude in amplitudes:
        level.hear(frame(amplitude), is_user=True)
        said.append(level.has_hushed)
    return said


def test_a_hush_is_noticed_after_80_ms_and_said_once() -> None:
    level = heard(*[8000] * 30, is_user=True)
    assert hushes(*[0] * 8, level=level) == [False] * 3 + [True] + [False] * 4
    assert hushes(8000, *[0] * 4, level=level) == [False] * 4 + [True]


def test_a_plosive_is_no_hush() -> None:
    assert not any(hushes(*[0, 0, 0, 8000] * 10, level=heard(*[8000] * 30, is_user=True)))


def test_a_noisy_line_never_hushes_and_neither_does_a_voice_not_known_yet() -> None:
    assert not any(hushes(*[500] * 20, level=heard(*[8000] * 30, is_user=True)))
    assert not any(hushes(*[0] * 10, level=heard(*[8000] * 10, is_user=True)))
