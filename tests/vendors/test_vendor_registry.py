from __future__ import annotations

import sys
from pathlib import Path

import pytest

from patter_mcp.errors import ConfigError
from patter_mcp.stt.deepgram import DeepgramSTT
from patter_mcp.stt.deepgram_flux import DeepgramFluxSTT
from patter_mcp.stt.openai import OpenAISTT
from patter_mcp.stt.registry import stt
from patter_mcp.tts.cartesia import CartesiaTTS
from patter_mcp.tts.deepgram import DeepgramTTS
from patter_mcp.tts.elevenlabs import ElevenLabsTTS
from patter_mcp.tts.openai import OpenAITTS
from patter_mcp.tts.registry import tts


@pytest.mark.parametrize(
    ("name", "kind", "model"),
    [
        ("deepgram", DeepgramSTT, "nova-3"),
        ("deepgram/nova-2-phonecall", DeepgramSTT, "nova-2-phonecall"),
        ("deepgram-flux", DeepgramFluxSTT, "flux-general-en"),
        ("deepgram/flux-general-multi", DeepgramFluxSTT, "flux-general-multi"),
        ("openai/gpt-transcribe", OpenAISTT, "gpt-transcribe"),
    ],
)
def test_recognisers_by_name(name: str, kind: type, model: str) -> None:
    made = stt(name, api_key="key")
    assert isinstance(made, kind)
    assert made.model == model


@pytest.mark.parametrize(
    ("name", "kind", "model"),
    [
        ("elevenlabs", ElevenLabsTTS, "eleven_flash_v2_5"),
        ("elevenlabs/eleven_v3", ElevenLabsTTS, "eleven_v3"),
        ("openai/tts-1", OpenAITTS, "tts-1"),
        ("deepgram/aura-2-apollo-en", DeepgramTTS, "aura-2-apollo-en"),
        ("cartesia", CartesiaTTS, "sonic-3"),
    ],
)
def test_voices_by_name(name: str, kind: type, model: str) -> None:
    made = tts(name, api_key="key")
    assert isinstance(made, kind)
    assert made.model == model


def test_settings_are_handed_on() -> None:
    with pytest.raises(TypeError, match="volume"):
        stt("deepgram", api_key="key", volume=11)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'acme'.*deepgram, deepgram-flux, openai, pocketsphinx"):
        stt("acme")
    with pytest.raises(ConfigError, match="'acme'.*cartesia, deepgram, elevenlabs, espeak, openai"):
        tts("acme/model")


def test_another_package_may_announce_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "acme_speech-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-speech\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[patter_mcp.stt]\nacme = acme_speech:AcmeSTT\n")
    (tmp_path / "acme_speech.py").write_text(
        "class AcmeSTT:\n    def __init__(self, *, model=None):\n        self.model = model\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert stt("acme/ears-1").model == "ears-1"
    monkeypatch.delitem(sys.modules, "acme_speech")
    with pytest.raises(ConfigError, match="acme, deepgram"):
        stt("other")
