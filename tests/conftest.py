"""Shared fixtures. Async tests are marked `@pytest.mark.anyio` and run on asyncio, the backend the package is for."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
