"""The composition root: settings become objects, and everything long-lived has its task here.

Entering `App.run` opens nothing outward: no port, no database, no vendor library. The first request for
`calls` does, because MCP hosts start throw-away copies of a server just to look at it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio

from patter_mcp.calls.manager import CallManager
from patter_mcp.carriers.base import Carrier
from patter_mcp.config import CallSettings, MediaSettings
from patter_mcp.conversation.engine import Engine
from patter_mcp.errors import CallRefused, PatterError
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.media.endpoint import MediaEndpoint
from patter_mcp.store.base import CallStore

logger = logging.getLogger(__name__)


class App:
    """One phone: a store, a carrier and an engine, and the calls made with them.

    Args:
        open_store: Opens the store, e.g. `lambda: SqliteStore.open(path)`.
        open_carrier: Opens the carrier.
        engine: Builds the engine that holds conversations unless a call brings its own.
        policy: Who may be called by a carrier that rings real phones.
        phone_number: Our own number, E.164: what the callee sees.
    """

    def __init__(
        self,
        *,
        open_store: Callable[[], AbstractAsyncContextManager[CallStore]],
        open_carrier: Callable[[], AbstractAsyncContextManager[Carrier]],
        engine: Callable[[], Engine],
        calls: CallSettings | None = None,
        media: MediaSettings | None = None,
        policy: DialingPolicy | None = None,
        phone_number: str | None = None,
    ) -> None:
        self._open_store = open_store
        self._open_carrier = open_carrier
        self._engine = engine
        self._call_settings = calls or CallSettings()
        self._media_settings = media or MediaSettings()
        self._policy = policy or DialingPolicy()
        self._phone_number = phone_number
        self._wanted = anyio.Event()
        self._settled = anyio.Event()
        self._leaving = anyio.Event()
        self._calls: CallManager | None = None
        self._failure: PatterError | None = None

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[App]:
        """Calls can be placed inside this block; leaving it hangs up those that live and closes everything."""
        async with anyio.create_task_group() as tasks:
            opening = anyio.CancelScope(shield=True)
            tasks.start_soon(self._keep_open, opening)
            try:
                yield self
            finally:
                self._leave(opening)

    async def calls(self) -> CallManager:
        """The manager, opened now if this is the first request.

        Raises:
            PatterError: something it needs cannot be had (a setting, a port, the database); asking again tries again.
        """
        self._wanted.set()
        await self._settled.wait()
        if self._calls is not None:
            return self._calls
        raise self._failure or CallRefused("The phone is shutting down; no new calls are placed.", rule="shutdown")

    def _leave(self, opening: anyio.CancelScope) -> None:
        """Closes everything, the calls first: a cancellation would take carrier and endpoint from under a hang-up."""
        self._leaving.set()
        if self._calls is None:
            opening.cancel()

    async def _keep_open(self, opening: anyio.CancelScope) -> None:
        """Opens and closes the parts in one task, as their task groups demand."""
        try:
            with opening:
                while not self._leaving.is_set():
                    await self._wanted.wait()
                    await self._try_to_open()
        finally:
            # However it ends, nobody is left waiting for calls to become possible.
            self._settled.set()

    async def _try_to_open(self) -> None:
        try:
            await self._open_and_hold()
        except PatterError as error:
            self._failure = error
            self._wanted = anyio.Event()
            self._settled.set()
            self._settled = anyio.Event()

    async def _open_and_hold(self) -> None:
        async with self._open_store() as store, self._open_carrier() as carrier:
            gate = MediaEndpoint(carrier, self._media_settings)
            manager = CallManager(
                store=store,
                carrier=carrier,
                engine=self._engine(),
                gate=gate,
                settings=self._call_settings,
                policy=DialingPolicy.sandbox() if carrier.simulated else self._policy,
                from_number=self._phone_number,
            )
            async with gate.run(manager), manager.run():
                self._calls, self._failure = manager, None
                self._settled.set()
                await self._leaving.wait()
                self._calls = None
