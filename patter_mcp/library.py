"""The phone as a library: `Patter` places calls, `PatterTool` hands one to an agent framework.

Above: nothing but users and the command line. Below: `assembly`, which puts an `App` together.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import fields, replace
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

import anyio

from patter_mcp.app import App
from patter_mcp.assembly import CarrierSource, configured_phone, default_agent, engine_of
from patter_mcp.calls.call import Call
from patter_mcp.calls.manager import CallManager
from patter_mcp.config import Settings, load
from patter_mcp.contract import INPUT_SCHEMA, TOOL_DESCRIPTION, TOOL_NAME
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Engine, close_engine
from patter_mcp.errors import CallRefused, ConfigError, PatterError
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
        settings: Settings in one value, to which the other arguments are added; None: read from `patter.toml` and the
            environment.

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
        public_url = _https(webhook_url)
        if settings is None:
            settings = load({"phone_number": phone_number, "media.public_url": public_url})[0]
        media = replace(settings.media, public_url=public_url or settings.media.public_url)
        self.settings = replace(settings, media=media, phone_number=phone_number or settings.phone_number)
        if carrier is not None:
            # Named, so that nothing takes the phone for the sandbox.
            self.settings = replace(self.settings, carrier=getattr(carrier, "name", "own"))
        self._carrier = carrier
        self._agent = agent
        self._openings: dict[asyncio.AbstractEventLoop, _Opening] = {}

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
        while (opening := self._opening()) is not None and opening.closing:
            await opening.over()
        if opening is None:
            opening = self._open()
        try:
            await (await (await opening.app()).calls()).ready()
        except PatterError:
            await opening.close()
            raise

    async def stop(self) -> None:
        """Hangs up what is live and closes everything; without a start it does nothing."""
        opening = self._opening()
        if opening is not None:
            await opening.close()

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
        opening = self._opening()
        if opening is None or opening.closing:
            raise ConfigError("The phone is not open: call `await phone.start()` or use `async with` first.")
        calls = await (await opening.app()).calls()
        return await calls.place(request, None if agent is None else opening.engine(agent))

    def _opening(self) -> _Opening | None:
        opening = self._openings.get(_event_loop())
        return None if opening is None or opening.is_over else opening

    def _open(self) -> _Opening:
        def phone() -> AbstractAsyncContextManager[CallManager]:
            return configured_phone(
                self.settings, carrier=self._carrier, agent=self._agent, calls_may_bring_agents=True
            )

        self._openings = {loop: opening for loop, opening in self._openings.items() if not opening.is_over}
        opening = self._openings[_event_loop()] = _Opening(App(phone))
        return opening


class _Opening:
    """A phone from start to stop, in the event loop where both are called.

    They are two calls, so no block of the caller's can own the work between them: this one task does.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._running = anyio.Event()
        self._leaving = anyio.Event()
        self._engines: dict[int, tuple[Agent, Engine]] = {}
        self._task = asyncio.create_task(self._run(), name="patter")

    @property
    def closing(self) -> bool:
        return self._leaving.is_set()

    @property
    def is_over(self) -> bool:
        return self._task.done()

    async def app(self) -> App:
        await self._running.wait()
        return self._app

    def engine(self, agent: Agent) -> Engine:
        """One engine per agent: what the first call prepares serves the next."""
        return self._engines.setdefault(id(agent), (agent, engine_of(agent)))[1]

    async def close(self) -> None:
        self._leaving.set()
        await self.over()
        self._task.result()

    async def over(self) -> None:
        """Returns once everything is closed."""
        # Not by awaiting the task: whoever stops waiting would cancel it, and with it the hang-ups under way.
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            async with self._app.run():
                self._running.set()
                await self._leaving.wait()
        finally:
            # However it ends, nobody is left waiting for it to begin.
            self._running.set()
            for _, engine in self._engines.values():
                await close_engine(engine)


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise ConfigError("The phone needs the event loop of asyncio; no other (trio's) can run it.") from error


class HermesRegistry(Protocol):
    """What `register_hermes` needs of a Hermes tool registry."""

    @property
    def register(self) -> Callable[..., object]:
        """Takes `name`, `toolset`, `schema`, `handler` and, if it knows the word, `is_async`."""
        ...


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
        given = {} if arguments is None else arguments
        if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - models' words end up here
            kind = type(given).__name__
            raise CallRefused(f"The arguments must be a dict, not {kind}; decode JSON text first.", rule="arguments")
        request = check_request({**given, **more}, max_duration_sec=self._max_duration_sec)
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
        # Hermes awaits a handler only where it is told to; registries that always await have no such word.
        told = {"is_async": True} if "is_async" in inspect.signature(registry.register).parameters else {}
        registry.register(
            name=self.name, toolset=toolset, schema=self.hermes_schema(), handler=self.hermes_handler(), **told
        )

    def hermes_handler(self) -> Callable[..., Awaitable[str]]:
        """`await handler(args)` gives the envelope as JSON text, or `{"error": …}`."""

        async def handler(args: Mapping[str, Any], **_: Any) -> str:
            try:
                return json.dumps((await self.execute(args)).to_json())
            except PatterError as error:
                return json.dumps({"error": error.message})
            except Exception:
                logger.exception("a call for Hermes failed inside the program")
                return json.dumps({"error": "The call failed inside the program; its log says why."})

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
    # Nobody but a stand-in for the carrier finds us on this machine, and that needs no certificate.
    is_local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    if not url.startswith("https://") and not (is_local and url.startswith("http://")):
        raise ConfigError(f"webhook_url must be a host name or an https:// URL, not {webhook_url!r}.")
    return url.rstrip("/")
