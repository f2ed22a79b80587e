"""Several calls at once, each with its own result. The numbers are simulated: busy, nobody there, and a voicemail."""

import anyio

from patter_mcp import Patter, PatterTool

NUMBERS = ["+12025550104", "+12025550106", "+12025550107"]


async def main() -> None:
    tool = PatterTool(Patter())
    await tool.start()

    async def ring(number: str) -> None:
        result = await tool.execute(to=number, goal="Ask Sam to call Alex back.")
        print(number, result.status, result.metrics["answered_by"])

    async with anyio.create_task_group() as calls:
        for number in NUMBERS:
            calls.start_soon(ring, number)
    await tool.stop()


anyio.run(main)
