from __future__ import annotations

import anyio
import pytest

from patter_mcp.mailbox import Mailbox

pytestmark = pytest.mark.anyio


async def test_items_come_in_order_and_then_the_end() -> None:
    mailbox = Mailbox[int]()
    mailbox.put(1)
    mailbox.put(2)
    mailbox.end()
    mailbox.put(3)
    assert not mailbox.empty
    assert [item async for item in mailbox] == [1, 2]
    assert mailbox.empty
    assert [item async for item in mailbox] == []


async def test_a_waiting_reader_is_woken() -> None:
    mailbox = Mailbox[int]()
    heard: list[int] = []

    async def read() -> None:
        heard.extend([item async for item in mailbox])

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            for number in range(3):
                await anyio.wait_all_tasks_blocked()
                mailbox.put(number)
            await anyio.wait_all_tasks_blocked()
            mailbox.end()
    assert heard == [0, 1, 2]


async def test_an_error_comes_after_what_was_there_before_it() -> None:
    mailbox = Mailbox[int]()
    mailbox.put(1)
    mailbox.end(LookupError())
    mailbox.end()
    assert await anext(mailbox) == 1
    with pytest.raises(LookupError):
        await anext(mailbox)


async def test_discarding_leaves_nothing_to_read() -> None:
    mailbox = Mailbox[int]()
    mailbox.put(1)
    mailbox.discard()
    assert [item async for item in mailbox] == []


async def test_a_reader_that_was_cancelled_loses_nothing() -> None:
    mailbox = Mailbox[int]()
    with anyio.move_on_after(0.01):
        await anext(mailbox)
    mailbox.put(1)
    assert await anext(mailbox) == 1
