"""The one line a client shows while it waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp import events as ev
from patter_mcp.calls.fold import CallView, fold
from patter_mcp.server.progress import MAX_LINE_CHARS, progress_line, shortened


def view_of(*events: ev.Event) -> CallView:
    return fold(CallView(call_id="call_1"), [ev.Logged(str(n), event) for n, event in enumerate(events)])


def created(*, simulated: bool = False) -> ev.Created:
    return ev.Created(to_number="+12025550123", max_duration_sec=60, carrier="any", simulated=simulated)


@pytest.mark.parametrize(
    ("view", "talk_sec", "line"),
    [
        (view_of(created()), 0, "queued"),
        (view_of(created(), ev.Dialing()), 0, "dialing"),
        (view_of(created(), ev.Dialing(), ev.Ringing()), 0, "ringing"),
        (view_of(created(simulated=True), ev.Ringing()), 0, "ringing (simulated)"),
        (view_of(created(), ev.Answered()), 0.9, "in progress 0:00"),
        (view_of(created(), ev.Answered(), ev.UserSaid(text="Hello?")), 12.4, "in progress 0:12 · callee: Hello?"),
        (view_of(created(), ev.Answered(), ev.AgentSaid(text="Good\nday")), 61, "in progress 1:01 · agent: Good day"),
    ],
    ids=str,
)
def test_it_says_where_the_call_is_and_what_was_said_last(view: CallView, talk_sec: float, line: str) -> None:
    assert progress_line(view, talk_sec) == line


@given(st.text())
def test_speech_stays_one_short_line(text: str) -> None:
    line = shortened(text)

    assert len(line) <= MAX_LINE_CHARS
    assert len(line.splitlines()) <= 1
