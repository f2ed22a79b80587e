"""One call in the fake network: it rings, is answered or not, reports how it stands, and ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from xml.etree import ElementTree

import anyio

from patter_mcp.testing.fake_twilio.line import FRAME_SEC, Callee, LineEnd, MediaLine, says
from patter_mcp.testing.fake_twilio.requests import SignedRequests

Form = Mapping[str, list[str]]
STREAM_URL = re.compile(r"wss://.+|ws://(127\.0\.0\.1|localhost|\[::1\])[:/].*")
"""Twilio takes wss:// only; without TLS just on this machine."""
FINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How calls go."""

    outcome: Literal["answers", "busy", "no-answer", "failed"] = "answers"
    ring_sec: float = 0.05
    callee: bytes | Callable[[], Callee] = b""
    """What it says, once, or a function that makes one for each call."""
    answered_by: str = ""
    """Twilio's word, in the report of the answer."""
    reports: bool = True
    """False: no report is ever sent but by the test."""


class FakeCall:
    """A call that was placed. `run` in a task."""

    def __init__(self, sid: str, form: Form, plan: Plan, requests: SignedRequests) -> None:
        self.sid = sid
        self.form = form
        """What it was placed with."""
        self.created_at = datetime.now(UTC)
        self.status = "queued"
        self.ended = anyio.Event()
        """Its last report has been sent, too."""
        self.stream_error: int | None = None
        """Twilio's code, when the stream could not be opened."""
        self.report_answers: list[int] = []
        """HTTP statuses its reports were answered with."""
        self._plan = plan
        self._requests = requests
        self._sequence = 0
        self._scope = anyio.CancelScope()
        callee = says(plan.callee) if isinstance(plan.callee, bytes) else plan.callee()
        self.line = MediaLine(call_sid=sid, account_sid=requests.account_sid, callee=callee)

    def field(self, name: str) -> str:
        return self.form.get(name, [""])[0]

    @property
    def stream_url(self) -> str:
        stream = ElementTree.fromstring(self.field("Twiml")).find("./Connect/Stream")
        return "" if stream is None else stream.get("url", "")

    @property
    def heard(self) -> bytes:
        return bytes(self.line.heard)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once it is true; looked at once a frame."""
        while not condition():  # noqa: ASYNC110 - the network's own clock; some of what is waited for is silence
            await anyio.sleep(FRAME_SEC)

    def hang_up(self) -> None:
        """As the REST API does: whatever it is doing, it ends."""
        if self.status not in FINAL:
            self.status = "completed" if self.status == "in-progress" else "canceled"
            self._scope.cancel()

    async def run(self) -> None:
        with self._scope:
            self.status = await self._live()
        await self._planned_report(self.status)
        self.ended.set()

    async def report(self, status: str, **more: str) -> int:
        """Sends a report, signed; the HTTP status it is answered with."""
        fields = {
            "CallSid": self.sid,
            "AccountSid": self._requests.account_sid,
            "From": self.field("From"),
            "To": self.field("To"),
            "CallStatus": status,
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            "ForwardedFrom": "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
            "Timestamp": "Fri, 20 Nov 2026 10:00:00 +0000",
            **more,
        }
        self._sequence += 1
        answer = await self._requests.post(self.field("StatusCallback"), fields)
        self.report_answers.append(answer)
        return answer

    async def _live(self) -> str:
        await self._planned_report("initiated")
        if self._plan.outcome == "failed":
            return "failed"
        self.status = "ringing"
        await self._planned_report("ringing")
        if self._plan.outcome == "busy":
            return "busy"
        ring_limit_sec = float(self.field("Timeout") or 60)
        await anyio.sleep(min(self._plan.ring_sec, ring_limit_sec))
        if self._plan.outcome == "no-answer" or self._plan.ring_sec > ring_limit_sec:
            return "no-answer"
        return await self._talk()

    async def _talk(self) -> str:
        self.status = "in-progress"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._planned_report, "in-progress")
            with anyio.move_on_after(float(self.field("TimeLimit") or 14_400)):
                if await self._stream() == "refused":
                    self.stream_error = 31920
        return "completed"

    async def _stream(self) -> LineEnd:
        """After it there is no further verb: the call ends."""
        return await self.line.run(self.stream_url, self._requests.headers(self.stream_url))

    async def _planned_report(self, status: str) -> None:
        if not self._plan.reports:
            return
        more: dict[str, str] = {}
        if status == "in-progress" and self._plan.answered_by:
            more["AnsweredBy"] = self._plan.answered_by
        if status == "completed":
            more |= {"CallDuration": "1", "Duration": "1"}
        await self.report(status, **more)
