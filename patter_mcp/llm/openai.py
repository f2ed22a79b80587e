"""OpenAI's chat completions, through OpenAI's own client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter_mcp.llm.base import LlmOptions
from patter_mcp.llm.http import HttpTransport, SdkTransport, Transport, client_timeout, seeking_version
from patter_mcp.llm.openai_compatible import OpenAICompatibleLLM

_HOME = "https://api.openai.com/v1"

_QUICK_EFFORTS: Mapping[str, str | None] = {
    "gpt-5": "minimal",
    "gpt-5.": "none",
    "gpt-6": "none",
    "o1": "low",
    "o3": "low",
    "o4": "low",
}
"""By the beginning of the model's id; the longest one counts. With gpt-6-luna, tools work with `none` only.
https://developers.openai.com/api/docs/guides/reasoning"""


class OpenAILLM(OpenAICompatibleLLM):
    """Also for servers in OpenAI's likeness that are reached by setting `base_url` or OPENAI_BASE_URL.

    Such a server needs no key, but this class does: any text will do.
    """

    provider = "openai"
    key_variable = "OPENAI_API_KEY"
    base_url_variable = "OPENAI_BASE_URL"
    default_base_url = _HOME

    def new_transport(self) -> Transport:
        import openai  # noqa: PLC0415

        http = HttpTransport(self.provider, self.base_url, {}, self.timeouts)
        client = openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self.base_url,
            timeout=client_timeout(self.timeouts),
            max_retries=0,
            http_client=http.client,
        )
        return seeking_version(self.base_url, SdkTransport(self.provider, openai, client, http))

    def quick_effort(self, model: str) -> str | None:
        if "-chat" in model:
            return None  # the chat variants of reasoning models do not reason
        families = [family for family in _QUICK_EFFORTS if model.startswith(family)]
        return _QUICK_EFFORTS[max(families, key=len)] if families else None

    def limit_field(self) -> str:
        reasons = self.quick_effort(self.model) is not None
        return "max_completion_tokens" if reasons or self.base_url == _HOME else "max_tokens"

    def temperature(self, options: LlmOptions) -> float | None:
        """Reasoning models take no temperature but their own."""
        return None if self.quick_effort(self.model) is not None else super().temperature(options)

    def extra_fields(self) -> Mapping[str, Any]:
        if self.base_url != _HOME:
            return {}
        # Padding against eavesdroppers on token sizes: bytes that every token would have to carry.
        return {"stream_options": {"include_usage": True, "include_obfuscation": False}}


LLM = OpenAILLM
