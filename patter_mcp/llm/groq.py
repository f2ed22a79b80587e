"""Groq: OpenAI's format at https://api.groq.com/openai/v1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter_mcp.llm.openai_compatible import OpenAICompatibleLLM


class GroqLLM(OpenAICompatibleLLM):
    provider = "groq"
    key_variable = "GROQ_API_KEY"
    base_url_variable = "GROQ_BASE_URL"
    default_base_url = "https://api.groq.com/openai/v1"

    def quick_effort(self, model: str) -> str | None:
        """https://console.groq.com/docs/reasoning: gpt-oss cannot be kept from thinking, Qwen 3 can."""
        if "gpt-oss" in model:
            return "low"
        return "none" if "qwen3" in model else None

    def limit_field(self) -> str:
        return "max_completion_tokens"

    def extra_fields(self) -> Mapping[str, Any]:
        return {"include_reasoning": False} if "gpt-oss" in self.model else {}


LLM = GroqLLM
