"""Twilio on the loopback: its REST API, its signed requests, and a phone network behind it that talks in real time.

    async with FakeTwilio(plan=Plan(callee=speech)).run() as twilio:
        phone = Patter(carrier=twilio.carrier(), phone_number="+12025550123")
        ...
        call = twilio.calls[0]

Each call goes as `twilio.plan` says at the time it is placed. Faults of the API: `twilio.faults`.
"""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import anyio
import httpx
from anyio.abc import TaskGroup

from patter_mcp.carriers.twilio import TwilioCarrier
from patter_mcp.testing.fake_twilio.call import FINAL, STREAM_URL, FakeCall, Plan
from patter_mcp.testing.fake_twilio.line import SILENT_FRAME, Callee, MediaLine, Received, says
from patter_mcp.testing.fake_twilio.requests import SignedRequests
from patter_mcp.testing.speech.server import Exchange, FakeServer

__all__ = [
    "AUTH_FAILED",
    "INVALID_NUMBER",
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "SILENT_FRAME",
    "TOO_MANY_REQUESTS",
    "Callee",
    "FakeCall",
    "FakeTwilio",
    "Fault",
    "MediaLine",
    "Plan",
    "Received",
    "says",
]

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "12345678901234567890123456789012"
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_MAX_TWIML_CHARS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How the API answers one request, instead of as it should."""

    status: int | None
    """None: it does not answer at all."""
    code: int = 20500
    message: str = "Scripted fault"
    placed: bool = False
    """The request is carried out all the same."""


AUTH_FAILED = Fault(status=401, code=20003, message="Authenticate")
INVALID_NUMBER = Fault(status=400, code=21211, message="The 'To' number is not a valid phone number")
TOO_MANY_REQUESTS = Fault(status=429, code=20429, message="Too Many Requests")


class FakeTwilio:
    """Enter `run`. Everything it was asked and did is kept.

    Args:
        plan: How calls go; may be changed at any time.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        self.calls: list[FakeCall] = []
        self.faults: deque[Fault] = deque()
        """The next requests to place a call are answered with these."""
        self.hang_up_faults: deque[Fault] = deque()
        self.list_faults: deque[Fault] = deque()
        self.create_count = 0
        """Requests to place a call, refused ones included."""
        self.requests: SignedRequests
        self._server = FakeServer()
        self._server.http("/2010-04-01/Accounts/", self._answer)
        self._tasks: TaskGroup
        self._changed = anyio.Event()

    @property
    def url(self) -> str:
        return self._server.url

    def carrier(self, **settings: Any) -> TwilioCarrier:
        """A carrier that takes this for Twilio."""
        given: dict[str, Any] = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "base_url": self.url}
        return TwilioCarrier(**{**given, **settings})

    def forget(self) -> None:
        """Keeps no call and no request there has been."""
        self.calls.clear()
        self._server.forget()

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[FakeTwilio]:
        async with (
            self._server.run(),
            httpx.AsyncClient(trust_env=False, timeout=15) as http,
            anyio.create_task_group() as tasks,
        ):
            self.requests, self._tasks = SignedRequests(ACCOUNT_SID, AUTH_TOKEN, http), tasks
            yield self
            tasks.cancel_scope.cancel()

    async def call(self, number: int = 0) -> FakeCall:
        """The nth call placed, as soon as it is."""
        while len(self.calls) <= number:
            await self._changed.wait()
        return self.calls[number]

    def _answer(self, exchange: Exchange) -> None:
        head, _, name = exchange.asked.path.partition("/Calls")
        if not _is_authorised(exchange) or not head.endswith(ACCOUNT_SID):
            _fail(exchange, AUTH_FAILED)
        elif name == ".json" and exchange.asked.method == "POST":
            self.create_count += 1
            self._perform(exchange, self.faults, lambda: self._create(exchange))
        elif name == ".json":
            self._perform(exchange, self.list_faults, lambda: self._list(exchange))
        else:
            self._on_call(exchange, name.strip("/").removesuffix(".json"))

    def _on_call(self, exchange: Exchange, sid: str) -> None:
        call = next((call for call in self.calls if call.sid == sid), None)
        if call is None:
            _refuse(exchange, 404, 20404, "The requested resource was not found")
        elif exchange.asked.method == "GET":
            _tell(exchange, 200, call)
        else:
            self._perform(exchange, self.hang_up_faults, lambda: _hang_up(exchange, call))

    def _perform(self, exchange: Exchange, faults: deque[Fault], perform: Callable[[], None]) -> None:
        fault = faults.popleft() if faults else None
        if fault is not None and fault.status is not None:
            _fail(exchange, fault)
        elif fault is not None:
            # An answer to a closed exchange goes nowhere.
            exchange.open = False
        if fault is None or fault.placed:
            perform()

    def _create(self, exchange: Exchange) -> None:
        form = parse_qs(exchange.asked.body.decode(), keep_blank_values=True)
        sid = f"CA{self.create_count:032x}"
        call = FakeCall(sid, form, self.plan, self.requests)
        objection = _objection(call)
        if objection is not None:
            _refuse(exchange, 400, *objection)
            return
        self.calls.append(call)
        self._tasks.start_soon(call.run)
        changed, self._changed = self._changed, anyio.Event()
        changed.set()
        _tell(exchange, 201, call)

    def _list(self, exchange: Exchange) -> None:
        """Latest first, narrowed by `To` and `From`."""
        asked = exchange.asked.parameter
        found = [
            _facts(call)
            for call in reversed(self.calls)
            if all(asked(name) in ("", call.field(name)) for name in ("To", "From"))
        ]
        _answer_json(exchange, 200, {"calls": found[: int(asked("PageSize", "50"))], "page": 0})


def _is_authorised(exchange: Exchange) -> bool:
    wanted = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
    return exchange.asked.headers.get("authorization") == f"Basic {wanted}"


def _objection(call: FakeCall) -> tuple[int, str] | None:
    """Why Twilio would not place the call."""
    if not _E164.fullmatch(call.field("To")):
        return 21211, f"The phone number you are attempting to call, {call.field('To')}, is not valid."
    if not _E164.fullmatch(call.field("From")):
        return 21212, f"The source phone number provided, {call.field('From')}, is not a valid phone number"
    if len(call.field("Twiml")) > _MAX_TWIML_CHARS:
        return 32018, "Twiml parameter is too long"
    if not STREAM_URL.fullmatch(call.stream_url):
        return 21205, "The stream's URL is not valid"
    return None


def _hang_up(exchange: Exchange, call: FakeCall) -> None:
    if call.status in FINAL:
        _refuse(exchange, 400, 21220, "Call is not in-progress. Cannot redirect.")
        return
    call.hang_up()
    _tell(exchange, 200, call)


def _tell(exchange: Exchange, status: int, call: FakeCall) -> None:
    _answer_json(exchange, status, _facts(call))


def _facts(call: FakeCall) -> dict[str, Any]:
    return {
        "sid": call.sid,
        "date_created": format_datetime(call.created_at),
        "account_sid": ACCOUNT_SID,
        "to": call.field("To"),
        "from": call.field("From"),
        "status": call.status,
        "direction": "outbound-api",
        "duration": None,
        "price": None,
        "price_unit": "USD",
        "answered_by": None,
        "queue_time": "0",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls/{call.sid}.json",
    }


def _answer_json(exchange: Exchange, status: int, body: object) -> None:
    exchange.answer(status, json.dumps(body), {"content-type": "application/json"})


def _fail(exchange: Exchange, fault: Fault) -> None:
    assert fault.status is not None
    _refuse(exchange, fault.status, fault.code, fault.message)


def _refuse(exchange: Exchange, status: int, code: int, message: str) -> None:
    error = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    _answer_json(exchange, status, error)
