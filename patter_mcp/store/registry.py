"""Stores by name. Each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from patter_mcp.errors import ConfigError
from patter_mcp.store.base import CallStore

Opener = Callable[[str, str | None], AbstractAsyncContextManager[CallStore]]
"""Takes what follows the colon, and this node's name."""


def open_store(name: str, node: str | None = None) -> AbstractAsyncContextManager[CallStore]:
    """The store called `name`: `memory:`, or `sqlite:` and a path.

    Raises:
        ConfigError: no such store, or its address is missing.
    """
    kind, _, address = name.partition(":")
    opener = _OPENERS.get(kind)
    if opener is None:
        raise ConfigError(f"There is no call store `{name}`. Known are `memory:` and `sqlite:/path/to/file.db`.")
    return opener(address, node)


def _open_memory(_: str, node: str | None) -> AbstractAsyncContextManager[CallStore]:
    from patter_mcp.store.memory import MemoryStore  # noqa: PLC0415

    return MemoryStore.open(node)


def _open_sqlite(path: str, node: str | None) -> AbstractAsyncContextManager[CallStore]:
    from patter_mcp.store.sqlite import SqliteStore  # noqa: PLC0415

    if not path:
        raise ConfigError("The call store `sqlite:` needs a path, e.g. `sqlite:/path/to/file.db`.")
    return SqliteStore.open(Path(path).expanduser(), node)


_OPENERS: Mapping[str, Opener] = {"memory": _open_memory, "sqlite": _open_sqlite}
