"""Which engine an agent gets."""

from __future__ import annotations

import pytest

from patter_mcp import Agent, OpenAIRealtime, Patter
from patter_mcp.assembly import default_agent, engine_of, offline
from patter_mcp.config import Settings, load
from patter_mcp.conversation.speech_to_speech import SpeechToSpeechEngine
from patter_mcp.errors import ConfigError
from patter_mcp.testing.scripted import ScriptedLLM, ScriptedSTT, ScriptedTTS
from patter_mcp.testing.scripted_realtime import ScriptedRealtime

MINI = Settings(engine="openai/gpt-realtime-2.1-mini")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")


def test_agent_is_made_of_parts_or_of_one_piece() -> None:
    with pytest.raises(ConfigError, match="needs stt and tts, or a speech-to-speech engine"):
        Agent(llm=ScriptedLLM())
    with pytest.raises(ConfigError, match="no use for llm"):
        Agent(engine=ScriptedRealtime(), llm=ScriptedLLM())


def test_phone_makes_an_agent_with_nothing_but_an_engine() -> None:
    agent = Patter(settings=Settings()).agent(engine=OpenAIRealtime(), system_prompt="Be brief.")
    assert isinstance(engine_of(agent), SpeechToSpeechEngine)
    assert engine_of(agent).parts["realtime"] == "openai/gpt-realtime-2.1"


def test_setting_chooses_for_agents_that_do_not() -> None:
    assert engine_of(default_agent(MINI)).parts["realtime"] == "openai/gpt-realtime-2.1-mini"
    parts = {"stt": ScriptedSTT(), "llm": ScriptedLLM(), "tts": ScriptedTTS()}
    assert "realtime" not in engine_of(default_agent(MINI, **parts)).parts
    assert default_agent(MINI, engine=ScriptedRealtime()).engine is not None


def test_setting_is_read_like_any_other() -> None:
    settings, _ = load(environ={"PATTER_ENGINE": "openai"})
    assert engine_of(default_agent(settings)).parts["realtime"] == "openai/gpt-realtime-2.1"


def test_engine_without_its_key_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="ENGINE by openai.* cannot be used: .*OPENAI_API_KEY"):
        default_agent(MINI)


def test_offline_is_a_pipeline() -> None:
    assert offline(MINI).engine == "pipeline"
