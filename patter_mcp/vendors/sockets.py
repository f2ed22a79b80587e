"""A websocket to a vendor."""

from __future__ import annotations

from patter_mcp.vendors.access import Endpoint
from patter_mcp.vendors.failures import translated
from patter_mcp.websocket import Listener, WebSocket, connect


async def dial(endpoint: Endpoint, listener: Listener, timeout_sec: float) -> WebSocket:
    """Raises:
    ProviderError: no connection could be made.
    """

    async def attempt(url: str) -> WebSocket:
        with translated(endpoint.provider):
            return await connect(url, listener, headers=endpoint.headers, timeout_sec=timeout_sec)

    return await endpoint.reach(attempt)
