"""A server process on stdio, spoken to by hand: every byte it writes to stdout is looked at."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Literal

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

import patter_mcp.contract

Era = Literal["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]

STATELESS = "2026-07-28"
"""The first revision without a handshake."""

PROGRAM = Path(__file__).with_name("scripted_phone.py")
ENVIRONMENT = {"PYTHONPATH": str(Path(patter_mcp.contract.__file__).parents[1])}
START_SEC = 10
"""For a new process on a busy machine."""
MAX_MESSAGE_BYTES = 1_000_000
CLIENT_INFO = {"name": "by-hand", "version": "1"}


class StdioServer:
    """`open` it on an exchange's port."""

    def __init__(self, process: Process, era: Era, log: IO[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.messages: list[dict[str, Any]] = []
        """All it has sent and we have read."""
        self._stdout = BufferedByteReceiveStream(process.stdout)
        self._era: Era = era
        self._log = log
        self.last_id = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, era: Era = "2025-11-25") -> AsyncGenerator[StdioServer]:
        command = [sys.executable, str(PROGRAM), str(port)]
        with tempfile.TemporaryFile() as log:
            async with await anyio.open_process(command, stderr=log, env=os.environ | ENVIRONMENT) as process:
                server = cls(process, era, log)
                try:
                    with anyio.fail_after(START_SEC):
                        await server._greet()
                    yield server
                finally:
                    sys.stderr.write(server.log())
                    if process.returncode is None:
                        process.kill()

    async def send(self, method: str, params: dict[str, Any], **rest: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params, **rest}
        await self.stdin.send(json.dumps(message).encode() + b"\n")

    async def request(self, method: str, params: dict[str, Any]) -> int:
        """Returns the request's id."""
        self.last_id += 1
        meta = {**self._envelope(), "progressToken": self.last_id}
        await self.send(method, {**params, "_meta": meta}, id=self.last_id)
        return self.last_id

    async def call(self, to_number: str, goal: str = "") -> int:
        """Asks for a phone call; returns the request's id."""
        return await self.request(
            "tools/call", {"name": "make_phone_call", "arguments": {"to": to_number, "goal": goal}}
        )

    async def cancel(self, request_id: int, reason: str) -> None:
        await self.send("notifications/cancelled", {"requestId": request_id, "reason": reason})

    async def result(self, request_id: int) -> dict[str, Any]:
        """The answer to a request, whatever comes before it."""
        while True:
            message = await self.receive()
            if message.get("id") == request_id:
                assert "result" in message, message
                return message["result"]

    async def progress(self, request_id: int) -> dict[str, Any]:
        """The request's next progress notification."""
        while True:
            message = await self.receive()
            if message.get("params", {}).get("progressToken") == request_id:
                return message["params"]

    async def receive(self) -> dict[str, Any]:
        """The next line, which has to be a message.

        Raises:
            anyio.IncompleteRead: it has closed stdout.
        """
        line = await self._stdout.receive_until(b"\n", MAX_MESSAGE_BYTES)
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        self.messages.append(message)
        return message

    async def hang_up_on(self) -> None:
        """Closes both pipes, as the end of the client's process would."""
        await self.stdin.aclose()
        await self._stdout.aclose()

    def log(self) -> str:
        """All it has written to stderr."""
        self._log.seek(0)
        return self._log.read().decode()

    async def _greet(self) -> None:
        if self._era < STATELESS:
            hello = {"protocolVersion": self._era, "capabilities": {}, "clientInfo": CLIENT_INFO}
            await self.result(await self.request("initialize", hello))
            await self.send("notifications/initialized", {})

    def _envelope(self) -> dict[str, Any]:
        if self._era < STATELESS:
            return {}
        prefix = "io.modelcontextprotocol"
        return {
            f"{prefix}/protocolVersion": self._era,
            f"{prefix}/clientInfo": CLIENT_INFO,
            f"{prefix}/clientCapabilities": {},
        }
