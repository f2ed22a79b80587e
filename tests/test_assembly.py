"""Which parts a phone is made of, by settings and credentials."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from patter_mcp import Patter
from patter_mcp.assembly import carrier_name, default_agent, offline, own_agent, part_name
from patter_mcp.carriers.twilio import TwilioCarrier
from patter_mcp.config import Settings
from patter_mcp.conversation.agent import Agent
from patter_mcp.errors import ConfigError
from patter_mcp.llm.base import LlmOptions

TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token"}
SETTINGS = Settings(store="memory:")
KEYS = ("OPENAI", "ANTHROPIC", "GROQ", "CEREBRAS", "GOOGLE", "GEMINI", "DEEPGRAM", "ELEVENLABS", "CARTESIA")


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*(f"{vendor}_API_KEY" for vendor in KEYS), *TWILIO):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("chosen", "environ", "name"),
    [
        ("auto", {}, "sandbox"),
        ("auto", TWILIO, "twilio"),
        ("auto", {"TWILIO_ACCOUNT_SID": "AC1"}, "twilio"),
        ("sandbox", TWILIO, "sandbox"),
        ("twilio", {}, "twilio"),
    ],
)
def test_sandbox_is_chosen_by_name_or_when_no_carrier_is_configured(
    chosen: str, environ: dict[str, str], name: str
) -> None:
    assert carrier_name(Settings(carrier=chosen), environ) == name


@pytest.mark.parametrize(
    ("kind", "environ", "name"),
    [
        ("llm", {}, "rules"),
        ("llm", {"ANTHROPIC_API_KEY": "k"}, "anthropic"),
        ("llm", {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, "openai"),
        ("stt", {"OPENAI_API_KEY": "k", "DEEPGRAM_API_KEY": "k"}, "deepgram"),
        ("tts", {"ELEVENLABS_API_KEY": "k", "OPENAI_API_KEY": "k"}, "elevenlabs"),
        ("tts", {"OPENAI_API_KEY": ""}, "espeak"),
    ],
)
def test_credentials_choose_the_parts(kind: str, environ: dict[str, str], name: str) -> None:
    assert part_name(kind, SETTINGS, environ) == name


@pytest.mark.parametrize("kind", ["stt", "llm", "tts"])
def test_real_phones_are_not_rung_by_the_embedded_parts_unasked(kind: str) -> None:
    with pytest.raises(ConfigError, match="API_KEY"):
        part_name(kind, SETTINGS, TWILIO)
    assert part_name(kind, offline(SETTINGS), TWILIO) in ("pocketsphinx", "rules", "espeak")


def test_carrier_handed_over_counts_as_a_real_one() -> None:
    phone = Patter(carrier=TwilioCarrier(account_sid="AC1", auth_token="t"), settings=SETTINGS)
    with pytest.raises(ConfigError, match="API_KEY"):
        phone.agent()


def test_missing_key_of_a_part_chosen_by_name_is_named() -> None:
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY"):
        default_agent(Settings(llm="anthropic"))
    with pytest.raises(ConfigError, match="ELEVENLABS_API_KEY"):
        default_agent(Settings(tts="elevenlabs"))


def test_what_the_caller_brings_is_used_as_it_is() -> None:
    brain = default_agent(SETTINGS).llm
    assert default_agent(Settings(llm="nobody"), llm=brain).llm is brain
    agent = default_agent(Settings(language="de", system_prompt="Be brief."), voice="x")
    assert (agent.language, agent.voice, agent.system_prompt) == ("de", "x", "Be brief.")


def test_what_an_agent_is_told_in_a_word_or_a_number_is_a_setting_too() -> None:
    plain = {part.name for part in fields(Agent) if part.type in ("str", "str | None", "int", "float", "bool")}
    assert plain <= {part.name for part in fields(Settings)}
    agent = default_agent(Settings(first_message="Hi.", history_tokens=2000, temperature=0.2, max_output_tokens=90))
    assert (agent.first_message, agent.history_tokens) == ("Hi.", 2000)
    assert agent.llm_options == LlmOptions(temperature=0.2, max_output_tokens=90)


OWN = """
from patter_mcp import Patter
from patter_mcp.config import Settings

def agent(settings):
    return Patter(settings=settings).agent(system_prompt="Mine.")

ready_made = agent(Settings(store="memory:"))
nothing = 3

def broken(settings):
    raise RuntimeError("no such key")
"""


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    file = tmp_path / "my_phone.py"
    file.write_text(OWN, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["agent", "ready_made"])
def test_agent_of_ones_own_is_loaded_by_file_or_module(
    own_file: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(own_file.parent)
    for where in (own_file, "my_phone"):
        agent = own_agent(replace(SETTINGS, app=f"{where}:{name}"))
        assert agent is not None and agent.system_prompt == "Mine."
    assert own_agent(SETTINGS) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [("nobody", "nobody"), ("nothing", "must be what"), ("broken", "RuntimeError: no such key")],
)
def test_agent_that_cannot_be_loaded_says_why(own_file: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        own_agent(replace(SETTINGS, app=f"{own_file}:{name}"))


@pytest.mark.parametrize("app", ["no_such_module:agent", "/nowhere/my_phone.py:agent", "agent"])
def test_agent_that_is_nowhere_is_named(app: str) -> None:
    with pytest.raises(ConfigError, match=f"`app` .{app}."):
        own_agent(replace(SETTINGS, app=app))
