"""Commands that only look: schema, calls, scenarios, settings."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from patter_mcp.calls.fold import CallView, fold, summary
from patter_mcp.cli.calling import clock
from patter_mcp.cli.checking import verdict
from patter_mcp.cli.clients import CLIENTS, block
from patter_mcp.config import Setting, Settings
from patter_mcp.contract import INPUT_SCHEMA, MCP_TOOL, TOOL_DESCRIPTION, TOOL_NAME
from patter_mcp.errors import CallNotFound
from patter_mcp.sandbox.scenario_file import load_scenarios, validate
from patter_mcp.store.base import CallStore
from patter_mcp.store.registry import open_store
from patter_mcp.types import CallRecord

IN_PROGRESS = "in-progress"
LOST = "lost"
"""Left behind by a program that died and not closed by another one yet."""
LOST_NOTE = "lost. The program that ran it has died; the next one to place a call hangs up what is left of it."


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
    calls = anyio.run(_latest, settings, options.limit)
    rows = [_row(view, status) for view, status in calls]
    if options.json:
        _print_json(rows)
    else:
        for row in rows:
            duration = clock(row["duration_seconds"])
            _print(f"{row['started_at']}  {row['call_id']}  {row['to']:<16} {row['status']:<11} {duration:>6}")
        if not rows:
            _print("No calls yet.")
    return 0


def show_call(options: argparse.Namespace, settings: Settings) -> int:
    view, status = anyio.run(_one, settings, options.call_id)
    assert view.created is not None
    if options.json:
        _print_json(view.result().to_json() if view.ended else _row(view, status))
        return 0
    unfinished = f"Call to {view.created.to_number}: {LOST_NOTE if status == LOST else view.state}"
    _print(summary(view, view.created.to_number) if view.ended else unfinished)
    for line in view.transcript:
        _print(f"  {'we' if line.role == 'agent' else 'they':>4}: {line.text}")
    return 0


def scenarios(options: argparse.Namespace, settings: Settings) -> int:
    if options.files:
        return _check(_scenario_files(options.files))
    for number, scenario in sorted(load_scenarios(settings.scenario_dirs).items()):
        _print(f"{number}  {scenario.title}")
    return 0


def _scenario_files(paths: Sequence[Path]) -> Sequence[Path]:
    """With the files of a directory in its place."""
    return [file for path in paths for file in (sorted(path.glob("*.toml")) if path.is_dir() else [path])]


def _check(files: Sequence[Path]) -> int:
    problems = [problem for file in files for problem in validate(file)]
    for problem in problems:
        _print(problem)
    if not problems:
        _print(f"{'1 scenario' if len(files) == 1 else f'{len(files)} scenarios'} checked, nothing wrong.")
    return 1 if problems else 0


def show_config(options: argparse.Namespace, settings: Settings) -> int:
    if options.client:
        client = CLIENTS[options.client]
        _print_json(block(client))
        print(f"Merge this into {client.file}; credentials go into its `env`.", file=sys.stderr)  # noqa: T201
        return 0
    effective: list[Setting] = options.effective
    width = max(len(setting.name) for setting in effective)
    for setting in effective:
        _print(f"{setting.name:<{width}}  {setting.value!s}  ({setting.source})")
    _print("\n" + anyio.run(verdict, settings))
    return 0


async def _latest(settings: Settings, limit: int) -> list[tuple[CallView, str]]:
    async with open_store(settings.store_address) as store:
        return [await _look_at(store, record) for record in await store.recent(limit=limit)]


async def _one(settings: Settings, call_id: str) -> tuple[CallView, str]:
    async with open_store(settings.store_address) as store:
        record = await store.get(call_id)
        if record is None:
            raise CallNotFound(f"There is no call {call_id}; `patter-mcp calls list` shows those there are.")
        return await _look_at(store, record)


async def _look_at(store: CallStore, record: CallRecord) -> tuple[CallView, str]:
    """The call, and in a word how it stands."""
    view = fold(CallView(call_id=record.call_id), await store.events(record.call_id))
    if view.status is not None:
        return view, view.status
    return view, LOST if await store.is_lost(record) else IN_PROGRESS


def _row(view: CallView, status: str) -> dict[str, Any]:
    assert view.created is not None
    last_at = view.ended.at if view.ended else view.created.at
    return {
        "call_id": view.call_id,
        "to": view.created.to_number,
        "status": status,
        "started_at": view.created.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        "duration_seconds": round(view.duration_sec(datetime.now(UTC) if status == IN_PROGRESS else last_at), 3),
        "cost_usd": view.cost_usd,
        "simulated": view.simulated,
    }


def _print_json(data: object) -> None:
    _print(json.dumps(data, indent=2, ensure_ascii=False))


def _print(text: str) -> None:
    print(text)  # noqa: T201
