"""The least a media stream can cost: a websocket server that sends every message back.

Run by `tests.benchmarks`, in the place of the system under test.
"""

from __future__ import annotations

import sys

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.process import answer_commands, settle_down, usage


async def echo(connection: ServerConnection) -> None:
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        return


class Floor:
    def __init__(self, port: int) -> None:
        self._port = port

    async def address(self) -> dict[str, int]:
        return {"port": self._port}

    async def usage(self) -> dict[str, float]:
        return usage()


async def main() -> None:
    async with serve(echo, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        port: int = next(iter(server.sockets)).getsockname()[1]
        await answer_commands(Floor(port))


if __name__ == "__main__":
    settle_down(int(sys.argv[1]))
    anyio.run(main)
