"""Finds the helper programs this process has started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_TASKS = Path("/proc/self/task")
needs_proc = pytest.mark.skipif(not Path(f"{_TASKS}/{os.getpid()}/children").exists(), reason="needs Linux's /proc")


def child_processes(module: str) -> list[int]:
    """Process ids of the children that run `python -m module`."""
    pids = [int(pid) for children in _TASKS.glob("*/children") for pid in children.read_text().split()]
    return [pid for pid in pids if module in Path(f"/proc/{pid}/cmdline").read_text().split("\0")]
