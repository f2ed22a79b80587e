"""What the server does to its process so that many calls fit into it. A library leaves its user's process alone."""

from __future__ import annotations

import gc
import importlib.util
import sys
from typing import Any

YOUNG_OBJECTS, YOUNG_ROUNDS, MIDDLE_ROUNDS = 2_000, 10, 50
"""Looking through 2000 new objects takes 2 ms, through the 20,000 of ten rounds 8; the rest is looked through only
when a million more objects have been made than were freed."""
FILES = 10_000
"""macOS refuses more than some ten thousand."""


def loop_options() -> dict[str, Any]:
    """For `anyio.run`: uvloop where it is installed (`patter-mcp[speed]`): it takes an eighth off a call's cost."""
    return {"use_uvloop": importlib.util.find_spec("uvloop") is not None}


def collect_rarely() -> None:
    """Keeps the garbage collector from holding up everybody's audio; to be called once the program is loaded.

    As it comes, it looks through the whole program and all calls time and again: 90 ms with 100 calls of a minute or
    less, 160 ms after 200, in which nobody hears a frame. What the program itself consists of (100,000 objects) is
    never garbage, so it is left out, and calls that are over leave little behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_ROUNDS, MIDDLE_ROUNDS)


def open_many_files() -> None:
    """Makes room for the connections of many calls, three or four for each: often 1024 are allowed, or 256."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows

        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
        if resource.RLIM_INFINITY != allowed < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
