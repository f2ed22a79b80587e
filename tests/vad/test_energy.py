"""The detector that needs nothing installed."""

from __future__ import annotations

import pytest
from embedded_voice import hum, onset_ms, say, white_noise
from hypothesis import given
from hypothesis import strategies as st
from vad_verdicts import first_voice_ms, verdicts

from patter_mcp.audio.frame import silence
from patter_mcp.tts import espeak
from patter_mcp.vad.base import VoiceActivity
from patter_mcp.vad.energy import EnergyDetector

pytestmark = pytest.mark.anyio
needs_espeak = pytest.mark.skipif(not espeak.installed(), reason="needs espeak-ng")


@needs_espeak
@pytest.mark.parametrize("lead_in", [b"", silence(500), white_noise(1000, 30), white_noise(1000, 100)])
async def test_a_voice_is_heard_within_150_ms(lead_in: bytes) -> None:
    (speech,) = await say("Good evening, how can I help you?")
    heard_ms = first_voice_ms(await verdicts(EnergyDetector(), lead_in + speech))
    assert heard_ms is not None
    assert 0 < heard_ms - len(lead_in) / 8 - onset_ms(speech) < 150


@needs_espeak
async def test_it_notices_when_the_voice_stops() -> None:
    (speech,) = await say("Good evening.")
    heard = await verdicts(EnergyDetector(), speech + silence(500))
    assert max(activity.probability for activity in heard[-15:]) == 0.0


@pytest.mark.parametrize(
    "noise",
    [silence(3000), white_noise(3000, 30), white_noise(3000, 300), hum(3000, 300)],
    ids=["silence", "faint noise", "noise", "hum"],
)
async def test_the_lines_own_noise_is_no_voice_even_if_it_is_there_from_the_start(noise: bytes) -> None:
    assert first_voice_ms(await verdicts(EnergyDetector(), noise)) is None


async def test_steady_loud_noise_is_got_used_to() -> None:
    heard = await verdicts(EnergyDetector(), silence(500) + white_noise(4000, 2000))
    assert max(activity.probability for activity in heard[-30:]) < 0.35


@given(st.lists(st.integers(0, 700), max_size=20))
def test_each_window_gets_one_verdict_however_the_audio_is_cut(cuts: list[int]) -> None:
    audio = white_noise(500, 500)
    heard: list[VoiceActivity] = []
    stream = EnergyDetector().open(heard.append)
    for cut in cuts:
        stream.feed(audio[:cut])
        audio = audio[cut:]
    stream.feed(audio)
    assert [activity.at_ms for activity in heard] == [32 * (n + 1) for n in range(4000 // 256)]


async def test_nothing_is_heard_of_a_closed_stream() -> None:
    heard: list[VoiceActivity] = []
    stream = EnergyDetector().open(heard.append)
    stream.close()
    stream.feed(silence(500))
    assert heard == []
