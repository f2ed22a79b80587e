"""The phone as a library: `Patter` places calls, `PatterTool` hands one to an agent framework.

Above: nothing but users and the command line. Below: `assembly`, which puts an `App` together.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import fields, replace
from types import TracebackType
from typing import Any, Protocol

import anyio

from patter_mcp.app import App
from patter_mcp.assembly import CarrierSource, configured_phone, default_agent, engine_of
from patter_mcp.calls.call import Call
from patter_mcp.calls.manager import CallManager
from patter_mcp.config import Settings, load
from patter_mcp.contract import INPUT_SCHEMA, TOOL_DESCRIPTION, TOOL_NAME
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Engine, close_engine
from patter_mcp.errors import ConfigError, PatterError
from patter_mcp.guardrails.dialing import check_request
from patter_mcp.types import DEFAULT_MAX_DURATION_SEC, CallResult

logger = logging.getLogger(__name__)

PatterToolResult = CallResult
"""What `PatterTool.execute` returns: the envelope."""


class Patter:
    """A phone. Without arguments it is the sandbox: simulated callees, embedded speech, no account.

    Use it as an async context manager, or call `start` and `stop`::

        async with Patter(carrier=Twilio(), phone_number="+12025550123", webhook_url="calls.example.com") as phone:
            result = await phone.call("+12025550100", goal="Book a table for two at eight.")

    Args:
        carrier: Who carries the calls, e.g. `Twilio()`; None: what the settings say, else the sandbox.
        phone_number: Our own number, E.164.
        webhook_url: Public host or https:// URL under which the carrier reaches this process.
        agent: Who speaks where a call does not say; None: made from the settings.
        settings: Settings in one value; None: read from `patter.toml` and the environment.

    Raises:
        ConfigError: the arguments do not fit together.
    """

    def __init__(
        self,
        *,
        carrier: CarrierSource | None = None,
        phone_number: str | None = None,
        webhook_url: str | None = None,
        agent: Agent | None = None,
        settings: Settings | None = None,
    ) -> None:
        flags = {"phone_number": phone_number, "media.public_url": _https(webhook_url)}
        self.settings = load(flags)[0] if settings is None else settings
        if carrier is not None:
            # Named, so that nothing takes the phone for the sandbox.
            self.settings = replace(self.settings, carrier=getattr(carrier, "name", "own"))
        self._carrier = carrier
        self._agent = agent
        self._app: App | None = None
        self._background: asyncio.Task[None] | None = None
        self._stop = anyio.Event()
        self._engines: dict[int, tuple[Agent, Engine]] = {}

    def agent(self, **spec: Any) -> Agent:
        """An agent: `stt`, `llm`, `tts`, `system_prompt`, `first_message`, `tools`, `guardrails`, `hooks` and the rest.

        Providers that are not given come from the settings. See `conversation.agent.Agent` for every field.

        Raises:
            ConfigError: there is no such field.
        """
        known = {part.name for part in fields(Agent)}
        if unknown := spec.keys() - known:
            raise ConfigError(f"An agent has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}.")
        return default_agent(self.settings, **spec)

    async def start(self) -> None:
        """Opens the phone and returns once it can place calls. Starting it again does nothing.

        Raises:
            PatterError: something it needs cannot be had.
        """
        if self._background is None:
            self._stop = anyio.Event()
            started = anyio.Event()
            # start() and stop() are two calls, so no block of the caller's can own the work between them:
            # this one task does, and stop() waits for it.
            self._background = asyncio.create_task(self._keep_open(started), name="patter")
            await started.wait()
        if self._app is None:
            # It could not even begin; its exception says why.
            await self.stop()
        await (await self._opened().calls()).ready()

    async def stop(self) -> None:
        """Hangs up what is live and closes everything; without a start it does nothing."""
        background, self._background = self._background, None
        if background is not None:
            self._stop.set()
            await background

    async def __aenter__(self) -> Patter:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.stop()

    async def serve(self, agent: Agent | None = None) -> None:
        """Opens the phone and keeps it open until cancelled; `agent` speaks in calls that bring none."""
        self._agent = agent or self._agent
        async with self:
            await anyio.sleep_forever()

    async def call(
        self,
        to: str,
        *,
        goal: str = "",
        first_message: str = "",
        max_duration_sec: int = DEFAULT_MAX_DURATION_SEC,
        agent: Agent | None = None,
    ) -> CallResult:
        """Places a call and waits for it to end. Cancelling the wait hangs up.

        Raises:
            CallRefused: an argument or the dialing policy says no; nothing was dialed.
            PatterError: the phone cannot be opened.
        """
        call = await self.place(
            to, goal=goal, first_message=first_message, max_duration_sec=max_duration_sec, agent=agent
        )
        return await finish(call)

    async def place(
        self,
        to: str,
        *,
        goal: str = "",
        first_message: str = "",
        max_duration_sec: int = DEFAULT_MAX_DURATION_SEC,
        agent: Agent | None = None,
    ) -> Call:
        """Places a call and returns at once; `Call.changes` follows it, `Call.wait` waits for its end."""
        arguments = {
            "to": to, "goal": goal, "first_message": first_message, "max_duration_sec": max_duration_sec
        }  # fmt: skip
        request = check_request(arguments)
        calls = await self._opened().calls()
        return await calls.place(request, self._engine(agent))

    def _engine(self, agent: Agent | None) -> Engine | None:
        """One engine per agent: what the first call prepares serves the next."""
        if agent is None:
            return None
        return self._engines.setdefault(id(agent), (agent, engine_of(agent)))[1]

    def _opened(self) -> App:
        if self._app is None:
            raise ConfigError("The phone is not open: call `await phone.start()` or use `async with` first.")
        return self._app

    async def _keep_open(self, started: anyio.Event) -> None:
        try:
            async with self._open():
                started.set()
                await self._stop.wait()
        finally:
            started.set()
            for _, engine in self._engines.values():
                await close_engine(engine)

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[None]:
        def phone() -> AbstractAsyncContextManager[CallManager]:
            return configured_phone(
                self.settings, carrier=self._carrier, agent=self._agent, calls_may_bring_agents=True
            )

        async with App(phone).run() as app:
            self._app = app
            try:
                yield
            finally:
                self._app = None


class HermesRegistry(Protocol):
    """What `register_hermes` needs of a Hermes tool registry."""

    def register(
        self, *, name: str, toolset: str, schema: dict[str, Any], handler: Callable[..., Awaitable[str]]
    ) -> object: ...


class PatterTool:
    """One tool, `make_phone_call`, for any agent framework: its schemas, and `execute` to run it.

    Args:
        phone: The phone it calls with.
        agent: Fields of the agent that speaks (see `Patter.agent`), or an agent; None: the phone's own.
        name: The tool's name as models see it.
        description: What models are told it does.
        max_duration_sec: For calls that do not say.
    """

    def __init__(
        self,
        phone: Patter,
        agent: Mapping[str, Any] | Agent | None = None,
        *,
        name: str = TOOL_NAME,
        description: str = TOOL_DESCRIPTION,
        max_duration_sec: int = DEFAULT_MAX_DURATION_SEC,
    ) -> None:
        self.name = name
        self.description = description
        self._phone = phone
        self._max_duration_sec = max_duration_sec
        self._agent = agent if isinstance(agent, Agent) or agent is None else phone.agent(**agent)

    async def start(self) -> None:
        """Opens the phone and returns once it can place calls. Starting it again does nothing."""
        await self._phone.start()

    async def stop(self) -> None:
        """Hangs up what is live and closes the phone."""
        await self._phone.stop()

    async def execute(self, arguments: Mapping[str, Any] | None = None, /, **more: Any) -> PatterToolResult:
        """Runs one call: `execute({"to": …, "goal": …})` or `execute(to=…, goal=…)`. Many may run at once.

        Cancelling it hangs up.

        Raises:
            CallRefused: an argument or the dialing policy says no; nothing was dialed.
            PatterError: the phone cannot be opened.
        """
        given = {"max_duration_sec": self._max_duration_sec, **(arguments or {}), **more}
        request = check_request({name: value for name, value in given.items() if value is not None})
        await self._phone.start()
        return await self._phone.call(
            request.to_number,
            goal=request.goal,
            first_message=request.first_message,
            max_duration_sec=request.max_duration_sec,
            agent=self._agent,
        )

    def openai_schema(self) -> dict[str, Any]:
        """For `tools` of OpenAI's chat completions and everything compatible."""
        return {"type": "function", "function": self._described("parameters")}

    def anthropic_schema(self) -> dict[str, Any]:
        """For `tools` of Anthropic's Messages API."""
        return self._described("input_schema")

    def hermes_schema(self) -> dict[str, Any]:
        """For a Hermes tool registry."""
        return self._described("parameters")

    def register_hermes(self, registry: HermesRegistry, toolset: str = "patter") -> None:
        """Adds the tool to a Hermes registry."""
        registry.register(name=self.name, toolset=toolset, schema=self.hermes_schema(), handler=self.hermes_handler())

    def hermes_handler(self) -> Callable[..., Awaitable[str]]:
        """`await handler(args)` gives the envelope as JSON text, or `{"error": …}`."""

        async def handler(args: Mapping[str, Any], **_: Any) -> str:
            try:
                return json.dumps((await self.execute(args)).to_json())
            except PatterError as error:
                return json.dumps({"error": error.message})

        return handler

    def _described(self, parameters: str) -> dict[str, Any]:
        return {"name": self.name, "description": self.description, parameters: copy.deepcopy(INPUT_SCHEMA)}


async def finish(call: Call) -> CallResult:
    """The envelope once the call is over. A cancelled wait hangs up, unless somebody else had asked for the call."""
    try:
        result = await call.wait()
    except BaseException:
        if not call.attached:
            with anyio.CancelScope(shield=True):
                await call.hang_up()
        raise
    await call.delivered()
    return result


def _https(webhook_url: str | None) -> str | None:
    if webhook_url is None:
        return None
    url = webhook_url if "://" in webhook_url else f"https://{webhook_url}"
    if not url.startswith("https://"):
        raise ConfigError(f"webhook_url must be a host name or an https:// URL, not {webhook_url!r}.")
    return url.rstrip("/")
