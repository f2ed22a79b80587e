"""Tasks that help a block and end with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def helpers() -> AsyncGenerator[TaskGroup]:
    """A task group that is cancelled at the end of the block.

    An error of the block leaves as it is, not in an exception group: the caller cannot know that there were tasks.
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        try:
            yield tasks
        except Exception as error:
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
