from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any

import anyio
import pytest

from patter_mcp import addresses
from patter_mcp.addresses import connected_socket

pytestmark = pytest.mark.anyio

HOST = "several.example"


@contextmanager
def listening(address: str, port: int = 0) -> Generator[int]:
    with closing(socket.create_server((address, port))) as server:
        yield server.getsockname()[1]


@contextmanager
def black_hole(address: str, port: int) -> Generator[None]:
    """Where nobody says yes or no: as many knock already as may wait."""
    with closing(socket.socket()) as server, closing(socket.socket()) as first, closing(socket.socket()) as second:
        server.bind((address, port))
        server.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        yield


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of `HOST`."""
    found: list[str] = []
    look_up = socket.getaddrinfo

    def answer(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if host != HOST:
            return look_up(host, port, *more, **options)
        return [entry for address in found for entry in look_up(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return found


async def reached(port: int) -> str:
    with anyio.fail_after(5):
        connected = await connected_socket(HOST, port)
    with closing(connected):
        return connected.getpeername()[0]


async def test_the_first_address_is_taken_if_it_answers(known: list[str]) -> None:
    known += ["127.0.0.1", "127.0.0.2"]
    with listening("127.0.0.1") as port, listening("127.0.0.2", port):
        assert await reached(port) == "127.0.0.1"


async def test_an_address_that_says_nothing_does_not_keep_the_next_from_being_tried(known: list[str]) -> None:
    known += ["127.0.0.2", "127.0.0.1"]
    with listening("127.0.0.1") as port, black_hole("127.0.0.2", port):
        assert await reached(port) == "127.0.0.1"


async def test_after_a_refusal_the_next_is_tried_at_once(known: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "HEAD_START_SEC", 60)
    known += ["127.0.0.2", "127.0.0.1"]
    with listening("127.0.0.1") as port:
        assert await reached(port) == "127.0.0.1"


async def test_a_slow_address_may_still_win(known: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "HEAD_START_SEC", 0)
    known += ["127.0.0.1", "127.0.0.2"]
    with listening("127.0.0.1") as port, black_hole("127.0.0.2", port):
        assert await reached(port) == "127.0.0.1"


async def test_nobody_anywhere_is_the_error_of_the_first(known: list[str]) -> None:
    known += ["127.0.0.1", "127.0.0.2"]
    with listening("127.0.0.3") as port, pytest.raises(ConnectionRefusedError):
        await reached(port)


async def test_giving_up_leaves_no_socket_behind(known: list[str]) -> None:
    """One left open would be a warning, and so an error."""
    known += ["127.0.0.2"]
    with listening("127.0.0.1") as port, black_hole("127.0.0.2", port):
        with anyio.move_on_after(0.05) as scope:
            await connected_socket(HOST, port)
    assert scope.cancelled_caught
