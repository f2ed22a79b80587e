"""Commands that only look: schema, calls, scenarios, settings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

import anyio

from patter_mcp.calls.fold import CallView, fold, summary
from patter_mcp.cli.calling import clock
from patter_mcp.config import Setting, Settings
from patter_mcp.contract import INPUT_SCHEMA, MCP_TOOL, TOOL_DESCRIPTION, TOOL_NAME
from patter_mcp.errors import CallNotFound
from patter_mcp.sandbox.scenario_file import load_scenarios, validate
from patter_mcp.store.base import CallStore
from patter_mcp.store.registry import open_store


def schema(options: argparse.Namespace, settings: Settings) -> int:
    _print_json(_SCHEMAS[options.format]())
    return 0


def _described(parameters: str) -> dict[str, Any]:
    return {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, parameters: INPUT_SCHEMA}


_SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "mcp": lambda: MCP_TOOL,
    "openai": lambda: {"type": "function", "function": _described("parameters")},
    "anthropic": lambda: _described("input_schema"),
    "hermes": lambda: _described("parameters"),
}


def list_calls(options: argparse.Namespace, settings: Settings) -> int:
    views = anyio.run(_latest, settings, options.limit)
    if options.json:
        _print_json([_row(view) for view in views])
    else:
        for view in views:
            row = _row(view)
            duration = clock(row["duration_seconds"])
            _print(f"{row['started_at']}  {row['call_id']}  {row['to']:<16} {row['status']:<11} {duration:>6}")
        if not views:
            _print("No calls yet.")
    return 0


def show_call(options: argparse.Namespace, settings: Settings) -> int:
    view = anyio.run(_one, settings, options.call_id)
    if view.created is None:
        raise CallNotFound(f"There is no call {options.call_id}; `patter-mcp calls list` shows those there are.")
    if options.json:
        _print_json(view.result().to_json() if view.ended else _row(view))
        return 0
    _print(summary(view, view.created.to_number) if view.ended else f"Call to {view.created.to_number}: {view.state}")
    for line in view.transcript:
        _print(f"  {'we' if line.role == 'agent' else 'they':>4}: {line.text}")
    return 0


def scenarios(options: argparse.Namespace, settings: Settings) -> int:
    if options.files:
        problems = [problem for file in options.files for problem in validate(file)]
        for problem in problems:
            _print(problem)
        return 1 if problems else 0
    for number, scenario in sorted(load_scenarios(settings.scenario_dirs).items()):
        _print(f"{number}  {scenario.title}")
    return 0


def show_config(options: argparse.Namespace, settings: Settings) -> int:
    effective: list[Setting] = options.effective
    width = max(len(setting.name) for setting in effective)
    for setting in effective:
        _print(f"{setting.name:<{width}}  {setting.value!s}  ({setting.source})")
    return 0


async def _latest(settings: Settings, limit: int) -> list[CallView]:
    async with open_store(settings.store_address) as store:
        return [await _view(store, record.call_id) for record in await store.recent(limit=limit)]


async def _one(settings: Settings, call_id: str) -> CallView:
    async with open_store(settings.store_address) as store:
        return await _view(store, call_id)


async def _view(store: CallStore, call_id: str) -> CallView:
    return fold(CallView(call_id=call_id), await store.events(call_id))


def _row(view: CallView) -> dict[str, Any]:
    assert view.created is not None
    return {
        "call_id": view.call_id,
        "to": view.created.to_number,
        "status": view.status or "in-progress",
        "started_at": view.created.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        "duration_seconds": round(view.duration_sec(view.ended.at if view.ended else view.created.at), 3),
        "cost_usd": view.cost_usd,
        "simulated": view.simulated,
    }


def _print_json(data: object) -> None:
    _print(json.dumps(data, indent=2, ensure_ascii=False))


def _print(text: str) -> None:
    print(text)  # noqa: T201
