from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from store_nodes import IMPLEMENTATIONS, Nodes

from patter_mcp.store.base import CallStore


@pytest.fixture(params=list(IMPLEMENTATIONS))
async def nodes(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> AsyncGenerator[Nodes]:
    async with IMPLEMENTATIONS[request.param](tmp_path) as nodes:
        yield nodes


@pytest.fixture
def store(nodes: Nodes) -> CallStore:
    return nodes["a"]
