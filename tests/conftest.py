"""Shared fixtures. Async tests are marked `@pytest.mark.anyio` and run on asyncio, the backend the package is for.

Property tests try the same examples in every run, so that a change is judged by what it changes. To look for new
ones: `pytest --hypothesis-profile=explore`.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, print_blob=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile("fixed")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
