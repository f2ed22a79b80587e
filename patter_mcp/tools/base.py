"""A tool: something the agent can do in a call besides talking, and how a function becomes one.

Above: `conversation`, which shows the tools to the model and runs them through `tools.executor`.
A tool knows its arguments and nothing of the call, but for the built-in ones, which get a `CallControl`.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, overload

from patter_mcp.errors import ConfigError
from patter_mcp.llm.base import ToolSpec
from patter_mcp.tools.egress import check_url
from patter_mcp.tools.schema import check_schema
from patter_mcp.tools.signature import Signature, misfit, signature_of, takes_mapping
from patter_mcp.types import GoalMet, Json

Handler = Callable[..., Any]

DEFAULT_TIMEOUT_SEC = 10.0
MAX_TIMEOUT_SEC = 300.0
WEBHOOK_MAX_USES = 10
"""An agent that is talked into hammering somebody's server is stopped here."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every model vendor takes as a function's name."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")


class CallControl(Protocol):
    """What a built-in tool may do to its call. Handed in by the conversation."""

    async def end_call(self, goal_met: GoalMet, summary: str) -> None:
        """Says goodbye and hangs up once the agent's turn is over; need not wait for that."""
        ...

    async def send_digits(self, digits: str) -> None:
        """Presses keys `0-9 * # w` (w: half a second's pause); returns when they have been sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOptions:
    """How a webhook tool reaches its server."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Sent along, for instance `Authorization`."""
    secret: str | None = field(default=None, repr=False)
    """Shared with the server. `X-Patter-Signature: sha256=<hex>` is then the HMAC-SHA256 of the body under it."""
    allow_http: bool = False
    """Takes http:// URLs too; arguments and answers then cross the network readable."""
    allow_hosts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Host -> networks its addresses must lie in, space-separated: {"crm.lan": "10.0.0.7/32"}.

    The only way to a host that is not public; also opens ports other than 443 of that host.
    """

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ConfigError(f"The webhook header {name!r} is not valid HTTP (its value must be plain ASCII).")


@dataclass(frozen=True, slots=True)
class Tool:
    """What the model may call, and what then runs: a handler here or a webhook elsewhere, exactly one of them.

    A handler, sync (run in a worker thread) or async, takes the arguments by name; with two parameters
    that are not in the schema, `handler(arguments, context)`, it takes them as one dict, and the context
    `{"call_id": ...}`. It answers text or anything JSON can hold. To tell the model what went wrong it raises
    `ToolError`; of any other exception the model only learns that the tool failed.
    """

    name: str
    description: str
    parameters: Json = field(
        default_factory=lambda: {"type": "object", "properties": {}, "additionalProperties": False}
    )
    """JSON Schema of the arguments, which is an object's; see `tools.schema` for what it may contain."""
    handler: Handler | None = None
    webhook_url: str | None = None
    """Gets a POST of `{"id", "tool", "call_id", "arguments"}` and answers JSON or text."""
    timeout_sec: float = DEFAULT_TIMEOUT_SEC
    """For all attempts together; the user hears nothing meanwhile but the reassurance."""
    idempotent: bool = False
    """Running it twice does what running it once does, so that it may be tried again after it failed half-way.

    Of a webhook: its server heeds the `Idempotency-Key` header, which stays the same over all attempts.
    """
    reassurance: str | None = None
    """Said while a slow tool runs."""
    max_uses: int | None = None
    """How often it may run in one call. None: without limit, but a webhook 10 times."""
    webhook: WebhookOptions = field(default_factory=WebhookOptions)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"{self.name!r} is no name for a tool: use 1 to 64 letters, digits, _ and -.")
        if not self.description.strip():
            raise ConfigError(f"The tool {self.name} needs a description: it tells the model what the tool is for.")
        if (self.handler is None) == (self.webhook_url is None):
            raise ConfigError(f"The tool {self.name} needs either a handler or a webhook_url, and not both.")
        if not 0 < self.timeout_sec <= MAX_TIMEOUT_SEC:
            raise ConfigError(f"timeout_sec of the tool {self.name} must be above 0 and at most {MAX_TIMEOUT_SEC:g}.")
        check_schema(self.parameters, f"parameters of the tool {self.name}")
        if self.parameters.get("type") != "object":
            raise ConfigError(f"parameters of the tool {self.name} must have the type object.")
        if self.handler is not None:
            self._check_handler(self.handler)
        if self.webhook_url is not None:
            object.__setattr__(self, "max_uses", self.max_uses or WEBHOOK_MAX_USES)
            check_url(self.webhook_url, allow_http=self.webhook.allow_http, allow_hosts=self.webhook.allow_hosts)

    def _check_handler(self, handler: Handler) -> None:
        if not callable(handler):
            raise ConfigError(f"The handler of the tool {self.name} must be a function.")
        problem = misfit(handler, self.parameters.get("properties", {}))
        if problem and not takes_mapping(handler, self.parameters):
            raise ConfigError(f"The handler of the tool {self.name} does not fit its parameters: {problem}.")

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        return ToolSpec(name=self.name, description=self.description, parameters=self.parameters)


@overload
def tool(function: Handler, /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    timeout_sec: float = DEFAULT_TIMEOUT_SEC,
    idempotent: bool = False,
    reassurance: str | None = None,
) -> Callable[[Handler], Tool]: ...
def tool(
    function: Handler | None = None,
    /,
    *,
    name: str | None = None,
    timeout_sec: float = DEFAULT_TIMEOUT_SEC,
    idempotent: bool = False,
    reassurance: str | None = None,
) -> Tool | Callable[[Handler], Tool]:
    """Makes a tool of a function: its docstring is the description, its annotations (and `Args:`) the parameters.

    Used bare (`@tool`) or with arguments (`@tool(idempotent=True)`).

    Raises:
        ConfigError: the function cannot be described to a model.
    """

    def decorate(function: Handler) -> Tool:
        signature = signature_of(function)
        return Tool(
            name=name or function.__name__,
            description=signature.description,
            parameters=signature.parameters,
            handler=_by_annotation(function, signature),
            timeout_sec=timeout_sec,
            idempotent=idempotent,
            reassurance=reassurance,
        )

    return decorate if function is None else decorate(function)


def _by_annotation(function: Handler, signature: Signature) -> Handler:
    """The function, taking JSON values where it is annotated for something else."""

    def converted(arguments: Json) -> Json:
        return {name: signature.converters[name](value) for name, value in arguments.items()}

    @functools.wraps(function)
    async def run_async(**arguments: Any) -> Any:
        return await function(**converted(arguments))

    @functools.wraps(function)
    def run(**arguments: Any) -> Any:
        return function(**converted(arguments))

    return run_async if inspect.iscoroutinefunction(function) else run
