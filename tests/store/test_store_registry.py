from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from store_nodes import admitted

from patter_mcp.errors import ConfigError
from patter_mcp.store.registry import open_store


@pytest.mark.anyio
async def test_a_store_in_memory_is_opened_by_name() -> None:
    async with open_store("memory:", "here") as store:
        assert (await admitted(store)).owner == "here"


@pytest.mark.anyio
async def test_a_sqlite_store_is_opened_by_its_path_and_keeps_what_it_was_given(tmp_path: Path) -> None:
    address = f"sqlite:{tmp_path}/data/calls.db"
    async with open_store(address, "here") as store:
        record = await admitted(store)
    async with open_store(address) as store:
        assert await store.get(record.call_id) == record


@pytest.mark.parametrize("name", ["", "redis://localhost", "/var/lib/calls.db", "mongo:"])
def test_an_unknown_store_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match=r"memory:.*sqlite:/"):
        open_store(name)


def test_a_sqlite_store_needs_a_path() -> None:
    with pytest.raises(ConfigError, match="needs a path"):
        open_store("sqlite:")


def test_naming_stores_loads_none_of_them() -> None:
    program = "import sys, patter_mcp.store.registry as r; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0
