"""Speech-to-speech models by name, imported when one is chosen: nobody pays for a vendor they do not use."""

from __future__ import annotations

from typing import Any

from patter_mcp.realtime.base import SpeechToSpeech
from patter_mcp.vendors.registry import Registry

PROVIDERS = Registry(
    kind="speech-to-speech model",
    entry_points="patter_mcp.realtime",
    built_in={"openai": "patter_mcp.realtime.openai:OpenAIRealtime"},
)


def realtime(name: str, **settings: Any) -> SpeechToSpeech:
    """The speech-to-speech model of that name, with settings of its own.

    Args:
        name: `openai`, or with a model `openai/gpt-realtime-2.1-mini`.

    Raises:
        ConfigError: there is none of that name.
        ValueError: its key is missing; the message names the variable.
    """
    return PROVIDERS.make(name, settings)
