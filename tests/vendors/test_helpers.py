from __future__ import annotations

import anyio
import pytest

from patter_mcp.vendors.helpers import helpers

pytestmark = pytest.mark.anyio


async def test_helpers_end_with_the_block() -> None:
    ended = anyio.Event()

    async def help_forever() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with helpers() as tasks:
        tasks.start_soon(help_forever)
        await anyio.wait_all_tasks_blocked()
    assert ended.is_set()


async def test_the_blocks_error_is_not_wrapped() -> None:
    with pytest.raises(LookupError):
        async with helpers() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            raise LookupError


async def test_a_helpers_own_failure_is_not_hidden() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(ExceptionGroup):
        async with helpers() as tasks:
            tasks.start_soon(fail)
            await anyio.sleep_forever()
