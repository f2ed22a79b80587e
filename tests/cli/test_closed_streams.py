"""`patter-mcp serve` where nobody can speak with it: it ends at once, and says why where somebody may read it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOSED = "patter-mcp: An MCP client speaks with this server on stdin and stdout, and one of them is closed.\n"


def serve(redirection: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -m patter_mcp serve {redirection}', sys.executable],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "PATTER_DATA_DIR": str(home)},
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("redirection", ["<&-", "<&- >&-"])
def test_closed_stdin_is_a_sentence(redirection: str, tmp_path: Path) -> None:
    finished = serve(redirection, tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (1, "", CLOSED)


def test_closed_stdout_is_a_sentence(tmp_path: Path) -> None:
    finished = serve("</dev/null >&-", tmp_path)
    assert (finished.returncode, finished.stderr) == (1, CLOSED)


@pytest.mark.parametrize("redirection", ["", "</dev/null", "</dev/null 2>&-"])
def test_client_that_has_gone_before_it_came_is_no_error(redirection: str, tmp_path: Path) -> None:
    finished = serve(redirection, tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_stdin_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    finished = serve(f"0>{tmp_path}/written", tmp_path)
    assert finished.returncode == 0
    assert len(finished.stderr.splitlines()) == 1
    assert "stdin cannot be read" in finished.stderr
