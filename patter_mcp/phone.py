"""The composition root: a store, a carrier, an engine and a media endpoint, put together to a phone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from patter_mcp.calls.manager import CallManager
from patter_mcp.carriers.base import Carrier
from patter_mcp.config import CallSettings, MediaSettings
from patter_mcp.conversation.engine import Engine, close_engine
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.media.endpoint import MediaEndpoint
from patter_mcp.store.base import CallStore


@asynccontextmanager
async def open_phone(
    *,
    store: AbstractAsyncContextManager[CallStore],
    carrier: AbstractAsyncContextManager[Carrier],
    engine: Callable[[], Engine],
    calls: CallSettings | None = None,
    media: MediaSettings | None = None,
    policy: DialingPolicy | None = None,
    phone_number: str | None = None,
) -> AsyncGenerator[CallManager]:
    """Calls are placed with what this yields; leaving the block hangs up those that live and closes everything.

    Args:
        store: Where calls are kept.
        carrier: Who carries them.
        engine: Makes the engine that holds conversations unless a call brings its own.
        calls: How calls are made and closed.
        media: Where the carrier reaches us.
        policy: Who may be called by a carrier that rings real phones.
        phone_number: Our own number, E.164: what the callee sees.

    Raises:
        PatterError: a part cannot be had.
    """
    # First of all: what is most often missing is a key, and then nothing else need be opened.
    talking = engine()
    async with _closing(talking), store as open_store, carrier as open_carrier:
        gate = MediaEndpoint(open_carrier, media or MediaSettings())
        manager = CallManager(
            store=open_store,
            carrier=open_carrier,
            engine=talking,
            gate=gate,
            settings=calls or CallSettings(),
            policy=DialingPolicy.sandbox() if open_carrier.simulated else policy or DialingPolicy(),
            from_number=phone_number,
        )
        async with gate.run(manager), manager.run():
            yield manager


@asynccontextmanager
async def _closing(engine: Engine) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await close_engine(engine)
