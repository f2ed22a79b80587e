"""Whole calls: what the brain reports must be what really came of them."""

from __future__ import annotations

import pytest
from rules_dialogues import DIALOGUES
from simulated_callee import Dialogue, misheard, play

from patter_mcp.llm.rules import RulesLLM

pytestmark = pytest.mark.anyio

NOISE_SEEDS = range(3)
MIN_SUCCESS_IN_NOISE = 0.88


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
async def test_a_call_ends_as_it_really_went(dialogue: Dialogue) -> None:
    played = await play(dialogue, RulesLLM())
    assert not (faults := played.faults(dialogue)), f"{faults}\n{played.transcript()}"


async def test_mishearing_never_turns_a_refusal_into_success_and_seldom_spoils_a_call() -> None:
    noisy = [misheard(dialogue, seed) for dialogue in DIALOGUES for seed in NOISE_SEEDS]
    played = [(dialogue, await play(dialogue, RulesLLM())) for dialogue in noisy]
    for dialogue, call in played:
        assert call.goal_met != "yes" or "yes" in dialogue.truth.split("|"), call.transcript()
    right = sum(not call.faults(dialogue) for dialogue, call in played)
    assert right / len(played) >= MIN_SUCCESS_IN_NOISE, f"{right} of {len(played)}"


async def test_the_same_call_goes_the_same_way_twice() -> None:
    for dialogue in DIALOGUES[::5]:
        first, second = await play(dialogue, RulesLLM()), await play(dialogue, RulesLLM())
        assert first.messages == second.messages
