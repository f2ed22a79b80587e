"""Language models by name, imported when one is chosen: nobody pays for a vendor they do not use."""

from __future__ import annotations

from typing import Any

from patter_mcp.llm.base import LanguageModel
from patter_mcp.vendors.registry import Registry

PROVIDERS = Registry(
    kind="language model",
    entry_points="patter_mcp.llm",
    built_in={
        "anthropic": "patter_mcp.llm.anthropic:AnthropicLLM",
        "cerebras": "patter_mcp.llm.cerebras:CerebrasLLM",
        "google": "patter_mcp.llm.google:GoogleLLM",
        "groq": "patter_mcp.llm.groq:GroqLLM",
        "openai": "patter_mcp.llm.openai:OpenAILLM",
        "openai-compatible": "patter_mcp.llm.openai_compatible:OpenAICompatibleLLM",
        "rules": "patter_mcp.llm.rules:RulesLLM",
    },
)


def llm(name: str, **settings: Any) -> LanguageModel:
    """The model of that name, with settings of its own.

    Args:
        name: `openai`, or with a model `openai/gpt-4o-mini`, `groq/openai/gpt-oss-120b`.

    Raises:
        ConfigError: there is none of that name.
        ValueError: its key is missing; the message names the variable.
    """
    return PROVIDERS.make(name, settings)
