"""What models and phone lines cost, when they are shut down, and what each vendor names instead.

One table, `table.json`, holds all of it with sources and a date; `override` lays rows of one's own over it.
Amounts come back in millionths of a US dollar ("micros"), rounded; None says that the price is unknown,
which is not the same as 0.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Protocol

Part = Literal["llm", "stt", "tts", "realtime"]

_MICROS = 1_000_000
_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
"""A dated snapshot costs and dies as the model it is one of, unless it has a row of its own."""


_NEEDED: Mapping[Part, frozenset[str]] = {
    "llm": frozenset({"input", "output"}),
    "stt": frozenset({"minute"}),
    "tts": frozenset({"thousand_chars"}),
    "realtime": frozenset(),
}


class TokenUsage(Protocol):
    """Tokens of one request; `input_tokens` counts the whole prompt, cached parts included."""

    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cache_read_tokens(self) -> int: ...
    @property
    def cache_creation_tokens(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LongPrompt:
    """The prices once a prompt has more than `above_tokens`."""

    above_tokens: int
    usd: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    part: Part
    provider: str
    id: str
    aliases: tuple[str, ...] = ()
    """Other ids of the same price; `*` stands for anything."""
    usd: Mapping[str, float] = field(default_factory=dict[str, float])
    """US dollars; empty when unknown.

    llm, per million tokens: `input`, `cached_input`, `cache_write`, `output`.
    realtime, per million tokens: `text_input`, `text_output`, `audio_input`, `audio_output`, `cached_text`,
    `cached_audio`. stt: `minute`. tts: `thousand_chars`.
    """
    long_prompt: LongPrompt | None = None
    shutdown: date | None = None
    """From this day on the vendor no longer serves it."""
    successor: str | None = None
    """What the vendor names instead."""
    source: str = ""
    """A key of the table's `sources`."""
    note: str = ""

    def is_called(self, model: str) -> bool:
        return model == self.id or any(fnmatchcase(model, alias) for alias in self.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A carrier's price of an ordinary (not toll-free, not premium) line."""

    carrier: str
    country: str
    """ISO 3166-1 alpha-2 of the far end."""
    direction: Literal["outbound", "inbound"]
    usd_per_minute: float
    """A minute begun is a minute billed."""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    as_of: date
    sources: Mapping[str, str]
    defaults: Mapping[Part, Mapping[str, str]]
    free_providers: frozenset[str]
    """Run on this machine; nobody sends a bill."""
    models: tuple[Model, ...]
    lines: tuple[Line, ...]

    def find(self, part: Part, provider: str, model: str) -> Model | None:
        rows = [row for row in self.models if row.part == part and row.provider == provider]
        for name in (model, _DATED.sub("", model)):
            for row in rows:
                if row.is_called(name):
                    return row
        return None

    def line(self, carrier: str, country: str, direction: str) -> Line | None:
        wanted = (carrier, country, direction)
        return next((row for row in self.lines if (row.carrier, row.country, row.direction) == wanted), None)

    def overridden(self, models: Iterable[Mapping[str, Any]], lines: Iterable[Mapping[str, Any]]) -> PriceTable:
        """Rows of the shape of `table.json`; a row replaces the one of the same part, provider and id."""
        own_models = tuple(_model(row) for row in models)
        own_lines = tuple(Line(**row) for row in lines)
        return replace(self, models=own_models + self.models, lines=own_lines + self.lines)


def _model(row: Mapping[str, Any]) -> Model:
    fields = dict(row)
    if "shutdown" in fields:
        fields["shutdown"] = date.fromisoformat(fields["shutdown"])
    if "long_prompt" in fields:
        fields["long_prompt"] = LongPrompt(**fields["long_prompt"])
    fields["aliases"] = tuple(fields.get("aliases", ()))
    model = Model(**fields)
    missing = _NEEDED[model.part] - model.usd.keys()
    if model.usd and missing:
        raise ValueError(f"the price of {model.provider}/{model.id} lacks {', '.join(sorted(missing))}")
    return model


@functools.cache
def _built_in() -> PriceTable:
    data = json.loads(Path(__file__).with_name("table.json").read_text(encoding="utf-8"))
    return PriceTable(
        as_of=date.fromisoformat(data["as_of"]),
        sources=data["sources"],
        defaults=data["defaults"],
        free_providers=frozenset(data["free_providers"]),
        models=tuple(_model(row) for row in data["models"]),
        lines=tuple(Line(**row) for row in data["lines"]),
    )


_own: PriceTable | None = None


def table() -> PriceTable:
    """The table in force; read from its file at the first question."""
    return _own or _built_in()


def override(models: Iterable[Mapping[str, Any]] = (), lines: Iterable[Mapping[str, Any]] = ()) -> None:
    """Lays rows over the table as shipped, for the whole process; without any, that table is back in force.

    Raises:
        TypeError: a row has a field the table does not know, or lacks one it needs.
        ValueError: a price lacks one of its ends, or a date is not YYYY-MM-DD.
    """
    global _own
    _own = _built_in().overridden(models, lines)


def llm_cost_micros(provider: str, model: str, usage: TokenUsage) -> int | None:
    if provider in table().free_providers:
        return 0
    row = table().find("llm", provider, model)
    if row is None or not row.usd:
        return None
    usd = row.usd
    if row.long_prompt is not None and usage.input_tokens > row.long_prompt.above_tokens:
        usd = row.long_prompt.usd
    plain_tokens = usage.input_tokens - usage.cache_read_tokens - usage.cache_creation_tokens
    # A dollar per million tokens is a micro per token.
    return round(
        plain_tokens * usd["input"]
        + usage.cache_read_tokens * usd.get("cached_input", usd["input"])
        + usage.cache_creation_tokens * usd.get("cache_write", usd["input"])
        + usage.output_tokens * usd["output"]
    )


def realtime_cost_micros(provider: str, model: str, tokens: Mapping[str, int]) -> int | None:
    """`tokens` by kind, named as in `Model.usd`; each token counts under one kind only."""
    row = table().find("realtime", provider, model)
    if row is None or not tokens.keys() <= row.usd.keys():
        return None
    return round(sum(count * row.usd[kind] for kind, count in tokens.items()))


def stt_cost_micros(provider: str, model: str, audio_sec: float) -> int | None:
    return _metered("stt", provider, model, "minute", audio_sec / 60)


def tts_cost_micros(provider: str, model: str, characters: int) -> int | None:
    return _metered("tts", provider, model, "thousand_chars", characters / 1000)


def telephony_cost_micros(
    carrier: str, country: str, duration_sec: float, *, direction: Literal["outbound", "inbound"] = "outbound"
) -> int | None:
    """`country` is the far end's, ISO 3166-1 alpha-2; `duration_sec` is the time from answer, 0 if nobody answered."""
    if carrier in table().free_providers:
        return 0
    row = table().line(carrier, country, direction)
    return None if row is None else round(math.ceil(duration_sec / 60) * row.usd_per_minute * _MICROS)


def _metered(part: Part, provider: str, model: str, unit: str, quantity: float) -> int | None:
    if provider in table().free_providers:
        return 0
    row = table().find(part, provider, model)
    return None if row is None or unit not in row.usd else round(quantity * row.usd[unit] * _MICROS)


def default_model(provider: str, today: date, part: Part = "llm") -> str:
    """The model to use when nobody chose one: our default while it lives, then what the vendor names instead.

    Raises:
        KeyError: the table has no default for that vendor.
    """
    model = table().defaults[part][provider]
    row = table().find(part, provider, model)
    while row is not None and row.successor is not None and _is_shut_down(row, today):
        model = row.successor
        row = table().find(part, provider, model)
    return model


def model_notes(model: str, today: date, *, provider: str | None = None) -> list[str]:
    """What someone who chose this model ought to know; empty when there is nothing to say."""
    kinds: set[tuple[Part, str]] = {
        (row.part, row.provider) for row in table().models if provider in (None, row.provider)
    }
    rows = (table().find(part, vendor, model) for part, vendor in sorted(kinds))
    return [_shutdown_note(model, row, today) for row in rows if row is not None and row.shutdown is not None]


def _is_shut_down(row: Model, today: date) -> bool:
    return row.shutdown is not None and today >= row.shutdown


def _shutdown_note(model: str, row: Model, today: date) -> str:
    verb = "was shut down" if _is_shut_down(row, today) else "will be shut down"
    instead = f"; the vendor names {row.successor} instead" if row.successor else ""
    return f"{row.provider} model {model} {verb} on {row.shutdown}{instead}."
