"""Place a call and follow it while it lives: state, words, and the envelope at its end.

Run it as it is: it calls a simulated restaurant. No phone rings.
"""

import anyio

from patter_mcp import Patter


async def main() -> None:
    async with Patter() as phone:
        call = await phone.place(
            "+12025550101",
            goal="Book a table for two people for tomorrow evening.",
            first_message="Hello, this is an automated assistant. Do you have a table for two tomorrow evening?",
        )
        shown = 0
        async for view in call.changes():
            for line in view.transcript[shown:]:
                print(f"{line.role}: {line.text}")
            shown = len(view.transcript)
        result = await call.wait()
    print(result.status, result.metrics["outcome"])


anyio.run(main)
