"""The vendors as a program: `python -m patter_mcp.testing.speech` writes their base URL and serves until stopped."""

from __future__ import annotations

import sys

import anyio

from patter_mcp.testing.speech import FakeSpeech


async def main() -> None:
    async with FakeSpeech().run() as vendors:
        sys.stdout.write(f"{vendors.url}\n")
        sys.stdout.flush()
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main)
