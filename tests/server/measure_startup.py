"""How long from starting `patter-mcp serve` to its first answer: ours, an empty `MCPServer`, and the quotient.

`python tests/server/measure_startup.py [ROUNDS]`, on an idle machine; the two take turns. Budget: 0.6 s and 1.3.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
EMPTY = "from mcp.server.mcpserver import MCPServer; MCPServer('empty', version='1').run()"
SERVERS = {
    "empty MCPServer": [sys.executable, "-c", EMPTY],
    "patter-mcp": [sys.executable, "-m", "patter_mcp", "serve"],
}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "measure", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ASK = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}).encode() + b"\n"


def first_answer_sec(command: list[str]) -> float:
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(ASK)
        process.stdin.flush()
        assert b'"tools"' in process.stdout.readline()
        elapsed_sec = time.perf_counter() - started
        process.kill()
        return elapsed_sec


def main(rounds: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in SERVERS}
    for _ in range(rounds + 1):
        for name, command in SERVERS.items():
            times[name].append(first_answer_sec(command))
    # The first round fills caches.
    medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}
    for name, median_sec in medians.items():
        print(f"{name:16} {median_sec * 1000:5.0f} ms (best {min(times[name]) * 1000:.0f})")
    print(f"quotient         {medians['patter-mcp'] / medians['empty MCPServer']:5.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
