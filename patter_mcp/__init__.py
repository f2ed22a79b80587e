"""Give any AI client a phone.

The names below are the public ones. They are imported when they are used: a server that only answers
`tools/list` should not pay for speech vendors.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patter_mcp.carriers.twilio import Twilio as Twilio
    from patter_mcp.conversation.agent import Agent as Agent
    from patter_mcp.guardrails.base import Guardrail as Guardrail
    from patter_mcp.guardrails.base import guardrail as guardrail
    from patter_mcp.hooks import PipelineHooks as PipelineHooks
    from patter_mcp.library import Patter as Patter
    from patter_mcp.library import PatterTool as PatterTool
    from patter_mcp.library import PatterToolResult as PatterToolResult
    from patter_mcp.llm.anthropic import AnthropicLLM as AnthropicLLM
    from patter_mcp.llm.cerebras import CerebrasLLM as CerebrasLLM
    from patter_mcp.llm.google import GoogleLLM as GoogleLLM
    from patter_mcp.llm.groq import GroqLLM as GroqLLM
    from patter_mcp.llm.openai import OpenAILLM as OpenAILLM
    from patter_mcp.realtime.openai import OpenAIRealtime as OpenAIRealtime
    from patter_mcp.stt.deepgram import DeepgramSTT as DeepgramSTT
    from patter_mcp.stt.openai import OpenAISTT as OpenAISTT
    from patter_mcp.tools.base import Tool as Tool
    from patter_mcp.tools.base import tool as tool
    from patter_mcp.tts.elevenlabs import ElevenLabsTTS as ElevenLabsTTS
    from patter_mcp.tts.openai import OpenAITTS as OpenAITTS

_HOMES = {
    "Agent": "conversation.agent",
    "AnthropicLLM": "llm.anthropic",
    "CerebrasLLM": "llm.cerebras",
    "DeepgramSTT": "stt.deepgram",
    "ElevenLabsTTS": "tts.elevenlabs",
    "GoogleLLM": "llm.google",
    "GroqLLM": "llm.groq",
    "Guardrail": "guardrails.base",
    "OpenAILLM": "llm.openai",
    "OpenAIRealtime": "realtime.openai",
    "OpenAISTT": "stt.openai",
    "OpenAITTS": "tts.openai",
    "Patter": "library",
    "PatterTool": "library",
    "PatterToolResult": "library",
    "PipelineHooks": "hooks",
    "Tool": "tools.base",
    "Twilio": "carriers.twilio",
    "guardrail": "guardrails.base",
    "tool": "tools.base",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
