"""What things cost, and which models are about to go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp import prices
from patter_mcp.llm.base import UsageChunk

A_DAY = date(2026, 11, 20)


@pytest.fixture
def as_shipped() -> Iterator[None]:
    yield
    prices.override()


def test_every_row_names_a_source_the_table_lists() -> None:
    table = prices.table()
    assert {row.source for row in (*table.models, *table.lines)} <= table.sources.keys()


def test_every_successor_and_every_default_is_in_the_table() -> None:
    table = prices.table()
    for row in table.models:
        assert row.successor is None or table.find(row.part, row.provider, row.successor) is not None
    for part, vendors in table.defaults.items():
        for provider, model in vendors.items():
            assert table.find(part, provider, model) is not None


def test_no_two_rows_answer_to_one_id() -> None:
    rows = prices.table().models
    ids = [(row.part, row.provider, row.id) for row in rows]
    assert len(set(ids)) == len(ids)


def test_tokens_read_from_the_cache_cost_their_own_price() -> None:
    usage = UsageChunk(input_tokens=5_000, output_tokens=100, cache_read_tokens=4_000, cache_creation_tokens=500)
    # 500 plain at $1, 4,000 read at $0.10, 500 written at $1.25, 100 out at $5 per million.
    assert prices.llm_cost_micros("anthropic", "claude-haiku-4-5-20251001", usage) == 500 + 400 + 625 + 500


def test_a_model_without_a_cache_price_counts_every_token_alike() -> None:
    usage = UsageChunk(input_tokens=1_000, output_tokens=0, cache_read_tokens=600)
    assert prices.llm_cost_micros("cerebras", "gpt-oss-120b", usage) == 350


def test_a_very_long_prompt_is_charged_at_its_higher_price() -> None:
    usage = UsageChunk(input_tokens=100_001, output_tokens=10)
    assert prices.llm_cost_micros("anthropic", "claude-haiku-5-5", usage) == round(100_001 * 0.5 + 10 * 2.5)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_cached_prompt_never_costs_more_than_writing_it_anew(plain: int, read: int, written: int, out: int) -> None:
    def cost(read: int, written: int) -> int:
        usage = UsageChunk(
            input_tokens=plain + read + written,
            output_tokens=out,
            cache_read_tokens=read,
            cache_creation_tokens=written,
        )
        micros = prices.llm_cost_micros("anthropic", "claude-haiku-4-5", usage)
        assert micros is not None
        return micros

    assert 0 <= cost(read, written) <= cost(0, read + written)


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    usage = UsageChunk(input_tokens=1_000_000, output_tokens=0)
    assert prices.llm_cost_micros("openai", "gpt-4o-mini-2024-07-18", usage) == 150_000


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "llama3.2"), ("nobody", "gpt-4o-mini"), ("openai", "gpt-4o")]
)
def test_an_unknown_price_is_none_and_not_zero(provider: str, model: str) -> None:
    assert prices.llm_cost_micros(provider, model, UsageChunk(input_tokens=10, output_tokens=10)) is None


def test_what_runs_on_this_machine_costs_nothing() -> None:
    assert prices.llm_cost_micros("patter", "rules", UsageChunk(input_tokens=10, output_tokens=10)) == 0
    assert prices.stt_cost_micros("pocketsphinx", "en-us", 60) == 0
    assert prices.tts_cost_micros("espeak", "en", 100) == 0
    assert prices.telephony_cost_micros("sandbox", "US", 61) == 0


def test_speech_is_charged_by_the_second_and_by_the_character() -> None:
    assert prices.stt_cost_micros("deepgram", "nova-3", 30) == 2_400
    assert prices.tts_cost_micros("elevenlabs", "eleven_flash_v2_5", 250) == 10_000
    assert prices.tts_cost_micros("deepgram", "aura-2-thalia-en", 1_000) == 30_000
    assert prices.tts_cost_micros("deepgram", "aura-asteria-en", 1_000) == 15_000
    assert prices.stt_cost_micros("openai", "gpt-transcribe", 60) is None


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (0.4, 1), (60, 1), (60.1, 2)])
def test_a_minute_begun_on_the_phone_is_a_minute_billed(seconds: float, minutes: int) -> None:
    assert prices.telephony_cost_micros("twilio", "US", seconds) == minutes * 14_000


def test_a_country_without_a_price_is_unknown() -> None:
    assert prices.telephony_cost_micros("twilio", "FR", 60) is None


def test_speech_to_speech_counts_each_kind_of_token_at_its_price() -> None:
    tokens = {"text_input": 100, "audio_input": 1_000, "cached_audio": 500, "audio_output": 200}
    micros = prices.realtime_cost_micros("openai", "gpt-realtime-2.1-mini", tokens)
    assert micros == round(100 * 0.6 + 1_000 * 10 + 500 * 0.3 + 200 * 20)
    assert prices.realtime_cost_micros("openai", "gpt-realtime-2.1-mini", {"video_input": 1}) is None


@pytest.mark.usefixtures("as_shipped")
def test_a_row_of_ones_own_replaces_the_shipped_one() -> None:
    usage = UsageChunk(input_tokens=1_000, output_tokens=0)
    prices.override(
        models=[{"part": "llm", "provider": "openai", "id": "gpt-4o-mini", "usd": {"input": 2, "output": 3}}],
        lines=[{"carrier": "twilio", "country": "FR", "direction": "outbound", "usd_per_minute": 0.02}],
    )
    assert prices.llm_cost_micros("openai", "gpt-4o-mini", usage) == 2_000
    assert prices.telephony_cost_micros("twilio", "FR", 60) == 20_000
    prices.override()
    assert prices.llm_cost_micros("openai", "gpt-4o-mini", usage) == 150


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"part": "llm", "provider": "openai", "id": "x", "price": 1}, TypeError),
        ({"part": "llm", "provider": "openai"}, TypeError),
        ({"part": "llm", "provider": "openai", "id": "x", "shutdown": "next spring"}, ValueError),
        ({"part": "llm", "provider": "openai", "id": "x", "usd": {"input": 1}}, ValueError),
    ],
)
def test_a_malformed_row_is_refused(row: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        prices.override(models=[row])


@pytest.mark.parametrize(
    ("provider", "today", "model"),
    [
        ("openai", date(2027, 1, 13), "gpt-4o-mini"),
        ("openai", date(2027, 1, 14), "gpt-6-luna"),
        ("anthropic", A_DAY, "claude-haiku-4-5-20251001"),
        ("groq", date(2026, 8, 15), "llama-3.3-70b-versatile"),
        ("groq", A_DAY, "openai/gpt-oss-120b"),
        ("cerebras", A_DAY, "gpt-oss-120b"),
        ("google", A_DAY, "gemini-2.5-flash"),
        ("google", date(2026, 12, 1), "gemini-3.5-flash-lite"),
    ],
)
def test_the_default_gives_way_to_its_successor_on_the_day_it_dies(provider: str, today: date, model: str) -> None:
    assert prices.default_model(provider, today) == model


@pytest.mark.usefixtures("as_shipped")
def test_a_successor_that_is_dead_itself_is_passed_over() -> None:
    prices.override(
        models=[
            {
                "part": "llm", "provider": "openai", "id": "gpt-6-luna",
                "shutdown": "2027-06-01", "successor": "gpt-7",
            }
        ]
    )  # fmt: skip
    assert prices.default_model("openai", date(2027, 6, 1)) == "gpt-7"


def test_a_default_without_successor_stays_after_its_death() -> None:
    assert prices.default_model("openai", date(2027, 3, 1), "tts") == "gpt-4o-mini-tts"


def test_notes_tell_of_a_death_to_come_and_of_one_past() -> None:
    assert prices.model_notes("gpt-4o-mini", A_DAY) == [
        "openai model gpt-4o-mini will be shut down on 2027-01-14; the vendor names gpt-6-luna instead."
    ]
    assert prices.model_notes("llama-3.3-70b-versatile", A_DAY) == [
        "groq model llama-3.3-70b-versatile was shut down on 2026-08-16; the vendor names openai/gpt-oss-120b instead."
    ]
    assert prices.model_notes("tts-1", A_DAY) == ["openai model tts-1 will be shut down on 2027-01-06."]


def test_there_is_nothing_to_say_of_a_living_or_unknown_model() -> None:
    assert prices.model_notes("gpt-oss-120b", A_DAY) == []
    assert prices.model_notes("my-own-model", A_DAY) == []
    assert prices.model_notes("gpt-4o-mini", A_DAY, provider="groq") == []
