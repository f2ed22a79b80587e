"""TCP to a host with several addresses, some of which may lead nowhere: IPv6 where a machine only thinks it has it.

asyncio has this built in (`happy_eyeballs_delay`), uvloop has not.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

import anyio

HEAD_START_SEC = 0.25
"""How long an address may take before the next is tried beside it (RFC 8305, 5)."""

_Address = tuple[socket.AddressFamily, Any]


async def connected_socket(host: str, port: int) -> socket.socket:
    """To whichever of the host's addresses answers first; for `create_connection(sock=...)`.

    Raises:
        OSError: there is no such host, or nobody at any of its addresses.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    race = _Race()
    try:
        await race.run(_alternating([(family, address) for family, _, _, _, address in found]))
    except BaseException:
        race.discard()
        raise
    if race.winner is None:
        raise race.failures[0]
    return race.winner


def _alternating(addresses: Sequence[_Address]) -> list[_Address]:
    """In the order they came, but so that no whole family has to fail first."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    second = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for address in chain(*zip_longest(first, second)) if address is not None]


class _Race:
    def __init__(self) -> None:
        self.winner: socket.socket | None = None
        self.failures: list[OSError] = []

    async def run(self, addresses: Sequence[_Address]) -> None:
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                failed = anyio.Event()
                tasks.start_soon(self._try, address, failed, tasks.cancel_scope)
                with anyio.move_on_after(HEAD_START_SEC):
                    await failed.wait()

    async def _try(self, address: _Address, failed: anyio.Event, everybody: anyio.CancelScope) -> None:
        try:
            connected = await _connected(address)
        except OSError as error:
            self.failures.append(error)
            failed.set()
            return
        self.discard()  # two may answer at once
        self.winner = connected
        everybody.cancel()

    def discard(self) -> None:
        if self.winner is not None:
            self.winner.close()


async def _connected(address: _Address) -> socket.socket:
    family, where = address
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connecting, where)
    except BaseException:
        connecting.close()
        raise
    return connecting
