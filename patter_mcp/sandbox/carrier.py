"""The carrier for which no phone rings: its numbers are scenarios, its network a helper program on this machine.

It connects to the media endpoint over a real websocket and speaks Twilio's protocol there, so that on the agent's
side all is as in a real call.
"""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

import anyio
from anyio.abc import TaskGroup, TaskStatus

from patter_mcp.carriers.base import CarrierReport, DialRequest, ReportSink, Webhook
from patter_mcp.carriers.media_streams import MediaStreamsCodec
from patter_mcp.errors import CarrierError, DialFailed, ProviderError, WebhookRejected
from patter_mcp.mailbox import Mailbox
from patter_mcp.sandbox.callee import spoken_lines
from patter_mcp.sandbox.orders import DIAL, HANG_UP, NEWS, PRESS, News, Order, unpack
from patter_mcp.sandbox.scenario import Scenario
from patter_mcp.sandbox.scenario_file import SANDBOX_NUMBER, load_scenarios
from patter_mcp.types import CallState, EndReason
from patter_mcp.worker import Channel, Helper

logger = logging.getLogger(__name__)

HANG_UP_TIMEOUT_SEC = 3.0
EMBEDDED_SPEECH = "patter_mcp.sandbox.speech:EmbeddedSpeech"

_HOST = Helper("patter_mcp.sandbox.host", provider="sandbox")


class SandboxCarrier:
    """Enter it to place calls. Nothing runs before the first; its program leaves with the last.

    Args:
        scenario_dirs: Directories of further scenario files; one of the same number replaces an earlier one.
        speech: `module:name` of the callees' `Speech`.
        speed: How many seconds of a call pass in one of ours; above 1 for tests.

    Raises:
        ConfigError: a scenario file is wrong.
    """

    name = "sandbox"
    simulated = True
    needs_public_url = False

    def __init__(
        self, *, scenario_dirs: Iterable[str | Path] = (), speech: str = EMBEDDED_SPEECH, speed: float = 1.0
    ) -> None:
        self._scenarios = load_scenarios(scenario_dirs)
        self._speech = speech
        self._speed = speed
        self._calls: dict[str, _Call] = {}
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> SandboxCarrier:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        # The block's own error is not the tasks': told of it, the group would wrap it into another.
        await self._tasks.__aexit__(None, None, None)

    def codec(self) -> MediaStreamsCodec:
        return MediaStreamsCodec()

    def check_stream(self, url: str, headers: Mapping[str, str]) -> None:
        """The one-time token in the stream's address is all the sandbox has to show, and enough on one machine."""

    def read_webhook(self, webhook: Webhook, call_id: str) -> CarrierReport:
        raise WebhookRejected("The sandbox reports by itself and sends no webhooks.")

    def hints(self, to_number: str) -> Sequence[str]:
        """All that the callee may say: the sandbox's recogniser is told beforehand, and openly."""
        scenario = self._scenarios.get(to_number)
        if scenario is None or scenario.answer != "answers":
            return ()
        return list(dict.fromkeys(line.text for line in spoken_lines(scenario)))

    async def dial(self, request: DialRequest, report: ReportSink) -> str:
        assert self._tasks is not None, "the carrier has not been entered"
        scenario = self._scenario(request.to_number)
        call = _Call(request.call_id, f"SB{uuid.uuid4().hex}", report)
        order = Order(
            carrier_id=call.carrier_id,
            scenario_path=str(scenario.path),
            stream_url=request.stream_url,
            ring_timeout_sec=request.ring_timeout_sec,
            time_limit_sec=request.time_limit_sec,
            speech=self._speech,
            speed=self._speed,
        )
        self._calls[call.call_id] = call
        try:
            await self._tasks.start(self._follow, call, order)
        except ProviderError as error:
            raise DialFailed(f"The sandbox cannot place the call: {error.message}") from error
        return call.carrier_id

    async def hang_up(self, call_id: str, carrier_id: str | None) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return
        call.hang_up()
        try:
            with anyio.fail_after(HANG_UP_TIMEOUT_SEC):
                await call.ended.wait()
        except TimeoutError as error:
            raise CarrierError("The sandbox did not end the call in time.") from error

    async def under_way(self, to_number: str, from_number: str | None, since: datetime) -> Sequence[str]:
        return ()

    async def send_digits(self, call_id: str, carrier_id: str, digits: str) -> bool:
        call = self._calls.get(call_id)
        if call is not None:
            call.press(digits)
        return True

    async def aclose(self) -> None:
        for call_id in list(self._calls):
            await self.hang_up(call_id, None)

    def _scenario(self, number: str) -> Scenario:
        known = "\n".join(f"  {scenario.number}  {scenario.title}" for scenario in self._scenarios.values())
        if number in self._scenarios:
            return self._scenarios[number]
        if SANDBOX_NUMBER.fullmatch(number):
            raise DialFailed(f"No scenario of the sandbox has the number {number}. There are:\n{known}")
        raise DialFailed(f"The sandbox reaches no real phone, so it cannot call {number}. It only knows:\n{known}")

    async def _follow(self, call: _Call, order: Order, *, task_status: TaskStatus[None]) -> None:
        """One call, from the order to the last news of it."""
        try:
            async with _HOST.open(dataclasses.asdict(order), call) as channel:
                call.begin(channel)
                task_status.started()
                try:
                    async for news in call.news:
                        await call.pass_on(news)
                finally:
                    call.hang_up()  # whatever made us stop listening, the line must not outlive it
        finally:
            del self._calls[call.call_id]


class _Call:
    """A call as the carrier sees it, and the listener on its channel."""

    def __init__(self, call_id: str, carrier_id: str, report: ReportSink) -> None:
        self.call_id = call_id
        self.carrier_id = carrier_id
        self.news: Mailbox[News] = Mailbox()
        self.ended = anyio.Event()
        self._report = report
        self._channel: Channel | None = None
        self._hung_up = False

    def begin(self, channel: Channel) -> None:
        self._channel = channel
        channel.send(DIAL)
        if self._hung_up:
            channel.send(HANG_UP)

    def hang_up(self) -> None:
        self._hung_up = True
        if self._channel is not None:
            self._channel.send(HANG_UP)

    def press(self, digits: str) -> None:
        if self._channel is not None:
            self._channel.send(PRESS, digits.encode())

    def received(self, kind: int, payload: bytes) -> None:
        if kind == NEWS:
            self._take(unpack(payload))

    def lost(self, error: ProviderError) -> None:
        self._take(News(state=CallState.ENDED, reason=EndReason.MEDIA_LOST, detail=error.message))

    async def pass_on(self, news: News) -> None:
        report = CarrierReport(
            call_id=self.call_id,
            state=news.state,
            carrier_id=self.carrier_id,
            reason=news.reason,
            detail=news.detail,
        )
        try:
            await self._report(report)
        except Exception:
            # Whoever keeps the books failed; the other calls' news must still get through.
            logger.exception("a report of the sandbox was not taken", extra={"call_id": self.call_id})

    def _take(self, news: News) -> None:
        self.news.put(news)
        if news.state is CallState.ENDED:
            self.ended.set()
            self.news.end()
