"""`serve`: the MCP server."""

from __future__ import annotations

import argparse
import importlib

from patter_mcp.app import App
from patter_mcp.cli.process import collect_rarely, loop_options, open_many_files
from patter_mcp.config import Settings
from patter_mcp.contract import VERSION
from patter_mcp.server.stdio import run_stdio


def serve(options: argparse.Namespace, settings: Settings) -> int:
    open_many_files()
    run_stdio(
        lambda: App(lambda: _phone(settings)),
        version=VERSION,
        log_level=settings.log_level.upper(),
        loop_options=loop_options(),
    )


def _phone(settings: Settings):
    """The phone, and with it everything a call needs, is imported for the first call."""
    phone = importlib.import_module("patter_mcp.assembly").configured_phone(settings)
    collect_rarely()
    return phone
