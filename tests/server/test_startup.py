"""What a host pays for starting the server just to look at it."""

from __future__ import annotations

import os
import subprocess
import sys

from stdio_process import ENVIRONMENT

HEAVY = {"anthropic", "numpy", "onnxruntime", "openai", "phonenumbers", "pocketsphinx", "sqlite3", "soxr", "twilio"}

LOOK = """
import sys
import patter_mcp.app
import patter_mcp.server.stdio
print(*sys.modules)
"""


def test_starting_loads_no_vendor_no_model_and_no_database() -> None:
    looked = subprocess.run(
        [sys.executable, "-c", LOOK], env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=True
    )

    assert HEAVY.isdisjoint(looked.stdout.split())


def test_the_contract_can_be_read_without_the_sdk() -> None:
    looked = subprocess.run(
        [sys.executable, "-c", "import sys, patter_mcp.contract; print(*sys.modules)"],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert {"mcp", "mcp_types"}.isdisjoint(looked.stdout.split())
