"""Voices by name, imported when one is chosen: nobody pays for a vendor they do not use."""

from __future__ import annotations

from typing import Any

from patter_mcp.tts.base import TextToSpeech
from patter_mcp.vendors.registry import Registry

PROVIDERS = Registry(
    kind="text-to-speech",
    entry_points="patter_mcp.tts",
    built_in={
        "cartesia": "patter_mcp.tts.cartesia:CartesiaTTS",
        "deepgram": "patter_mcp.tts.deepgram:DeepgramTTS",
        "elevenlabs": "patter_mcp.tts.elevenlabs:ElevenLabsTTS",
        "espeak": "patter_mcp.tts.espeak:EspeakTTS",
        "openai": "patter_mcp.tts.openai:OpenAITTS",
    },
)


def tts(name: str, **settings: Any) -> TextToSpeech:
    """The synthesiser of that name, with settings of its own.

    Args:
        name: `elevenlabs`, or with a model `elevenlabs/eleven_flash_v2_5`.

    Raises:
        ConfigError: there is none of that name.
        ValueError: its key is missing; the message names the variable.
    """
    return PROVIDERS.make(name, settings)
