"""The server as Node's clients see it; both generations are in use, and they check results against our schema."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from phone_exchange import PhoneExchange
from stdio_process import ENVIRONMENT, MAX_MESSAGE_BYTES, PROGRAM

from patter_mcp.contract import INPUT_SCHEMA, OUTPUT_SCHEMA

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CLIENTS = Path(__file__).with_name("clients")
NUMBER = "+12025550123"


@pytest.fixture(scope="session")
def clients(pytestconfig: pytest.Config) -> Path:
    """A folder with the scripts and the packages they use, kept between runs."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("typescript-clients")
    changed = _copy(folder)
    if changed or not (folder / "node_modules").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if installed.returncode != 0:
            pytest.skip(f"npm could not install the clients: {installed.stderr[-300:]}")
    return folder


def _copy(folder: Path) -> bool:
    """Whether the packages asked for have changed."""
    wanted = (CLIENTS / "package.json").read_text()
    kept = folder / "package.json"
    changed = not kept.exists() or kept.read_text() != wanted
    for source in CLIENTS.iterdir():
        shutil.copy(source, folder)
    return changed


@pytest.mark.parametrize("script", ["v1.mjs", "v2.mjs"])
async def test_a_typescript_client_calls_is_refused_times_out_and_comes_back(
    clients: Path, exchange: PhoneExchange, script: str
) -> None:
    server = {"command": sys.executable, "args": [str(PROGRAM), str(exchange.port)], "env": ENVIRONMENT}
    told: dict[str, Any] = {}

    with anyio.fail_after(60):
        command = ["node", script, json.dumps(server)]
        async with await anyio.open_process(command, cwd=clients, stderr=None, env=os.environ) as node:
            async for what, value in _lines(node):
                told[what] = value
                if what == "attached":
                    (await exchange.line(1)).callee_hangs_up()

    assert node.returncode == 0
    (tool,) = told["tools"]
    assert tool["inputSchema"] == INPUT_SCHEMA
    assert tool["outputSchema"] == OUTPUT_SCHEMA
    assert told["refused"]["isError"]
    assert told["result"]["structuredContent"]["status"] == "completed"
    assert told["progress"]
    assert "timed out" in told["timed out"]
    assert told["again"]["structuredContent"]["status"] == "completed"
    assert [line.to_number for line in exchange.lines] == [NUMBER, NUMBER]


async def _lines(node: Process) -> AsyncIterator[tuple[str, Any]]:
    assert node.stdout is not None
    reader = BufferedByteReceiveStream(node.stdout)
    while True:
        try:
            told = json.loads(await reader.receive_until(b"\n", MAX_MESSAGE_BYTES))
        except anyio.IncompleteRead:
            return
        yield told["what"], told["value"]
