"""Scenarios written from the manual alone, without a look at the rules, with real voices and real recognition."""

from __future__ import annotations

from pathlib import Path

import pytest
from spoken_call import SpokenCall

from patter_mcp.sandbox.callee import spoken_lines
from patter_mcp.sandbox.scenario import Scenario
from patter_mcp.sandbox.scenario_file import load_scenario
from patter_mcp.sandbox.speech import EmbeddedSpeech
from patter_mcp.stt.pocketsphinx import installed as recogniser_installed
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.espeak import EspeakTTS
from patter_mcp.tts.espeak import installed as voice_installed

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (recogniser_installed() and voice_installed()), reason="needs the embedded speech: patter-mcp[sandbox]"
    ),
]

STRANGERS = [load_scenario(path) for path in sorted((Path(__file__).parent / "strangers").glob("*.toml"))]
MIN_RIGHT = 10


async def test_most_calls_to_strangers_end_as_they_really_went_and_none_claims_what_was_refused() -> None:
    played: list[tuple[Scenario, SpokenCall]] = []
    async with EspeakTTS().open(TtsOptions()):  # keeps the synthesiser running
        speech = EmbeddedSpeech()
        for scenario in STRANGERS:
            lines = await speech.speak(spoken_lines(scenario), scenario.words_per_minute)
            played.append((scenario, call := SpokenCall(scenario, speech, lines)))
            await call.run()

    wrong = {scenario.path.stem: call for scenario, call in played if not is_right(scenario, call)}
    told = "\n".join(f"{name}\n{transcript(call)}" for name, call in wrong.items())
    assert len(played) == 12
    assert all(scenario.expect.goal_met == "yes" for scenario, call in played if call.goal_met == "yes"), told
    assert len(played) - len(wrong) >= MIN_RIGHT, told


def is_right(scenario: Scenario, call: SpokenCall) -> bool:
    heard = transcript(call)
    return call.goal_met == scenario.expect.goal_met and all(word in heard for word in scenario.expect.heard)


def transcript(call: SpokenCall) -> str:
    return "\n".join([*call.transcript, f"-> {call.goal_met}: {call.summary}"])
