"""What OpenAI's Realtime responses used: by its own count, else by what was heard."""

from __future__ import annotations

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.realtime.base import RealtimeUsage
from patter_mcp.types import Json

SPOKEN_TOKEN_MS = 50
"""Audio of the model's in a token (https://developers.openai.com/api/docs/guides/realtime-costs)."""
TOKEN_CHARS = 4
"""English text in a token, about."""


class UsageCounter:
    """One call's, over all its connections."""

    def __init__(self) -> None:
        self.total = RealtimeUsage()
        self._context: dict[str, int] = {}
        """What the last response that was counted had to read."""

    def count(self, usage: Json) -> None:
        """The vendor's own count; each token goes under one kind."""
        given = usage.get("input_token_details") or {}
        made = usage.get("output_token_details") or {}
        cached = given.get("cached_tokens_details") or {"text_tokens": given.get("cached_tokens", 0)}
        self._context = {
            "text_input": max(0, _of(given, "text") - _of(cached, "text")),
            "cached_text": _of(cached, "text"),
            "audio_input": max(0, _of(given, "audio") - _of(cached, "audio")),
            "cached_audio": _of(cached, "audio"),
        }
        self._add({**self._context, "text_output": _of(made, "text"), "audio_output": _of(made, "audio")})

    def estimate(self, audio_bytes: int, chars: int, instructions_chars: int) -> None:
        """For a response the vendor gives no count of: it spoke that much, and read what the one before it had read."""
        context = self._context or {"text_input": instructions_chars // TOKEN_CHARS}
        spoken = audio_bytes // (BYTES_PER_MS * SPOKEN_TOKEN_MS)
        self._add({**context, "text_output": chars // TOKEN_CHARS, "audio_output": spoken})

    def _add(self, tokens: dict[str, int]) -> None:
        for kind, amount in tokens.items():
            self.total.tokens[kind] = self.total.tokens.get(kind, 0) + amount


def _of(details: Json, kind: str) -> int:
    return details.get(f"{kind}_tokens") or 0
