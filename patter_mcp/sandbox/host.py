"""The program that hosts the simulated callees, apart from the agent so that neither disturbs the other's timing.

Run by `worker.Helper`, one channel per call: opened by an order, told to hang up or which keys were pressed,
telling how the call stands. The main thread serves the channels, the calls live in an event loop beside it.
"""

from __future__ import annotations

import functools
import importlib

from anyio.from_thread import BlockingPortal, start_blocking_portal

from patter_mcp.errors import ConfigError
from patter_mcp.sandbox.exchange import Exchange, Speech, open_exchange
from patter_mcp.sandbox.orders import HANG_UP, NEWS, PRESS, News, Order, pack
from patter_mcp.sandbox.scenario_file import load_scenario
from patter_mcp.types import Json
from patter_mcp.worker import Refused, Send, Session, serve


class _HostedCall:
    """A call's channel.

    Raises:
        Refused: the scenario's file has been removed or broken since it was chosen.
    """

    def __init__(self, portal: BlockingPortal, exchange: Exchange, order: Order, send: Send) -> None:
        try:
            scenario = load_scenario(order.scenario_path)
        except ConfigError as error:
            raise Refused(error.message) from error

        def tell(news: News) -> None:
            send(NEWS, pack(news))

        self._portal = portal
        self._call = portal.call(exchange.dial, order, scenario, _speech(order.speech), tell)

    def receive(self, kind: int, payload: bytes) -> None:
        if kind == HANG_UP:
            self._portal.call(self._call.hang_up)
        elif kind == PRESS:
            self._portal.call(self._call.press, payload.decode())

    def work(self) -> bool:
        return False


@functools.cache
def _speech(path: str) -> Speech:
    module_name, _, name = path.partition(":")
    return getattr(importlib.import_module(module_name), name)()


def main() -> None:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(open_exchange()) as exchange:

        def open_call(options: Json, send: Send) -> Session:
            return _HostedCall(portal, exchange, Order(**options), send)

        serve(open_call)


if __name__ == "__main__":
    main()
