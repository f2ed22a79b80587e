"""A list of events read as an envelope."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from patter_mcp import events as ev
from patter_mcp.calls.fold import CallView, fold, percentile, summary
from patter_mcp.calls.states import SENTENCE_OF, STATUS_OF
from patter_mcp.contract import OUTPUT_SCHEMA
from patter_mcp.types import EndReason

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def view_of(*events: ev.Event) -> CallView:
    logged = [ev.Logged(f"{index:04}", event) for index, event in enumerate(events)]
    return fold(CallView(call_id="call_1"), logged)


def created(**more: Any) -> ev.Created:
    return ev.Created(at=at(0), to_number="+12025550100", max_duration_sec=180, carrier="sandbox", **more)


def ended(reason: EndReason = EndReason.AGENT_HUNG_UP, seconds: float = 60) -> ev.Ended:
    return ev.Ended(at=at(seconds), reason=reason, ended_by="agent")


def test_whole_call_becomes_its_envelope() -> None:
    view = view_of(
        created(simulated=True, engine={"llm": "rules/rules"}),
        ev.Dialing(at=at(1)),
        ev.Ringing(at=at(2)),
        ev.Answered(at=at(10)),
        ev.AgentSaid(at=at(12), text="Hello."),
        ev.UserSaid(at=at(14), text="Yes?"),
        ev.TurnMeasured(at=at(15), response_ms=800),
        ev.Usage(at=at(16), part="llm", provider="x", cost_micros=1500),
        ev.OutcomeStated(at=at(17), goal_met="yes", summary="Booked."),
        ended(seconds=40.5),
    )
    result = view.result().to_json()
    assert list(result) == ["call_id", "status", "duration_seconds", "cost_usd", "transcript", "metrics"]
    assert (result["status"], result["duration_seconds"], result["cost_usd"]) == ("completed", 30.5, 0.0015)
    assert result["transcript"] == [{"role": "agent", "text": "Hello."}, {"role": "user", "text": "Yes?"}]
    assert result["metrics"]["p95_latency_ms"] == 800
    assert result["metrics"]["outcome"] == {"goal_met": "yes", "summary": "Booked."}
    assert "no phone rang" in summary(view, "+12025550100")


@pytest.mark.parametrize("reason", EndReason)
def test_every_way_of_ending_has_a_status_and_a_sentence_and_fits_the_schema(reason: EndReason) -> None:
    view = view_of(created(), ended(reason))
    assert STATUS_OF[reason] and SENTENCE_OF[reason]
    Draft202012Validator(OUTPUT_SCHEMA).validate(view.result().to_json())


def test_goal_is_unknown_unless_somebody_said_otherwise() -> None:
    view = view_of(created(), ev.Answered(at=at(1)), ended())
    assert view.result().metrics["outcome"]["goal_met"] == "unknown"
    assert "Goal met: unknown" in summary(view, "+1")


def test_a_call_nobody_judged_tells_what_was_heard_last() -> None:
    said = (ev.UserSaid(text="What is the number?"), ev.AgentSaid(text="I do not know that."))
    hung_up = view_of(created(), ev.Answered(at=at(1)), *said, ended()).result().metrics["outcome"]["summary"]
    assert "before the goal was settled" in hung_up
    assert '"What is the number?"' in hung_up
    silent = view_of(created(), ev.Answered(at=at(1)), ended()).result().metrics["outcome"]["summary"]
    assert "not heard" in silent
    assert view_of(created(), ended()).result().metrics["outcome"]["summary"] == "Nobody was reached."


def test_cost_with_a_part_of_unknown_price_is_unknown() -> None:
    priced = ev.Usage(part="llm", provider="x", cost_micros=10, final=True)
    unpriced = ev.Usage(part="tts", provider="y", cost_micros=None)
    assert view_of(created(), priced, ended()).cost_status == "final"
    assert view_of(created(), priced, unpriced, ended()).cost_status == "unknown"
    assert view_of(created(), ev.Usage(part="llm", provider="x", cost_micros=10), ended()).cost_status == "estimated"


def test_unfinished_call_has_no_envelope() -> None:
    with pytest.raises(ValueError, match="has not ended"):
        view_of(created()).result()


def test_folding_in_pieces_is_folding_at_once() -> None:
    events = [created(), ev.Answered(at=at(1)), ev.AgentSaid(at=at(2), text="Hi."), ended()]
    logged = [ev.Logged(str(index), event) for index, event in enumerate(events)]
    start = CallView(call_id="call_1")
    for cut in range(len(logged)):
        assert fold(fold(start, logged[:cut]), logged[cut:]) == fold(start, logged)


def test_events_of_other_versions_are_kept_and_read_over() -> None:
    strange = ev.from_json({"kind": "teleported", "at": at(1).isoformat(), "where": "moon"})
    assert isinstance(strange, ev.Unknown) and ev.to_json(strange)["where"] == "moon"
    newer = ev.from_json({"kind": "user-said", "at": at(1).isoformat(), "text": "x", "mood": "good"})
    assert isinstance(newer, ev.Unknown)
    new_reason = {"kind": "ended", "at": at(1).isoformat(), "reason": "abducted", "ended_by": "user", "detail": ""}
    assert ev.to_json(ev.from_json(new_reason)) == new_reason
    assert view_of(created(), strange, newer, ended()).status == "completed"


@given(st.lists(st.floats(0, 10_000), min_size=1), st.floats(1, 100))
def test_percentile_is_one_of_the_values_and_has_enough_below_it(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100


def test_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 95) is None
