"""Whole calls: library, carrier, media websocket and model, each over real sockets and in real time."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from patter_mcp import OpenAIRealtime, Patter
from patter_mcp.config import Settings
from patter_mcp.sandbox.carrier import SandboxCarrier
from patter_mcp.testing.speech import Answer, FakeSpeech, RealtimeScript
from patter_mcp.types import CallResult

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NUMBER = "+12025550150"
END = ("end_call", '{"goal_met": "yes", "summary": "Booked."}')


@asynccontextmanager
async def vendor(*answers: Answer, transcripts: list[str]) -> AsyncGenerator[FakeSpeech]:
    script = RealtimeScript(answers=list(answers), transcripts=transcripts)
    async with FakeSpeech(realtime=script).run() as vendors:
        yield vendors


async def call(vendors: FakeSpeech, directory: Path, scenario: str, first_message: str) -> CallResult:
    head = f'number = "{NUMBER}"\ntitle = "A test"\nring_sec = 0.5\n'
    (directory / "scenario.toml").write_text(head + textwrap.dedent(scenario), encoding="utf-8")
    carrier = SandboxCarrier(scenario_dirs=[directory], speech="sung_speech:SungSpeech")
    settings = Settings(store="memory:")
    with anyio.fail_after(60):
        async with Patter(carrier=carrier, settings=settings) as phone:
            agent = phone.agent(engine=OpenAIRealtime(api_key="key", base_url=vendors.openai_url))
            result = await phone.call(NUMBER, goal="Book a table.", first_message=first_message, agent=agent)
    (session,) = vendors.realtime.sessions
    assert session.errors == []
    return result


def lines(result: CallResult) -> list[tuple[str, str]]:
    return [(line.role, line.text) for line in result.transcript]


async def test_call_from_the_first_word_to_the_envelope(tmp_path: Path) -> None:
    scenario = """
        [[step]]
        listen = true

        [[step]]
        say = "Yes, at eight."
    """
    async with vendor(Answer("Thank you.", [END]), transcripts=["Yes, at eight.", "Okay, bye."]) as vendors:
        result = await call(vendors, tmp_path, scenario, "A table for two?")
    assert lines(result)[:4] == [
        ("agent", "A table for two?"),
        ("user", "Yes, at eight."),
        ("agent", "Thank you."),
        ("user", "Okay, bye."),
    ]
    assert result.status == "completed"
    assert result.metrics["outcome"] == {"goal_met": "yes", "summary": "Booked."}
    assert result.metrics["engine"] == {"realtime": "openai/gpt-realtime-2.1", "stt": "openai/gpt-4o-transcribe"}
    assert result.metrics["cost_status"] == "estimated" and result.cost_usd > 0
    turn = result.metrics["turns"][0]
    assert turn["response_ms"] >= turn["endpointing_ms"] + turn["llm_ttft_ms"]


async def test_callee_who_interrupts_is_heard_and_the_model_knows_where_it_stopped(tmp_path: Path) -> None:
    scenario = """
        [[step]]
        say = "Stop, we are closed."
        interrupt_after_ms = 2500

        [[step]]
        silence_sec = 1
    """
    first_message = "Hello, I would like to book a table for two for tomorrow evening."
    async with vendor(Answer("Goodbye.", [END]), transcripts=["Stop, we are closed.", "Okay, bye."]) as vendors:
        result = await call(vendors, tmp_path, scenario, first_message)
        (session,) = vendors.realtime.sessions
    greeting = next(item for item in session.items if item.role == "assistant")
    assert greeting.truncated_ms is not None and 2000 < greeting.truncated_ms < 3500
    (_, heard), *rest = lines(result)
    assert heard != first_message and first_message.startswith(heard)
    # About as much as was heard: 60 ms a character, up to the last whole word.
    assert 0 <= greeting.truncated_ms / 60 - len(heard) < 12
    assert rest[:3] == [("user", "Stop, we are closed."), ("agent", "Goodbye."), ("user", "Okay, bye.")]
    assert result.metrics["barge_ins"] == 1


async def test_voicemail_gets_its_message_after_the_beep(tmp_path: Path) -> None:
    scenario = """
        callee = "machine"
        greeting = "Leave a message after the beep."

        [[step]]
        silence_sec = 1.2

        [[step]]
        beep = true

        [[step]]
        listen = true
        quiet_ms = 3000

        [[step]]
        hang_up = true
    """
    left = Answer("Please call Ann.", [END])
    async with vendor(Answer("Hello?"), left, transcripts=["Leave a message after the beep."]) as vendors:
        result = await call(vendors, tmp_path, scenario, "Hello, this is Ann.")
    assert lines(result)[-1] == ("agent", "Please call Ann.")
    assert ("agent", "Hello?") not in lines(result)
    assert result.metrics["answered_by"] == "voicemail"
