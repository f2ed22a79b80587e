"""Two contexts as one: entered at the same time, and left at the same time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup, TaskStatus

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


@asynccontextmanager
async def together(
    first: AbstractAsyncContextManager[A], second: AbstractAsyncContextManager[B]
) -> AsyncGenerator[tuple[A, B]]:
    """Each lives in a task of its own, where it is left again once the block is over.

    What one of them raises on the way in leaves as it is, after the other has been left; so does an error of the block.
    """
    over = anyio.Event()
    failures: list[Exception] = []
    async with anyio.create_task_group() as tasks:
        try:
            yield await _entered(tasks, first, second, over)
        except Exception as error:
            # Kept, because the group would wrap it.
            failures.append(error)
        finally:
            over.set()
    if failures:
        raise failures[0]


async def _entered(
    tasks: TaskGroup, first: AbstractAsyncContextManager[A], second: AbstractAsyncContextManager[B], over: anyio.Event
) -> tuple[A, B]:
    firsts: list[A] = []
    seconds: list[B] = []
    failures: list[Exception] = []

    async def enter(context: AbstractAsyncContextManager[T], entered: list[T]) -> None:
        try:
            entered.append(await tasks.start(_hold, context, over))
        except Exception as error:
            failures.append(error)
            entering.cancel_scope.cancel()

    async with anyio.create_task_group() as entering:
        entering.start_soon(enter, first, firsts)
        entering.start_soon(enter, second, seconds)
    if failures:
        raise failures[0]
    return firsts[0], seconds[0]


async def _hold(context: AbstractAsyncContextManager[T], over: anyio.Event, *, task_status: TaskStatus[T]) -> None:
    async with context as entered:
        task_status.started(entered)
        await over.wait()
