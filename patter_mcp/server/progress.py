"""A call's events as progress notifications."""

from __future__ import annotations

from mcp.server.mcpserver import Context

from patter_mcp.calls.call import Call
from patter_mcp.calls.fold import CallView
from patter_mcp.types import CallState, Role

PROGRESS_SEC = 5.0
"""Longest silence. Clients that let progress move their clock give it 30-60 s."""
MIN_STEP_SEC = 0.01
"""Progress has to rise with every notification, and talk time stands still while the phone rings."""
MAX_LINE_CHARS = 80

VOICES: dict[Role, str] = {"agent": "agent", "user": "callee"}
"""Who speaks, in words for people."""


async def follow(call: Call, ctx: Context) -> CallView:
    """Tells the client how the call goes until it is over; returns the ended call.

    Progress counts seconds of talk, its total is `max_duration_sec`. Clients that did not ask for it get none.
    """
    progress = 0.0
    async for view in call.changes(PROGRESS_SEC):
        if view.ended is not None:
            return view
        talk_sec = call.elapsed_sec()
        progress = round(max(progress + MIN_STEP_SEC, talk_sec), 2)
        await ctx.report_progress(progress, _total_sec(view), progress_line(view, talk_sec))
    raise AssertionError("a call's changes end with the ended call")


def progress_line(view: CallView, talk_sec: float) -> str:
    """`in progress 0:12 · callee: Hello?`: one short line."""
    line = view.state.value
    if view.state is CallState.IN_PROGRESS:
        minutes, seconds = divmod(int(talk_sec), 60)
        line = f"in progress {minutes}:{seconds:02d}"
    if view.simulated:
        line += " (simulated)"
    if view.transcript:
        last = view.transcript[-1]
        line += f" · {VOICES[last.role]}: {shortened(last.text)}"
    return line


def shortened(text: str) -> str:
    """`text` on one line, cut to what a status line holds."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_LINE_CHARS else f"{line[: MAX_LINE_CHARS - 1]}…"


def _total_sec(view: CallView) -> float | None:
    return None if view.created is None else view.created.max_duration_sec
