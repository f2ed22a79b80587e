"""What a call's language models used, for the bill."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from patter_mcp import events as ev
from patter_mcp import prices
from patter_mcp.llm.base import LanguageModel, Message, UsageChunk
from patter_mcp.llm.usage import estimate_usage
from patter_mcp.realtime.base import RealtimeUsage, SpeechToSpeech
from patter_mcp.stt.base import SpeechToText, SttStream
from patter_mcp.tts.base import TextToSpeech, TtsStream

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Tokens:
    """Used of one model."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0

    def add(self, usage: UsageChunk) -> None:
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cache_read_tokens += usage.cache_read_tokens
        self.cache_creation_tokens += usage.cache_creation_tokens


@dataclass(slots=True)
class RequestMeter:
    """One request; whoever reads the answer notes here what it sees."""

    served: LanguageModel
    text: str = ""
    reported: UsageChunk | None = None


@dataclass(slots=True)
class LlmMeter:
    """All requests of a call, those cut off or thrown away included: they are billed too."""

    tokens: dict[tuple[str, str], Tokens] = field(default_factory=dict[tuple[str, str], Tokens])
    """By provider and model: with a fallback there may be several."""
    _warned: bool = False

    @contextmanager
    def request(self, messages: Sequence[Message], asked: LanguageModel) -> Generator[RequestMeter]:
        """Counts one request, however it ends."""
        meter = RequestMeter(asked)
        complete = False
        try:
            yield meter
            complete = True
        finally:
            if complete and meter.reported is None:
                self._warn()
            used = meter.reported or estimate_usage(messages, meter.text)
            self.tokens.setdefault((meter.served.provider, meter.served.model), Tokens()).add(used)

    def usage(self) -> list[ev.Usage]:
        """One event per model."""
        return [
            _usage("llm", provider, model, asdict(tokens), prices.llm_cost_micros(provider, model, tokens))
            for (provider, model), tokens in self.tokens.items()
        ]

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("a model reported no usage; tokens are estimated from characters")


def stt_usage(stt: SpeechToText, stream: SttStream) -> list[ev.Usage]:
    """One event per provider that listened; with a fallback there may be several (`shares`)."""
    shares = getattr(stream, "shares", None) or [_Share(stt.provider, stt.model, audio_sec=stream.audio_sec)]
    return [
        _usage(
            "stt",
            share.provider,
            share.model,
            {"audio_sec": round(share.audio_sec, 2)},
            prices.stt_cost_micros(share.provider, share.model, share.audio_sec),
        )
        for share in shares
    ]


def tts_usage(tts: TextToSpeech, stream: TtsStream) -> list[ev.Usage]:
    """One event per provider that spoke."""
    shares = getattr(stream, "shares", None) or [_Share(tts.provider, tts.model, characters=stream.characters)]
    return [
        _usage(
            "tts",
            share.provider,
            share.model,
            {"characters": share.characters},
            prices.tts_cost_micros(share.provider, share.model, share.characters),
        )
        for share in shares
    ]


def realtime_usage(model: SpeechToSpeech, usage: RealtimeUsage) -> list[ev.Usage]:
    """One event for the model, which counts as `llm`, and one for its transcriber."""
    provider, tokens, audio_sec = model.provider, usage.tokens, usage.transcribed_sec
    cost = prices.realtime_cost_micros(provider, model.model, tokens)
    heard_cost = prices.stt_cost_micros(provider, model.transcriber, audio_sec)
    return [
        _usage("llm", provider, model.model, dict(tokens), cost),
        _usage("stt", provider, model.transcriber, {"audio_sec": round(audio_sec, 2)}, heard_cost),
    ]


@dataclass(frozen=True, slots=True)
class _Share:
    provider: str
    model: str
    audio_sec: float = 0.0
    characters: int = 0


def _usage(part: ev.CostPart, provider: str, model: str, quantities: dict[str, Any], cost: int | None) -> ev.Usage:
    return ev.Usage(
        part=part,
        provider=provider,
        model=model,
        quantities=quantities,
        cost_micros=cost,
        final=provider in prices.table().free_providers,
    )
