"""Tools, guardrails and hooks of a speech-to-speech conversation, in virtual time."""

from __future__ import annotations

import anyio
import pytest
from realtime_stage import FIRST, open_stage

from patter_mcp import events as ev
from patter_mcp.config import TurnSettings
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.speech_to_speech import SpeechToSpeechEngine
from patter_mcp.errors import ConfigError
from patter_mcp.guardrails.base import Guardrail
from patter_mcp.hooks import HookContext, PipelineHooks
from patter_mcp.realtime.base import ToolUse
from patter_mcp.testing.scripted import Say
from patter_mcp.testing.scripted_realtime import ScriptedRealtime
from patter_mcp.tools.base import Tool, tool

pytestmark = pytest.mark.anyio
END = ("end_call", '{"goal_met": "yes"}')
LOOK_UP = ("look_up", '{"name": "Bob"}')
NO_PRICES = Guardrail(name="no prices", blocked_terms=["dollars"], replacement="Let me ask a colleague.")


@tool
async def look_up(name: str) -> str:
    """Looks up."""
    return f"{name} is in"


def slow(seconds: float, reassurance: str | None = None) -> Tool:
    async def look_up(name: str) -> str:
        await anyio.sleep(seconds)
        return f"{name} is in"

    return Tool(
        name="look_up",
        description="Looks up.",
        parameters={"type": "object", "properties": {"name": {"type": "string"}}},
        handler=look_up,
        reassurance=reassurance,
    )


async def test_model_is_told_the_result_and_answers() -> None:
    async with open_stage(Say("Let me see.", [LOOK_UP]), Say("Bob is in."), tools=[look_up]) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.agent_has_spoken()
        names = [spec["name"] for spec in s.stream.options.tools]
    ((_, output),) = s.stream.answers
    assert output == "Bob is in"
    assert names == ["look_up", "end_call", "send_digits"]
    assert s.journal.of(ev.ToolCalled)[0].ok
    assert [text for _, text in s.journal.transcript] == [FIRST, "Is Bob in?", "Let me see.", "Bob is in."]


async def test_answer_after_a_tool_is_what_the_user_waited_for() -> None:
    async with open_stage(Say("", [LOOK_UP]), Say("Bob is in."), tools=[slow(2)]) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.agent_has_spoken()
        await s.agent_has_spoken()
    (turn,) = s.journal.of(ev.TurnMeasured)
    assert turn.response_ms == pytest.approx(500 + 300 + 2000 + 300, abs=30)


async def test_rounds_of_tools_are_bounded() -> None:
    async with open_stage(*[Say("", [LOOK_UP])] * 11, tools=[look_up]) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.agent_has_spoken()
    assert len(s.journal.of(ev.ToolCalled)) == 10
    assert s.journal.transcript[-1] == ("agent", "I'm sorry, I couldn't finish that just now.")


async def test_tool_asked_for_by_a_reply_that_was_cut_is_not_run() -> None:
    async with open_stage(Say("Let me look that up for you now.", [LOOK_UP]), Say("Yes?"), tools=[look_up]) as s:
        s.model.speed = 1.0
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.agent_speaks()
        await s.leg.quiet(0.5)
        await s.user_says("No, wait.")
        await s.agent_has_spoken()
    assert not s.journal.of(ev.ToolCalled)


async def test_slow_tool_is_bridged_by_its_reassurance() -> None:
    script = Say("", [LOOK_UP]), Say("Bob is in.")
    async with open_stage(*script, tools=[slow(5, "One second, I'm checking.")]) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        started_at = anyio.current_time()
        await s.agent_has_spoken()
        assert anyio.current_time() - started_at < 5
        await s.agent_has_spoken()
    assert [text for _, text in s.journal.transcript[2:]] == ["One second, I'm checking.", "Bob is in."]


async def test_user_who_speaks_while_a_tool_runs_is_answered_and_the_result_still_comes() -> None:
    script = Say("", [LOOK_UP]), Say("Still checking."), Say("Bob is in.")
    async with open_stage(*script, tools=[slow(4)]) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.leg.quiet(0.6)
        await s.user_says("Hello?")
        await s.agent_has_spoken()
        await s.agent_has_spoken()
    assert [text for _, text in s.journal.transcript[2:]] == ["Hello?", "Still checking.", "Bob is in."]


async def test_silence_is_not_held_against_a_user_who_waits_for_a_tool() -> None:
    quick = TurnSettings(silence_sec=2)
    async with open_stage(Say("", [LOOK_UP]), Say("Bob is in."), tools=[slow(6)], turns=quick) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.agent_has_spoken()
        await s.agent_has_spoken()
    assert [text for _, text in s.journal.transcript[2:]] == ["One moment, please.", "Bob is in."]


async def test_model_that_forgot_everything_is_told_of_tools_too() -> None:
    async with open_stage(Say("Let me see.", [LOOK_UP]), Say("Bob is in."), tools=[look_up]) as s:
        await s.agent_has_spoken()
        await s.user_says("Is Bob in?")
        await s.agent_has_spoken()
        s.stream.lose_connection()
        await s.leg.quiet(1)
    (past,) = s.stream.pasts
    assert ToolUse(name="look_up", arguments=LOOK_UP[1], output="Bob is in") in past


async def test_tool_that_ends_the_call_among_others_ends_it() -> None:
    async with open_stage(Say("Goodbye.", [LOOK_UP, END]), Say("Hm?"), tools=[look_up]) as s:
        await s.agent_has_spoken()
        await s.user_says("That is all.")
        await s.ended()
    assert s.journal.transcript[-1] == ("agent", "Goodbye.")


async def test_end_without_a_word_hangs_up() -> None:
    async with open_stage(Say("", [END])) as s:
        await s.agent_has_spoken()
        await s.user_says("Go away.")
        await s.ended()
    assert s.journal.transcript[-1] == ("user", "Go away.")


async def test_blocked_sentence_is_not_heard_and_the_replacement_is() -> None:
    said = "We are open until five today. It costs ten dollars a head. Bring friends."
    async with open_stage(Say(said, [LOOK_UP]), tools=[look_up], guardrails=[NO_PRICES]) as s:
        await s.agent_has_spoken()
        await s.user_says("And the price?")
        await s.agent_has_spoken()
        remembered = next(item for item in s.stream.memory if item.cut_ms is not None)
    assert [text for _, text in s.journal.transcript[2:]] == [
        "We are open until five today.",
        "Let me ask a colleague.",
    ]
    assert remembered.cut_ms == pytest.approx(len("We are open until five today.") * 60, abs=300)
    (hit,) = s.journal.of(ev.GuardrailHit)
    assert (hit.name, hit.action) == ("no prices", "replaced")
    assert not s.journal.of(ev.ToolCalled)


async def test_blocked_reply_without_replacement_is_silence() -> None:
    silent = Guardrail(name="no prices", blocked_terms=["dollars"], replacement="")
    async with open_stage(Say("Ten dollars."), guardrails=[silent]) as s:
        await s.agent_has_spoken()
        before_ms = s.leg.playout.written_ms
        await s.user_says("And the price?")
        await s.leg.quiet(3)
        assert s.leg.playout.written_ms == before_ms
        assert all(item.role != "agent" or item.text == FIRST for item in s.stream.memory)
    assert s.journal.of(ev.GuardrailHit)[0].action == "blocked"


async def test_guardrail_costs_the_time_to_the_end_of_a_clause() -> None:
    waits: list[int] = []
    for guardrails in ([], [NO_PRICES]):
        async with open_stage(Say("Yes of course, we are open until five."), guardrails=guardrails) as s:
            await s.agent_has_spoken()
            await s.user_says("Are you open?")
            await s.agent_has_spoken()
        waits.append(s.journal.of(ev.TurnMeasured)[0].response_ms)
    clause_ms = len("Yes of course,") * 60 / ScriptedRealtime().speed
    assert 0 < waits[1] - waits[0] <= clause_ms


async def test_audio_hooks_see_both_directions() -> None:
    heard: list[int] = []
    spoken: list[str] = []

    def hear(frame: bytes, context: HookContext) -> bytes:
        heard.append(len(frame))
        return frame

    async def speak(audio: bytes, text: str, context: HookContext) -> bytes:
        spoken.append(text)
        return audio

    hooks = PipelineHooks(before_send_to_stt=hear, after_synthesize=speak)
    async with open_stage(Say("At three."), hooks=hooks) as s:
        await s.agent_has_spoken()
        await s.user_says("When?")
        await s.agent_has_spoken()
    assert set(heard) == {160} and spoken[-1] == "At three."
    assert s.journal.transcript[-1] == ("agent", "At three.")


async def test_hooks_on_text_are_refused() -> None:
    model = ScriptedRealtime()
    hooks = PipelineHooks(before_synthesize=lambda text, context: text)
    with pytest.raises(ConfigError, match="no place for before_synthesize"):
        SpeechToSpeechEngine(Agent(engine=model, hooks=hooks), model)
