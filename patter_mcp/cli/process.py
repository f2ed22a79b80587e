"""What the server does to its process so that many calls fit into it. A library leaves its user's process alone."""

from __future__ import annotations

import gc
import importlib.util
import sys
from typing import Any, Literal

YOUNG_OBJECTS = 1_000
"""So many new ones are looked through at once, which takes 1 ms, and after ten such rounds all that is not old.

The old follow when 100,000 more have been made than were freed, which is a hundred calls: some of what a call was made
of goes round in circles, and nothing else finds it.
"""
FILES = 10_000
"""macOS refuses more than some ten thousand."""


def loop_options() -> dict[str, Any]:
    """For `anyio.run`: uvloop where it is installed (`patter-mcp[speed]`): it takes an eighth off a call's cost."""
    return {"use_uvloop": importlib.util.find_spec("uvloop") is not None}


def collect_rarely() -> None:
    """Keeps the garbage collector from holding up everybody's audio; to be called once the program is loaded.

    As it comes, it looks through the whole program and all calls time and again: 150 ms with 100 calls, in which nobody
    hears a frame. What the program itself consists of (100,000 objects) is never garbage, so it is left out; so is what
    the first calls load (vendors' clients, 60,000), which the first full collection finds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.callbacks.append(_freeze_what_is_left)


def _freeze_what_is_left(phase: Literal["start", "stop"], info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == 2:
        gc.callbacks.remove(_freeze_what_is_left)
        gc.freeze()


def open_many_files() -> None:
    """Makes room for the connections of many calls, three or four for each: often 1024 are allowed, or 256."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows

        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
        if resource.RLIM_INFINITY != allowed < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
