"""That the benchmark works; its figures mean nothing here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_benchmark_measures_a_call() -> None:
    pytest.importorskip("uvloop")
    command = [sys.executable, "-m", "tests.benchmarks", "--calls", "1", "--seconds", "5", "--settle", "0", "--cold"]
    done = subprocess.run([*command, "--eager", "no"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = re.search(r"voice to voice +([\d.]+).* of (\d+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) >= 690 and int(found[2]) >= 1
    assert "0 turns lost" in done.stdout
