"""The program that hosts the simulated callees, apart from the agent so that neither disturbs the other's timing.

Run by `worker.Helper`, one channel per call: opened by an order, told to dial, which keys are pressed and
to hang up, telling how the call stands. The main thread serves the channels, the calls live in an event loop beside it.
"""

from __future__ import annotations

import functools
import importlib

from anyio.from_thread import BlockingPortal, start_blocking_portal

from patter_mcp.errors import ConfigError
from patter_mcp.sandbox.exchange import Exchange, ExchangeCall, Speech, open_exchange
from patter_mcp.sandbox.orders import DIAL, HANG_UP, NEWS, PRESS, News, Order, pack
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
        self._portal = portal
        self._dial = functools.partial(exchange.dial, order, scenario, _speech(order.speech), self._tell)
        self._send = send
        self._call: ExchangeCall | None = None

    def receive(self, kind: int, payload: bytes) -> None:
        if kind == DIAL:
            self._call = self._portal.call(self._dial)
        elif self._call is not None and kind == HANG_UP:
            self._portal.call(self._call.hang_up)
        elif self._call is not None and kind == PRESS:
            self._portal.call(self._call.press, payload.decode())

    def _tell(self, news: News) -> None:
        self._send(NEWS, pack(news))

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
