"""Many short calls one after the other, and what they leave behind.

    python tests/end_to_end/soak.py --calls 300

Everything runs in this process, carrier and vendors included; what those keep is thrown away after each batch. A
figure that goes on rising is a leak; the first batches fill caches.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import resource
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
from vendor_phone import BYE, HungUp, Person, VendorPhone, vendor_phone

from patter_mcp.store.registry import open_store
from patter_mcp.testing.llm import Reply
from patter_mcp.testing.llm.http import Request

SAID = "Thank you then."
ANSWER = Reply(text="Good, I will see what I can do.")
CLOSING_SEC = 1.0
"""Connections are closed in the background."""
MANNERS = ("listens", "interrupts", "hangs up", "is cut off")


@dataclass(frozen=True)
class Left:
    """What there is between two batches."""

    calls: int
    rss_kib: int
    tasks: int
    files: int
    objects: Counter[str]
    """Of our own classes, by name."""

    def __str__(self) -> str:
        return (
            f"{self.calls:6} calls {self.rss_kib / 1024:8.1f} MiB {self.tasks:5} tasks {self.files:5} files "
            f"{self.objects.total():7} objects of ours"
        )


def look(calls: int) -> Left:
    gc.collect()
    kinds = [type(thing) for thing in gc.get_objects()]
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]
    ours = [name for name in names if name.startswith("patter_mcp.") and not name.startswith("patter_mcp.testing.")]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Left(
        calls,
        pages * resource.getpagesize() // 1024,
        len(asyncio.all_tasks()),
        len(os.listdir("/proc/self/fd")),
        Counter(ours),
    )


def answer(request: Request) -> Reply:
    return BYE if request.content.count(SAID.encode()) > 1 else ANSWER


async def behave(phone: VendorPhone, person: Person, manner: str) -> None:
    await person.says("Hello.")
    if manner == "listens":
        await person.hears_out()
    else:
        await person.hears_agent()
        await person.waits(0.2)
    if manner == "hangs up":
        person.hangs_up()
    elif manner == "is cut off":
        phone.speech.server.connections[-1].cut()
    await person.says("Thank you.")
    await person.hears_out()


async def one_call(phone: VendorPhone, number: int) -> None:
    """Places one, and answers the one of that number in its batch, be it another."""
    call = await phone.place(f"+1202555{1000 + number:04}", first_message="Hi.")
    person = await phone.picked_up(number)
    with suppress(HungUp):
        await person.hears_out()
        await behave(phone, person, MANNERS[number % len(MANNERS)])
    await call.wait()
    await call.delivered()  # or the same call again would be this one


def forget(phone: VendorPhone) -> None:
    """Has the fakes throw away what they keep for those who look."""
    phone.twilio.forget()
    phone.people.clear()
    phone.speech.server.forget()
    phone.mind.requests.clear()


async def soak(calls: int, at_once: int) -> Sequence[Left]:
    """Args:
    calls: In all, rounded up to whole batches.
    at_once: In one batch.
    """
    left: list[Left] = []
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(f"sqlite:{directory}/calls.db")
        async with vendor_phone(answer, said=lambda _: SAID, store=store, limit_sec=None) as phone:
            for begun in range(0, calls, at_once):
                async with anyio.create_task_group() as tasks:
                    for number in range(at_once):
                        tasks.start_soon(one_call, phone, number)
                forget(phone)
                await anyio.sleep(CLOSING_SEC)
                left.append(look(begun + at_once))
                print(left[-1], flush=True)
    return left


def risen(left: Sequence[Left]) -> Counter[str]:
    """Objects there are more of after the last batch than in the middle."""
    return left[-1].objects - left[len(left) // 2].objects


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=10)
    options = parser.parse_args()
    for name, count in risen(anyio.run(soak, options.calls, options.at_once)).most_common(20):
        print(f"{count:+6} {name}")
