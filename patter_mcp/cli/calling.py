"""`call` and `demo`: one call, followed live."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from typing import TextIO

import anyio

from patter_mcp import log
from patter_mcp.app import App
from patter_mcp.assembly import configured_phone, offline
from patter_mcp.calls.call import Call
from patter_mcp.calls.fold import CallView, summary
from patter_mcp.config import Settings
from patter_mcp.errors import PatterError
from patter_mcp.guardrails.dialing import check_request
from patter_mcp.sandbox.scenario_file import load_scenarios
from patter_mcp.types import CallRequest, CallState, CallStatus

EXIT_STATUS: Mapping[CallStatus, int] = {"completed": 0, "no-answer": 3, "busy": 4, "failed": 5, "timeout": 6}

DEMO_NOTE = """\
This is a simulated call: no phone rings. The person who answers is a program, but the audio, the
websocket and the recognition of speech are real. The agent's brain here follows fixed rules; give
`patter-mcp call` an OPENAI_API_KEY or another model's key and it can hold a free conversation.
"""

REFRESH_SEC = 0.5
"""How often the timer moves."""


def call(options: argparse.Namespace, settings: Settings) -> int:
    request = check_request(
        {
            "to": options.to,
            "goal": options.goal,
            "first_message": options.first_message,
            "max_duration_sec": options.max_duration_sec,
        }
    )
    return anyio.run(_follow, settings, request, options.json)


def demo(options: argparse.Namespace, settings: Settings) -> int:
    scenario = load_scenarios(settings.scenario_dirs).get(options.to)
    example = scenario.example if scenario else None
    request = check_request(
        {
            "to": options.to,
            "goal": example.goal if example else "",
            "first_message": example.first_message if example else "",
        }
    )
    print(DEMO_NOTE)  # noqa: T201
    return anyio.run(_follow, replace(offline(settings), store="memory:"), request, False)


async def _follow(settings: Settings, request: CallRequest, as_json: bool) -> int:
    """Places the call, shows it, and ends with its envelope on stdout."""
    log.configure(settings.log_level.upper())
    screen = Screen(sys.stderr if as_json else sys.stdout)
    # What an agent of the user's own prints is not the envelope's.
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        async with App(lambda: configured_phone(settings)).run() as app:
            call = await (await app.calls()).place(request)
            view = await _show(call, screen)
            await call.delivered()
    screen.close(view, request.to_number)
    envelope = view.result()
    print(json.dumps(envelope.to_json(), indent=None if as_json else 2, ensure_ascii=False))  # noqa: T201
    return EXIT_STATUS[envelope.status]


async def _show(call: Call, screen: Screen) -> CallView:
    """Follows the call to its end; a signal hangs up.

    Raises:
        StoreError: it is out of sight.
    """
    failure: PatterError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_hang_up_on_signal, call)
        try:
            async for view in call.changes(REFRESH_SEC):
                screen.show(view)
        except PatterError as error:
            failure = error  # carried past the task group, which would wrap it
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return await call.view()


async def _hang_up_on_signal(call: Call) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            await call.hang_up()


_STATE_WORDS: Mapping[CallState, str] = {
    CallState.QUEUED: "getting ready",
    CallState.DIALING: "dialing",
    CallState.RINGING: "ringing",
    CallState.IN_PROGRESS: "talking",
    CallState.ENDED: "over",
}


class Screen:
    """The transcript as it grows and, on a terminal, a line below it with state, timer and cost."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._lines_shown = 0
        self._state: CallState | None = None
        self._status_width = 0

    def show(self, view: CallView) -> None:
        self._wipe()
        timer = clock(view.duration_sec(datetime.now(UTC)))
        if view.state is not self._state:
            self._state = view.state
            note = " (simulated: no phone rings)" if view.simulated and view.state is CallState.DIALING else ""
            self._write(f"{timer}  {_STATE_WORDS[view.state]}{note}\n")
        for line in view.transcript[self._lines_shown :]:
            self._write(f"{timer}  {'we' if line.role == 'agent' else 'they':>4}: {line.text}\n")
        self._lines_shown = len(view.transcript)
        if self._is_terminal and view.ended is None:
            status = f"{timer}  {_STATE_WORDS[view.state]}  ${view.cost_usd:.4f}"
            self._status_width = len(status)
            self._write(status)

    def close(self, view: CallView, to_number: str) -> None:
        """The last word for people."""
        self._wipe()
        cost = "unknown" if view.cost_status == "unknown" else f"${view.cost_usd:.4f} ({view.cost_status})"
        self._write(f"\n{summary(view, to_number)}\nCost: {cost}\n\n")

    def _wipe(self) -> None:
        if self._status_width:
            self._write("\r" + " " * self._status_width + "\r")
            self._status_width = 0

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def clock(seconds: float) -> str:
    """m:ss."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
