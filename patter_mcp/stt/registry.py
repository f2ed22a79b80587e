"""Recognisers by name, imported when one is chosen: nobody pays for a vendor they do not use."""

from __future__ import annotations

from typing import Any

from patter_mcp.stt.base import SpeechToText
from patter_mcp.vendors.registry import Registry

PROVIDERS = Registry(
    kind="speech-to-text",
    entry_points="patter_mcp.stt",
    built_in={
        "deepgram": "patter_mcp.stt.deepgram:DeepgramSTT",
        "deepgram-flux": "patter_mcp.stt.deepgram_flux:DeepgramFluxSTT",
        "openai": "patter_mcp.stt.openai:OpenAISTT",
        "pocketsphinx": "patter_mcp.stt.pocketsphinx:PocketsphinxSTT",
    },
)


def stt(name: str, **settings: Any) -> SpeechToText:
    """The recogniser of that name, with settings of its own.

    Args:
        name: `deepgram`, or with a model `deepgram/nova-3`.

    Raises:
        ConfigError: there is none of that name.
        ValueError: its key is missing; the message names the variable.
    """
    if name.startswith("deepgram/flux"):
        name = name.replace("deepgram/", "deepgram-flux/", 1)
    return PROVIDERS.make(name, settings)
