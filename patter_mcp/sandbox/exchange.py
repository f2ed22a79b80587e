"""The simulated phone network: rings, connects, reports, ends. Hosts any number of calls; knows no process border."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Protocol

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from patter_mcp.errors import PatterError
from patter_mcp.sandbox.callee import Callee, Spoken, listened_phrases, spoken_lines
from patter_mcp.sandbox.hearing import Ear, Recogniser
from patter_mcp.sandbox.line import Line, LineEnd
from patter_mcp.sandbox.orders import News, Order
from patter_mcp.sandbox.scenario import Scenario
from patter_mcp.types import CallState, EndReason

logger = logging.getLogger(__name__)

SET_UP_SEC = 0.2
"""From dialing to the first ring, or to the network's refusal."""


class Speech(Protocol):
    """How callees speak and hear."""

    async def speak(self, lines: Sequence[Spoken], words_per_minute: int) -> Mapping[Spoken, bytes]:
        """The sound of each line: mono μ-law at 8 kHz.

        Raises:
            PatterError: there is no voice.
        """
        ...

    def recogniser(self, phrases: Sequence[str]) -> Recogniser:
        """One that expects the phrases. May take its time: called in a thread.

        Raises:
            PatterError: there is no recogniser.
        """
        ...


Tell = Callable[[News], None]

_REFUSALS: Mapping[str, EndReason] = {"busy": EndReason.BUSY, "fails": EndReason.DIAL_FAILED}
_ENDS: Mapping[LineEnd, tuple[EndReason, str]] = {
    "hung-up": (EndReason.USER_HUNG_UP, ""),
    "closed": (EndReason.USER_HUNG_UP, "The agent's side closed the media stream."),
    "dropped": (EndReason.MEDIA_LOST, "The line broke."),
    "unreachable": (EndReason.MEDIA_LOST, "The network could not open the media stream."),
}


class Exchange:
    """Made by `open_exchange`."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks

    def dial(self, order: Order, scenario: Scenario, speech: Speech, tell: Tell) -> ExchangeCall:
        """Places the call. `tell` hears how it goes, lastly ENDED; it must not wait."""
        call = ExchangeCall(order, scenario, speech, tell)
        self._tasks.start_soon(call.live)
        return call


@asynccontextmanager
async def open_exchange() -> AsyncGenerator[Exchange]:
    """Leaving the block ends all calls."""
    async with anyio.create_task_group() as tasks:
        yield Exchange(tasks)
        tasks.cancel_scope.cancel()


class ExchangeCall:
    """A call in the network."""

    def __init__(self, order: Order, scenario: Scenario, speech: Speech, tell: Tell) -> None:
        self._order = order
        self._scenario = scenario
        self._speech = speech
        self._tell = tell
        self._scope = anyio.CancelScope()
        self._callee: Callee | None = None
        self._end = _ended(EndReason.CANCELED)
        """What is told if it ended now."""

    def hang_up(self) -> None:
        """The agent's side ends the call, in whatever state; ENDED follows unless it was told before."""
        self._scope.cancel()

    def press(self, digits: str) -> None:
        """The agent presses keys, out of band."""
        for digit in digits:
            if self._callee is not None and digit not in "wW":
                self._callee.digit(digit)

    async def live(self) -> None:
        with self._scope:
            try:
                await self._live()
            except PatterError as error:
                self._end = _ended(EndReason.DIAL_FAILED, error.message)
            except Exception as error:  # one call's fault must not silence the others
                logger.exception("a simulated call failed")
                self._end = _ended(EndReason.MEDIA_LOST, f"The simulated callee failed: {error!r}")
        self._tell(self._end)

    async def _live(self) -> None:
        refused = await self._ring()
        if refused is not None:
            self._end = _ended(refused)
            return
        self._tell(News(state=CallState.IN_PROGRESS))
        self._end = _ended(EndReason.USER_HUNG_UP)
        self._end = await self._talk()

    async def _ring(self) -> EndReason | None:
        """None: somebody picked up."""
        scenario, speed = self._scenario, self._order.speed
        self._tell(News(state=CallState.DIALING))
        await anyio.sleep(SET_UP_SEC / speed)
        if scenario.answer in _REFUSALS:
            return _REFUSALS[scenario.answer]
        if scenario.answer == "answers":
            await self._prepare()
        self._tell(News(state=CallState.RINGING))
        await anyio.sleep(min(scenario.ring_sec, self._order.ring_timeout_sec) / speed)
        picks_up = scenario.answer == "answers" and scenario.ring_sec <= self._order.ring_timeout_sec
        return None if picks_up else EndReason.NO_ANSWER

    async def _prepare(self) -> None:
        """All that takes time is done before anybody picks up."""
        audio = await self._speech.speak(spoken_lines(self._scenario), self._scenario.words_per_minute)
        recogniser = await anyio.to_thread.run_sync(
            self._speech.recogniser, listened_phrases(self._scenario), abandon_on_cancel=True
        )
        self._callee = Callee(self._scenario, audio, Ear(recogniser), Random())

    async def _talk(self) -> News:
        assert self._callee is not None
        line = Line(self._order.carrier_id, self._callee, speed=self._order.speed)
        with anyio.move_on_after(self._order.time_limit_sec / self._order.speed):
            return _ended(*_ENDS[await line.run(self._order.stream_url)])
        return _ended(EndReason.USER_HUNG_UP, "The network's time limit for the call was reached.")


def _ended(reason: EndReason, detail: str = "") -> News:
    return News(state=CallState.ENDED, reason=reason, detail=detail)
