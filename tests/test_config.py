"""Settings from four places, and clear words for what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from patter_mcp.config import Settings, load
from patter_mcp.errors import ConfigError


def test_nearer_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "patter.toml"
    file.write_text('llm = "a"\nstt = "a"\ntts = "a"\n[calls]\nring_timeout_sec = 1\n', encoding="utf-8")
    environ = {"PATTER_STT": "b", "PATTER_TTS": "b", "PATTER_CALLS_CONCURRENT_CALLS": "7"}
    settings, effective = load({"tts": "c", "voice": None}, environ=environ, file=file)
    assert (settings.llm, settings.stt, settings.tts) == ("a", "b", "c")
    assert (settings.calls.ring_timeout_sec, settings.calls.concurrent_calls) == (1.0, 7)
    sources = {setting.name: setting.source for setting in effective}
    assert (sources["llm"], sources["stt"], sources["tts"]) == (str(file), "environment", "command line")
    assert sources["voice"] == "default"


def test_file_is_found_in_the_working_directory_or_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={})[0].llm == "auto"
    (tmp_path / "patter.toml").write_text('llm = "here"', encoding="utf-8")
    assert load(environ={})[0].llm == "here"
    other = tmp_path / "other.toml"
    other.write_text('llm = "there"', encoding="utf-8")
    assert load(environ={"PATTER_CONFIG": str(other)})[0].llm == "there"


def test_lists_come_as_toml_lists_or_as_text(tmp_path: Path) -> None:
    file = tmp_path / "patter.toml"
    file.write_text('scenario_dirs = ["a", "b"]\n[dialing]\ncountries = ["US", "DE"]\n', encoding="utf-8")
    settings, _ = load(environ={"PATTER_DIALING_DENY": "+1900*, +4455512345678"}, file=file)
    assert settings.scenario_dirs == (Path("a"), Path("b"))
    assert settings.dialing.countries == ("US", "DE")
    assert settings.dialing.deny == ("+1900*", "+4455512345678")


def test_numbers_that_may_be_left_to_the_provider_are_numbers_when_given() -> None:
    settings, _ = load(environ={"PATTER_TEMPERATURE": "0.3", "PATTER_MAX_OUTPUT_TOKENS": "120"})
    assert (settings.temperature, settings.max_output_tokens) == (0.3, 120)
    assert (load(environ={})[0].temperature, load(environ={})[0].max_output_tokens) == (None, None)
    with pytest.raises(ConfigError, match="PATTER_TEMPERATURE.* must be a number"):
        load(environ={"PATTER_TEMPERATURE": "warm"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('lmm = "x"', ["lmm", "llm"]),
        ("[calls]\nring_timeout = 3", ["calls.ring_timeout", "calls.ring_timeout_sec"]),
        ('[media]\nport = "many"', ["media.port", "whole number"]),
        ("[media]\nport = 80.5", ["media.port", "whole number"]),
        ("[calls]\nring_timeout_sec = true", ["calls.ring_timeout_sec", "number"]),
        ("[calls]\nring_timeout_sec = -1", ["calls.ring_timeout_sec", "0 or more"]),
        ("llm = 3", ["llm", "text"]),
        ('[turns]\neager = "maybe"', ["turns.eager", "true or false"]),
        ("calls = 3", ["calls"]),
        ("scenario_dirs = 3", ["scenario_dirs", "list"]),
        ("llm = ", ["patter.toml", "cannot be read"]),
    ],
)
def test_mistake_in_the_file_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "patter.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(environ={}, file=file)
    for word in words:
        assert word in caught.value.message


def test_unknown_variable_is_an_error_that_knows_what_was_meant() -> None:
    with pytest.raises(ConfigError, match="PATTER_LLM"):
        load(environ={"PATTER_LLMS": "x"})


def test_missing_file_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        load(environ={}, file=tmp_path / "none.toml")


def test_store_lies_in_the_data_directory_unless_it_is_named() -> None:
    assert Settings(data_dir=Path("/d")).store_address == "sqlite:/d/calls.db"
    assert Settings(data_dir=Path("/d"), store="memory:").store_address == "memory:"
