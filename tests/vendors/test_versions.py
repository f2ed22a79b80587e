"""Addresses given without the API's version, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest

from patter_mcp.errors import ProviderStatusError
from patter_mcp.realtime.base import RealtimeOptions
from patter_mcp.realtime.openai import OpenAIRealtime
from patter_mcp.stt.base import SttOptions
from patter_mcp.stt.openai import OpenAISTT
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.openai import OpenAITTS
from patter_mcp.vendors.versions import VersionSeeker, seeker_for

pytestmark = pytest.mark.anyio

ENDINGS = ["", "/", "/v1", "/v1/"]


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=2, speed=400)))
    async with fake.run():
        yield fake


async def spoken(voice: OpenAITTS) -> bytes:
    async with voice.open(TtsOptions()) as stream:
        utterance = stream.utterance()
        utterance.feed("Hello.")
        utterance.end()
        with anyio.fail_after(5):
            return b"".join([speech.audio async for speech in utterance])


@pytest.mark.parametrize("ending", ENDINGS)
async def test_voice_is_found_and_known_from_then_on(vendors: FakeSpeech, ending: str) -> None:
    voice = OpenAITTS(api_key="key", base_url=f"{vendors.url}{ending}")
    assert await spoken(voice)
    asked_before = vendors.server.attempts
    assert await spoken(voice)
    assert vendors.server.attempts - asked_before == 2, "one to connect, one to speak"


@pytest.mark.parametrize("ending", ENDINGS)
async def test_recogniser_is_found_and_known_from_then_on(
    vendors: FakeSpeech, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{vendors.url}{ending}")
    ear = OpenAISTT(api_key="key")
    async with ear.open(SttOptions()):
        asked_before = vendors.server.attempts
    async with ear.open(SttOptions()):
        assert vendors.server.attempts - asked_before == 1
    assert [connection.asked.query for connection in vendors.connections] == [{"intent": ["transcription"]}] * 2


@pytest.mark.parametrize("ending", ENDINGS)
async def test_realtime_model_is_found(vendors: FakeSpeech, ending: str) -> None:
    model = OpenAIRealtime(api_key="key", model="gpt-realtime-2.1", base_url=f"{vendors.url}{ending}")
    async with model.open(RealtimeOptions(instructions="Be brief.")) as stream:
        with anyio.fail_after(5):
            await stream.connected()
    assert vendors.connections[0].asked.query == {"model": ["gpt-realtime-2.1"]}


async def test_server_that_forbids_what_it_does_not_know_has_it_under_the_version(vendors: FakeSpeech) -> None:
    vendors.faults.refuse(403, path="/realtime")
    async with OpenAISTT(api_key="key", base_url=vendors.url).open(SttOptions()):
        assert len(vendors.connections) == 1


@pytest.mark.parametrize("refused", [(404, 404, 404), (403, 404, 403), (404, 401, 401), (404, 503, 503), (401, 0, 401)])
async def test_the_refusal_that_means_something_is_told(refused: tuple[int, int, int]) -> None:
    root, version, told = refused

    async def ask(url: str) -> None:
        status = version if "/v1/" in url else root
        raise ProviderStatusError(url, provider="any", status=status)

    with pytest.raises(ProviderStatusError) as error:
        await VersionSeeker().sought("https://api.example.com/audio?x=1", ask)
    assert error.value.status == told


def test_an_address_with_a_path_is_taken_at_its_word() -> None:
    assert seeker_for("https://api.example.com/v1") is None
    assert seeker_for("https://api.example.com/proxy") is None
    assert seeker_for("https://api.example.com") is not None
