"""The command line as a person and a program use it: real processes, simulated people."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from patter_mcp.cli import clients
from patter_mcp.cli.main import CLIENTS
from patter_mcp.contract import INPUT_SCHEMA, MCP_TOOL, VERSION

ROOT = Path(__file__).parents[2]
BUSY, NOBODY, BARBER, SILENT = "+12025550106", "+12025550107", "+12025550100", "+12025550109"
CALL_SILENT = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "make_phone_call",
        "arguments": {"to": SILENT, "max_duration_sec": 5},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_SID", "_TOKEN"))}
    return {**kept, "PATTER_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}


def run(machine: dict[str, str], *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "patter_mcp", *arguments]
    return subprocess.run(command, env=machine, capture_output=True, text=True, timeout=120, check=False, **more)


@pytest.mark.slow
def test_call_for_programs_prints_the_envelope_and_nothing_else(machine: dict[str, str]) -> None:
    finished = run(machine, "call", BUSY, "--goal", "Ask if they are open.", "--json")
    envelope = json.loads(finished.stdout)
    assert finished.returncode == 4
    assert (envelope["status"], envelope["transcript"]) == ("busy", [])
    assert envelope["metrics"]["simulated"] is True
    assert "no phone rings" in finished.stderr


@pytest.mark.slow
def test_call_for_people_follows_it_and_ends_with_the_envelope(machine: dict[str, str]) -> None:
    finished = run(machine, "call", BUSY)
    shown, _, envelope = finished.stdout.partition("\n{\n")
    assert "dialing (simulated: no phone rings)" in shown
    assert "The line was busy." in shown
    assert json.loads("{" + envelope)["status"] == "busy"


@pytest.mark.slow
def test_calls_are_remembered(machine: dict[str, str]) -> None:
    assert run(machine, "calls", "list").stdout == "No calls yet.\n"
    envelope = json.loads(run(machine, "call", BUSY, "--json").stdout)
    (row,) = json.loads(run(machine, "calls", "list", "--json").stdout)
    assert (row["call_id"], row["to"], row["status"]) == (envelope["call_id"], BUSY, "busy")
    assert envelope["call_id"] in run(machine, "calls", "list").stdout
    assert json.loads(run(machine, "calls", "show", envelope["call_id"], "--json").stdout) == envelope
    assert "The line was busy." in run(machine, "calls", "show", envelope["call_id"]).stdout


@pytest.mark.slow
def test_call_of_a_program_that_died_is_shown_as_lost_and_closed_by_the_next(machine: dict[str, str]) -> None:
    caller = subprocess.Popen(
        [sys.executable, "-m", "patter_mcp", "call", NOBODY, "--json"], env=machine, stderr=subprocess.PIPE, text=True
    )
    assert caller.stderr is not None
    with caller, caller.stderr:
        assert any("ringing" in line for line in caller.stderr)
        (row,) = json.loads(run(machine, "calls", "list", "--json").stdout)
        assert row["status"] == "in-progress"
        caller.kill()
    with sqlite3.connect(Path(machine["PATTER_DATA_DIR"]) / "calls.db") as database:
        # The lease of the dead runs out.
        database.execute("UPDATE nodes SET lease_until = lease_until - 60")
    (row,) = json.loads(run(machine, "calls", "list", "--json").stdout)
    assert row["status"] == "lost"
    assert "lost. The program that ran it has died" in run(machine, "calls", "show", row["call_id"]).stdout

    run(machine, "call", BUSY)
    assert "failed. The program died" in run(machine, "calls", "show", row["call_id"]).stdout


def test_call_nobody_knows_is_a_sentence(machine: dict[str, str]) -> None:
    finished = run(machine, "calls", "show", "call_1")
    assert finished.returncode == 2
    assert "There is no call call_1" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["call", "5551234"], "country code"),
        (["call", BUSY, "--max-duration-sec", "4"], "max_duration_sec"),
        (["call", BUSY, "--max-duration-sec", "60.5"], "whole number of seconds"),
        (["call", BUSY, "--max-duration-sec", "soon"], "soon is not a number of seconds"),
        (["call", BUSY, "--llm", "nobody"], "nobody"),
        (["call", BUSY, "--carrier", "pigeon"], "pigeon"),
        (["call", BUSY, "--store", "papyrus:"], "papyrus"),
        (["call", BUSY, "--config-file", "/nowhere/patter.toml"], "/nowhere/patter.toml"),
        (["calls", "list", "--limit", "-3"], "whole number"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(machine: dict[str, str], arguments: list[str], sentence: str) -> None:
    finished = run(machine, *arguments)
    assert finished.returncode in (1, 2)
    assert finished.stdout == ""
    assert sentence in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(("variable", "hint"), [("PATTER_LMM", " Did you mean PATTER_LLM?"), ("PATTER_NOPE", "")])
def test_unknown_setting_in_the_environment_is_an_error(machine: dict[str, str], variable: str, hint: str) -> None:
    finished = run({**machine, variable: "rules"}, "config")
    assert finished.returncode == 1
    assert finished.stderr == f"patter-mcp: There is no setting {variable}.{hint}\n"


TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32}
SIGNED_IN = {**TWILIO, "TWILIO_AUTH_TOKEN": "0" * 32}
WITH_VENDOR = {**SIGNED_IN, "OPENAI_API_KEY": "sk-0"}
NUMBERED = {**WITH_VENDOR, "PATTER_PHONE_NUMBER": "+12025550123"}
PUBLIC = {**NUMBERED, "PATTER_MEDIA_PUBLIC_URL": "https://calls.example.com"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (TWILIO, "TWILIO_AUTH_TOKEN"),
        (SIGNED_IN, "DEEPGRAM_API_KEY or OPENAI_API_KEY"),
        (WITH_VENDOR, "`phone_number`"),
        (NUMBERED, "PATTER_MEDIA_PUBLIC_URL"),
        (PUBLIC, "PATTER_MEDIA_PORT"),
    ],
    ids=["token", "speech", "number", "address", "port"],
)
def test_real_calls_ask_for_what_they_lack_one_by_one(
    machine: dict[str, str], given: dict[str, str], missing: str
) -> None:
    finished = run({**machine, **given}, "call", "+12025550143", "--json")
    assert (finished.returncode in (1, 2), finished.stdout) == (True, "")
    assert missing in finished.stderr
    assert "Traceback" not in finished.stderr
    verdict = run({**machine, **given}, "config").stdout.splitlines()[-1]
    assert verdict.startswith("A call cannot be placed: ") and missing in verdict


def test_config_says_what_a_call_is_made_of(machine: dict[str, str]) -> None:
    ready = {**PUBLIC, "PATTER_MEDIA_PORT": "8080"}
    assert "carrier twilio (phones ring), stt openai/" in run({**machine, **ready}, "config").stdout
    assert "carrier sandbox (no phone rings)" in run(machine, "config").stdout


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("mcp", ["inputSchema"]),
        ("openai", ["function", "parameters"]),
        ("anthropic", ["input_schema"]),
        ("hermes", ["parameters"]),
    ],
)
def test_schema_is_the_contract_in_every_format(machine: dict[str, str], name: str, where: list[str]) -> None:
    schema = json.loads(run(machine, "schema", "--format", name).stdout)
    found = schema
    for key in where:
        found = found[key]
    assert found == INPUT_SCHEMA
    if name == "mcp":
        assert schema == MCP_TOOL


def test_config_says_where_each_setting_comes_from(machine: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "patter.toml"
    file.write_text('llm = "rules"\n[calls]\nring_timeout_sec = 12\n', encoding="utf-8")
    shown = run(
        {**machine, "PATTER_TTS": "espeak"}, "config", "--config-file", str(file), "--stt", "pocketsphinx"
    ).stdout
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in shown.partition("\n\n")[0].splitlines()}
    assert rows["llm"] == f"rules  ({file})"
    assert rows["calls.ring_timeout_sec"] == f"12.0  ({file})"
    assert rows["tts"] == "espeak  (environment)"
    assert rows["stt"] == "pocketsphinx  (command line)"
    assert rows["carrier"] == "auto  (default)"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_told_so_starts_this_server_wherever_it_is(
    machine: dict[str, str], tmp_path: Path, client: str
) -> None:
    (tmp_path / "patter.toml").write_text('log_level = "debug"\n', encoding="utf-8")
    printed = run(machine, "config", "--client", client, cwd=tmp_path)
    (servers,) = json.loads(printed.stdout).values()
    server = servers["patter"]
    assert "Merge this into" in printed.stderr
    assert server["env"] == {"PATTER_CONFIG": str(tmp_path / "patter.toml")}
    finished = subprocess.run(
        [server["command"], *server["args"]],
        env={**machine, **server["env"]},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (0, "")


def test_the_clients_known_are_those_that_can_be_chosen() -> None:
    assert list(clients.CLIENTS) == CLIENTS


OWN_AGENT = """
from patter_mcp import Patter, PipelineHooks

print("printed while it is loaded")

def loud(frame, context):
    print("printed by a hook")
    raise RuntimeError("a hook that fails")

def agent(settings):
    return Patter(settings=settings).agent(hooks=PipelineHooks(before_send_to_stt=loud))
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", [["call", SILENT, "--max-duration-sec", "5", "--json"], ["serve"]])
def test_agent_of_ones_own_may_print_and_fail(machine: dict[str, str], tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "mine.py").write_text(OWN_AGENT, encoding="utf-8")
    program = [sys.executable, "-m", "patter_mcp", *command, "--app", f"{tmp_path / 'mine.py'}:agent"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, env=machine, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        if command == ["serve"]:
            process.stdin.write(json.dumps(CALL_SILENT) + "\n")
            process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        rest, printed = process.communicate(timeout=60)
    envelope = answer["result"]["structuredContent"] if command == ["serve"] else answer
    assert (envelope["status"], rest) == ("timeout", "")
    assert "printed while it is loaded" in printed
    assert "printed by a hook" in printed
    assert "RuntimeError: a hook that fails" in printed


def test_scenarios_are_listed_and_checked(machine: dict[str, str], tmp_path: Path) -> None:
    assert BARBER in run(machine, "scenarios").stdout
    broken = tmp_path / "broken.toml"
    broken.write_text('number = "+12025550199"\n', encoding="utf-8")
    checked = run(machine, "scenarios", str(broken))
    assert checked.returncode == 1
    assert "broken.toml" in checked.stdout
    assert run(machine, "scenarios", str(tmp_path)).stdout == checked.stdout
    broken.write_text('number = "+12025550199"\ntitle = "Nobody"\n\n[[step]]\nsay = "Hi."\n', encoding="utf-8")
    assert run(machine, "scenarios", str(tmp_path)).stdout == "1 scenario checked, nothing wrong.\n"


@pytest.mark.parametrize("command", [["schema"], ["config"], ["scenarios"]])
def test_whoever_stops_reading_gets_no_traceback(machine: dict[str, str], command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        finished = subprocess.run(
            [sys.executable, "-m", "patter_mcp", *command],
            env=machine,
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert (finished.returncode, finished.stderr) == (0, b"")


def test_version_is_told(machine: dict[str, str]) -> None:
    assert run(machine, "--version").stdout == f"patter-mcp {VERSION}\n"


@pytest.mark.slow
def test_interrupting_a_call_hangs_up_and_still_tells_how_it_ended(machine: dict[str, str]) -> None:
    command = [sys.executable, "-m", "patter_mcp", "call", BARBER, "--goal", "Book a haircut.", "--json"]
    with subprocess.Popen(command, env=machine, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "talking" in line:
                break
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=30)
    envelope = json.loads(stdout)
    assert envelope["metrics"]["end_reason"] == "canceled"
    assert process.returncode == 5
