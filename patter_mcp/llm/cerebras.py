"""Cerebras: OpenAI's format at https://api.cerebras.ai/v1, with requests that may be compressed."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any, Unpack

from patter_mcp.llm.http import Post
from patter_mcp.llm.openai_compatible import OpenAICompatibleLLM
from patter_mcp.llm.vendor import VendorSettings

_HOME = "https://api.cerebras.ai/v1"
_GZIP_FROM_BYTES = 4096
"""Below, a request fits into a few packets anyhow; above 14 KB (ten segments, RFC 6928) it costs another round trip."""
_GZIP_LEVEL = 5


class CerebrasLLM(OpenAICompatibleLLM):
    """
    Args:
        gzip_requests: Compress long requests. None: at Cerebras' public address, which takes them
            (https://inference-docs.cerebras.ai/capabilities/payload-optimization); dedicated endpoints may not.
    """

    provider = "cerebras"
    key_variable = "CEREBRAS_API_KEY"
    base_url_variable = "CEREBRAS_BASE_URL"
    default_base_url = _HOME

    def __init__(
        self,
        *,
        gzip_requests: bool | None = None,
        reasoning_effort: str | None = None,
        **settings: Unpack[VendorSettings],
    ) -> None:
        super().__init__(reasoning_effort=reasoning_effort, **settings)
        self._gzip_requests = self.base_url == _HOME if gzip_requests is None else gzip_requests

    def quick_effort(self, model: str) -> str | None:
        """https://inference-docs.cerebras.ai/capabilities/reasoning"""
        return "low" if "gpt-oss" in model else None

    def limit_field(self) -> str:
        return "max_completion_tokens"

    def extra_fields(self) -> Mapping[str, Any]:
        return {"reasoning_format": "hidden"} if "gpt-oss" in self.model else {}

    def packed(self, body: bytes) -> Post:
        post = super().packed(body)
        if not self._gzip_requests or len(body) < _GZIP_FROM_BYTES:
            return post
        headers = {**post.headers, "content-encoding": "gzip"}
        return Post(path=post.path, body=gzip.compress(body, _GZIP_LEVEL), headers=headers)


LLM = CerebrasLLM
