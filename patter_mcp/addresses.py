"""TCP to a host with several addresses, some of which may lead nowhere: IPv6 where a machine only thinks it has it.

asyncio has this built in (`happy_eyeballs_delay`), uvloop has not.
"""

from __future__ import annotations

import asyncio
import socket

from aiohappyeyeballs import start_connection

HEAD_START_SEC = 0.25
"""How long an address may take before the next is tried beside it (RFC 8305, 5)."""


async def connected_socket(host: str, port: int) -> socket.socket:
    """To whichever of the host's addresses answers first; for `create_connection(sock=...)`.

    Raises:
        OSError: there is no such host, or nobody at any of its addresses.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await start_connection(found, happy_eyeballs_delay=HEAD_START_SEC)
