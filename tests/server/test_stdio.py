"""The server as its own process: what it says on stdout, and that it takes every call down with it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from phone_exchange import Callee, PhoneExchange, PhoneLine
from scripted_phone import STAY, STRAY_OUTPUT, VERSION
from stdio_process import ENVIRONMENT, PROGRAM, START_SEC, Era, StdioServer

from patter_mcp.contract import MCP_TOOL, TOOL_NAME
from patter_mcp.server.stdio import EXIT_SEC

pytestmark = pytest.mark.anyio

NUMBER = "+12025550123"
HANG_UP_SEC = 1
END_SEC = 2


BOTH_ERAS = pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])


@pytest.fixture
def era() -> Era:
    """Unless a test names `BOTH_ERAS`."""
    return "2025-11-25"


@pytest.fixture
async def server(exchange: PhoneExchange, era: Era) -> AsyncGenerator[StdioServer]:
    async with StdioServer.open(exchange.port, era) as server:
        yield server


async def talking_line(server: StdioServer, exchange: PhoneExchange) -> PhoneLine:
    """The line of a call that goes on until somebody ends it."""
    with anyio.fail_after(START_SEC):
        await server.call(NUMBER, STAY)
        line = await exchange.line()
        await line.talking.wait()
    return line


@pytest.mark.parametrize("era", get_args(Era))
async def test_it_publishes_the_contract_byte_for_byte_and_nothing_else(server: StdioServer) -> None:
    with anyio.fail_after(START_SEC):
        listed = await server.result(await server.request("tools/list", {}))

    # As text: the order of keys counts.
    assert json.dumps(listed["tools"]) == json.dumps([MCP_TOOL])


@BOTH_ERAS
async def test_stdout_carries_messages_only_whatever_a_library_prints(
    server: StdioServer, exchange: PhoneExchange
) -> None:
    with anyio.fail_after(START_SEC):
        result = await server.result(await server.call(NUMBER, "say hello"))
        await server.stdin.aclose()
        with pytest.raises(anyio.IncompleteRead):
            while True:
                await server.receive()
        await server.process.wait()

    assert result["structuredContent"]["status"] == "completed"
    assert STRAY_OUTPUT in server.log()
    assert NUMBER not in server.log()


@BOTH_ERAS
async def test_nonsense_on_stdin_is_survived_in_silence_or_with_an_error(server: StdioServer) -> None:
    nonsense = [
        b"", b"null", b"[]", b"{", b"[" * 5000, b"\xff\xfe", b'{"jsonrpc": "2.0"}',
        b'{"jsonrpc": "2.0", "method": "tools/list"}', b'{"jsonrpc": "2.0", "id": null, "method": "tools/list"}',
        b'{"jsonrpc": "2.0", "id": 900, "method": "tools/call", "params": {"name": TOOL, "arguments": [1]}}'.replace(
            b"TOOL", json.dumps(TOOL_NAME).encode()
        ),
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 12345}}',
    ]  # fmt: skip
    with anyio.fail_after(START_SEC):
        # The first request settles which era a connection is of.
        await server.result(await server.request("tools/list", {}))
        await server.stdin.send(b"\n".join(nonsense) + b"\n")
        listed = await server.result(await server.request("tools/list", {}))

    assert listed["tools"] == [MCP_TOOL]
    assert "patter_mcp" not in server.log(), "a traceback through our code"


@BOTH_ERAS
async def test_half_a_character_is_refused_in_a_sentence_and_holds_up_nothing(
    server: StdioServer, exchange: PhoneExchange
) -> None:
    with anyio.fail_after(START_SEC):
        refused = await server.result(await server.call(NUMBER, "half of \U0001f600: \ud83d"))
        placed = await server.result(await server.call(NUMBER, "all of \U0001f600"))

    assert refused["isError"]
    assert "Write it again" in refused["content"][0]["text"]
    assert placed["structuredContent"]["transcript"][1]["text"].endswith("all of \U0001f600")
    assert len(exchange.lines) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
async def test_a_signal_hangs_up_and_ends_the_process(
    server: StdioServer, exchange: PhoneExchange, number: signal.Signals
) -> None:
    line = await talking_line(server, exchange)

    server.process.send_signal(number)

    await assert_ends_politely(server, line)


@BOTH_ERAS
async def test_closing_stdin_hangs_up_and_ends_the_process(server: StdioServer, exchange: PhoneExchange) -> None:
    line = await talking_line(server, exchange)

    await server.stdin.aclose()

    await assert_ends_politely(server, line)


async def test_a_client_that_dies_takes_its_calls_along(server: StdioServer, exchange: PhoneExchange) -> None:
    line = await talking_line(server, exchange)

    await server.hang_up_on()

    await assert_ends_politely(server, line)


async def assert_ends_politely(server: StdioServer, line: PhoneLine) -> None:
    with anyio.fail_after(HANG_UP_SEC):
        await line.down.wait()
    with anyio.fail_after(END_SEC):
        await server.process.wait()
    assert line.hung_up_by_agent.is_set()
    assert server.process.returncode == 0


async def test_a_phone_that_still_rings_stops_ringing(server: StdioServer, exchange: PhoneExchange) -> None:
    exchange.callees[NUMBER] = Callee.LETS_IT_RING
    with anyio.fail_after(START_SEC):
        await server.call(NUMBER)
        line = await exchange.line()
        await line.ringing.wait()

    server.process.send_signal(signal.SIGTERM)

    await assert_ends_politely(server, line)


@pytest.mark.parametrize("by_signal", [True, False], ids=["SIGTERM", "stdin closed"])
async def test_a_carrier_that_does_not_answer_cannot_keep_the_process_alive(
    server: StdioServer, exchange: PhoneExchange, by_signal: bool
) -> None:
    exchange.callees[NUMBER] = Callee.CANNOT_BE_HUNG_UP_ON
    await talking_line(server, exchange)

    if by_signal:
        server.process.send_signal(signal.SIGTERM)
    else:
        await server.stdin.aclose()

    assert EXIT_SEC < END_SEC
    with anyio.fail_after(END_SEC + 1):
        await server.process.wait()


@BOTH_ERAS
async def test_a_user_who_cancels_hangs_up_and_may_ask_again(server: StdioServer, exchange: PhoneExchange) -> None:
    line = await talking_line(server, exchange)

    await server.cancel(server.last_id, "The user pressed stop")
    with anyio.fail_after(HANG_UP_SEC):
        await line.down.wait()
    assert line.hung_up_by_agent.is_set()

    async def keep_asking() -> None:
        # Whoever asks before the books are closed hears of the call that was stopped.
        while True:
            await server.result(await server.call(NUMBER, STAY))

    with anyio.fail_after(START_SEC):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_asking)
            await (await exchange.line(1)).talking.wait()
            tasks.cancel_scope.cancel()


@BOTH_ERAS
async def test_a_client_whose_clock_runs_out_leaves_the_call_and_can_come_back_to_it(
    server: StdioServer, exchange: PhoneExchange
) -> None:
    line = await talking_line(server, exchange)

    await server.cancel(server.last_id, "SdkError: Request timed out")
    with anyio.fail_after(START_SEC):
        again = await server.call(NUMBER, STAY)
        await server.progress(again)
        assert not line.down.is_set()
        line.callee_hangs_up()
        result = await server.result(again)

    assert result["structuredContent"]["status"] == "completed"
    assert len(exchange.lines) == 1


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_python_client_makes_calls_and_its_timeout_costs_none(exchange: PhoneExchange, mode: Any) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(PROGRAM), str(exchange.port)], env=ENVIRONMENT)
    request = {"to": NUMBER, "goal": STAY}

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        exchange.lines[0].callee_hangs_up()

    with anyio.fail_after(2 * START_SEC):
        async with Client(parameters, mode=mode) as client:
            assert client.server_info is not None
            assert client.server_info.version == VERSION
            with pytest.raises(MCPError, match="(?i)timed out"):
                await client.call_tool(TOOL_NAME, request, read_timeout_seconds=1)
            result = await client.call_tool(TOOL_NAME, request, progress_callback=on_progress)

    assert result.structured_content["status"] == "completed"
    assert len(exchange.lines) == 1


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads the ports of a process from /proc")
async def test_no_port_is_open_before_the_first_call(server: StdioServer, exchange: PhoneExchange) -> None:
    with anyio.fail_after(START_SEC):
        await server.result(await server.request("tools/list", {}))
        before = listening_sockets(server.process.pid)
        await talking_line(server, exchange)
        during = listening_sockets(server.process.pid)

    assert before == set()
    assert len(during) == 1


def listening_sockets(pid: int) -> set[str]:
    """Inodes of the process's listening TCP sockets."""
    fields = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    listening = {f"socket:[{field[9]}]" for field in fields if field[3] == "0A"}
    return listening & {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
