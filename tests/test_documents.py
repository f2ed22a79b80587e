"""What README and examples show is run as it stands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from patter_mcp.config import load
from patter_mcp.sandbox.scenario_file import validate

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)

LIST_TOOLS = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/list",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "readme", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
CALL_STATUSES = {0, 3, 4, 5, 6}


def blocks(language: str) -> list[str]:
    found = [text for name, text in BLOCKS if name == language]
    assert found, f"README has no {language} block"
    return found


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """An environment without credentials, whose data is thrown away."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_SID", "_TOKEN"))}
    return {**kept, "PATTER_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}


def run(arguments: list[str], machine: dict[str, str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, env=machine, capture_output=True, text=True, timeout=180, check=False, **more)


def ours(words: list[str]) -> list[str]:
    """`patter-mcp …`, however it is started there, as it is started here."""
    return [sys.executable, "-m", "patter_mcp", *words[words.index("patter-mcp") + 1 :]]


def commands() -> list[str]:
    return [line for text in blocks("sh") for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_command_in_the_readme_works(command: str, machine: dict[str, str], tmp_path: Path) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        assert run(["make", "-n", *words[1:]], machine, cwd=ROOT).returncode == 0
    elif "serve" in words:
        assert_serves(ours(words), machine)
    else:
        finished = run(ours(words), machine, cwd=tmp_path)
        assert finished.returncode in (CALL_STATUSES if "call" in words else {0}), finished.stderr


@pytest.mark.slow
@pytest.mark.parametrize("text", blocks("json"), ids=["claude-desktop", "vscode"])
def test_client_block_in_the_readme_starts_a_server(text: str, machine: dict[str, str]) -> None:
    data = json.loads(text)
    (servers,) = data.values()
    server = servers["patter"]
    assert_serves(ours([server["command"], *server["args"]]), {**machine, **server.get("env", {})})


def test_mcp_json_is_the_block_of_the_readme() -> None:
    written = json.loads((ROOT / "mcp.json").read_text(encoding="utf-8"))["mcpServers"]["patter"]
    shown = json.loads(blocks("json")[0])["mcpServers"]["patter"]
    assert {**shown, "type": "stdio"} == written


@pytest.mark.slow
@pytest.mark.parametrize("text", blocks("python"))
def test_snippet_in_the_readme_runs(text: str, machine: dict[str, str], tmp_path: Path) -> None:
    finished = run([sys.executable, "-W", "error", "-c", text], machine, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr


def test_settings_in_the_readme_are_settings(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    file = tmp_path / "patter.toml"
    file.write_text(text, encoding="utf-8")
    settings, _ = load(environ={}, file=file)
    assert settings.media.port == 8080


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_example_runs(path: Path, machine: dict[str, str], tmp_path: Path) -> None:
    finished = run([sys.executable, "-W", "error", str(path)], machine, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_example_scenario_is_valid(path: Path) -> None:
    assert validate(path) == []


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def assert_serves(command: list[str], machine: dict[str, str]) -> None:
    with subprocess.Popen(
        command, env=machine, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        answer, errors = server.communicate(json.dumps(LIST_TOOLS) + "\n", timeout=60)
    assert '"make_phone_call"' in answer, errors
