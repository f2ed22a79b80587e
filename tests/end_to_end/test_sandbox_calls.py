"""The product as a client gets it: `patter-mcp serve` on stdio, simulated people, real audio in real time."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client

from patter_mcp.sandbox.scenario import Scenario
from patter_mcp.sandbox.scenario_file import load_scenarios
from patter_mcp.stt.pocketsphinx import installed as recogniser_installed
from patter_mcp.tts.espeak import installed as voice_installed

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (recogniser_installed() and voice_installed()), reason="needs the embedded speech: patter-mcp[sandbox]"
    ),
]

ROOT = Path(__file__).parents[2]
SCENARIOS = load_scenarios()
EMBEDDED = {"PATTER_CARRIER": "sandbox", "PATTER_STT": "pocketsphinx", "PATTER_LLM": "rules", "PATTER_TTS": "espeak"}


@asynccontextmanager
async def client(data_dir: Path) -> AsyncGenerator[Client]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "patter_mcp", "serve"],
        env={**os.environ, **EMBEDDED, "PATTER_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)},
    )
    with anyio.fail_after(240):
        async with Client(stdio_client(server)) as connected:
            yield connected


async def call(connected: Client, scenario: Scenario, **more: Any) -> Mapping[str, Any]:
    arguments = {"to": scenario.number, **more}
    if scenario.example is not None:
        arguments |= {"goal": scenario.example.goal, "first_message": scenario.example.first_message}
    result = await connected.call_tool("make_phone_call", arguments)
    assert result.structured_content is not None, result.content
    return result.structured_content


async def test_every_documented_number_at_once_gives_its_own_result(tmp_path: Path) -> None:
    results: dict[str, Mapping[str, Any]] = {}

    async with client(tmp_path) as connected, anyio.create_task_group() as calls:

        async def one(scenario: Scenario) -> None:
            results[scenario.number] = await call(connected, scenario)

        for scenario in SCENARIOS.values():
            calls.start_soon(one, scenario)

    assert {number[-4:]: result["status"] for number, result in results.items()} == {
        "0100": "completed",
        "0101": "completed",
        "0102": "completed",
        "0103": "completed",
        "0104": "completed",
        "0105": "completed",
        "0106": "busy",
        "0107": "no-answer",
        "0108": "failed",
        "0109": "completed",
    }
    assert len({result["call_id"] for result in results.values()}) == 10
    for number, result in results.items():
        check(SCENARIOS[number], result)


def check(scenario: Scenario, result: Mapping[str, Any]) -> None:
    """What must hold however well the recogniser understood: nobody else's words, and no success that was refused."""
    assert result["metrics"]["simulated"] is True
    outcome = result["metrics"]["outcome"]["goal_met"]
    if scenario.expect.goal_met != "yes":
        assert outcome != "yes", result["metrics"]["outcome"]
    ours = " ".join(line["text"] for line in result["transcript"] if line["role"] == "agent").lower()
    words = {"haircut": "0100", "table": "0101", "bicycle": "0103", "meeting": "0104"}
    for word, number in words.items():
        if not scenario.number.endswith((number, "0108")):
            assert word not in ours, (scenario.number, ours)


async def test_call_that_runs_out_of_time_says_so(tmp_path: Path) -> None:
    async with client(tmp_path) as connected:
        result = await call(connected, SCENARIOS["+12025550100"], max_duration_sec=5)
    assert result["status"] == "timeout"
    assert 4.5 <= result["duration_seconds"] <= 7
    # Whose words come first is open: the barber may say hello over ours.
    assert result["transcript"]
    assert {line["role"] for line in result["transcript"]} <= {"agent", "user"}
