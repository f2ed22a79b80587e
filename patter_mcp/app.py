"""One phone's lifetime: nothing is opened before the first call is asked for, and everything is closed in one place.

MCP hosts start throw-away copies of a server just to look at it; entering `App.run` opens no port and no database,
and imports nothing of what a call needs.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from patter_mcp.errors import CallRefused, PatterError

if TYPE_CHECKING:
    from patter_mcp.calls.manager import CallManager

Phone = Callable[[], "AbstractAsyncContextManager[CallManager]"]
"""Makes what, entered, is a phone (`phone.open_phone`). Called in a worker thread, because it may import much."""


class App:
    """A phone that is opened when it is first used, in a task that outlives the request."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._wanted = anyio.Event()
        self._settled = anyio.Event()
        self._leaving = anyio.Event()
        self._calls: CallManager | None = None
        self._failure: PatterError | None = None

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[App]:
        """Calls can be placed inside this block; leaving it hangs up those that live and closes everything."""
        _name_event_loop()
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            opening = anyio.CancelScope(shield=True)
            tasks.start_soon(self._keep_open, opening)
            try:
                yield self
            except Exception as error:
                # The block's own failure, to be raised as it is rather than in a group's wrapping.
                failure = error
            finally:
                self._leave(opening)
        if failure is not None:
            raise failure

    async def calls(self) -> CallManager:
        """The manager, opened now if this is the first request.

        Raises:
            PatterError: something it needs cannot be had (a setting, a port, the database); asking again tries again.
        """
        _name_event_loop()
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
            phone = await anyio.to_thread.run_sync(self._phone)
            async with phone as self._calls:
                self._failure = None
                self._settled.set()
                await self._leaving.wait()
                self._calls = None
        except PatterError as error:
            self._failure = error
            self._wanted = anyio.Event()
            self._settled.set()
            self._settled = anyio.Event()


def _name_event_loop() -> None:
    """Has anyio know the event loop where no task runs: in the callbacks by which audio arrives.

    It asks sniffio there, where that is installed (vendors' clients bring it), and `anyio.run` tells sniffio.
    `asyncio.run`, which most of the library's users begin with, does not. What is set holds for the tasks started from
    here on.
    """
    if (sniffio := sys.modules.get("sniffio")) is not None:
        sniffio.current_async_library_cvar.set("asyncio")
