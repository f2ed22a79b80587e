"""Language models by name, imported when one is chosen: nobody pays for a vendor they do not use."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from patter_mcp.errors import ConfigError
from patter_mcp.llm.base import LanguageModel

ENTRY_POINT_GROUP = "patter_mcp.llm"
"""Other packages add vendors here: the name, and a callable that takes settings and gives a `LanguageModel`."""

BUILT_IN = {
    "anthropic": "patter_mcp.llm.anthropic:AnthropicLLM",
    "cerebras": "patter_mcp.llm.cerebras:CerebrasLLM",
    "google": "patter_mcp.llm.google:GoogleLLM",
    "groq": "patter_mcp.llm.groq:GroqLLM",
    "openai": "patter_mcp.llm.openai:OpenAILLM",
    "openai-compatible": "patter_mcp.llm.openai_compatible:OpenAICompatibleLLM",
    "rules": "patter_mcp.llm.rules:RulesLLM",
}

Factory = Callable[..., LanguageModel]


def language_model(name: str, **settings: Any) -> LanguageModel:
    """The model called `name`: a vendor ("openai"), or a vendor and its model ("groq/openai/gpt-oss-120b").

    Args:
        settings: What the vendor's class takes.

    Raises:
        ConfigError: no such vendor, no key for it, or a setting it does not know.
    """
    vendor, _, model = name.partition("/")
    factory = _factory(vendor)
    if model:
        settings["model"] = model
    try:
        return factory(**settings)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"The language model {name!r} cannot be used: {error}") from error


def _factory(vendor: str) -> Factory:
    if vendor in BUILT_IN:
        module_name, _, class_name = BUILT_IN[vendor].partition(":")
        return getattr(importlib.import_module(module_name), class_name)
    added = _added()
    if vendor not in added.names:
        known = ", ".join(sorted({*BUILT_IN, *added.names}))
        raise ConfigError(f"There is no language model vendor {vendor!r}; choose one of: {known}")
    return added[vendor].load()


def _added() -> EntryPoints:
    return entry_points(group=ENTRY_POINT_GROUP)
