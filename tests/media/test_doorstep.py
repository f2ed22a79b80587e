"""Strangers at the media port, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.abc import SocketStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from patter_mcp.media.doorstep import Doorstep, Rate
from patter_mcp.media.socket import ServerSocket
from patter_mcp.media.web import WebServer

pytestmark = pytest.mark.anyio


def refuse(socket: ServerSocket) -> None:
    socket.refuse(403)


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


@asynccontextmanager
async def serving(doorstep: Doorstep) -> AsyncGenerator[int]:
    """The port."""
    app = Starlette(routes=[Route("/", hello)])
    server = WebServer(app, refuse, "127.0.0.1", 0, doorstep)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve)
            yield urlsplit(server.url).port or 0
            await server.shut()
            tasks.cancel_scope.cancel()


async def ask(stream: SocketStream, headers: str = "") -> bytes:
    """The first line of the answer."""
    await stream.send(f"GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    return (await stream.receive()).partition(b"\r\n")[0]


async def is_hung_up(stream: SocketStream) -> bool:
    try:
        await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return True
    return False


async def test_who_says_nothing_is_turned_away() -> None:
    async with serving(Doorstep(request_sec=0.1)) as port, await anyio.connect_tcp("127.0.0.1", port) as silent:
        assert await is_hung_up(silent)


async def test_who_never_finishes_asking_is_turned_away() -> None:
    async with serving(Doorstep(request_sec=0.1)) as port, await anyio.connect_tcp("127.0.0.1", port) as slow:
        await slow.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert await is_hung_up(slow)


async def test_of_too_many_the_one_silent_longest_has_to_go_and_who_asks_is_heard() -> None:
    async with serving(Doorstep(max_silent=3)) as port:
        crowd = [await anyio.connect_tcp("127.0.0.1", port) for _ in range(5)]
        assert await is_hung_up(crowd[0])
        assert await is_hung_up(crowd[1])
        for stream in crowd[2:]:
            assert await ask(stream) == b"HTTP/1.1 200 OK"
        for stream in crowd:
            await stream.aclose()


async def test_who_has_asked_may_be_silent_afterwards() -> None:
    async with (
        serving(Doorstep(max_silent=1, request_sec=0.1)) as port,
        await anyio.connect_tcp("127.0.0.1", port) as polite,
    ):
        assert await ask(polite) == b"HTTP/1.1 200 OK"
        async with await anyio.connect_tcp("127.0.0.1", port) as silent:
            assert await is_hung_up(silent)
        assert await ask(polite) == b"HTTP/1.1 200 OK"


async def test_a_websocket_is_no_stranger_once_it_has_asked() -> None:
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    async with serving(Doorstep(max_silent=1)) as port, await anyio.connect_tcp("127.0.0.1", port) as carrier:
        assert b"403" in await ask(carrier, upgrade)


async def test_so_many_a_second_of_each() -> None:
    now = 100.0
    rate = Rate(2, lambda: now)

    assert [rate.allows("a"), rate.allows("a"), rate.allows("a"), rate.allows("b")] == [True, True, False, True]
    now = 101.0
    assert rate.allows("a")
