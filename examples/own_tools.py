"""An agent with a tool, a guardrail and a hook of your own, on a simulated call. No phone rings.

The sandbox's rule-based brain does not use tools of yours; with OPENAI_API_KEY or another model's key set, this does.
"""

import anyio

from patter_mcp import Guardrail, Patter, PipelineHooks, tool


@tool
async def appointments(day: str) -> list[str]:
    """Lists the times Alex is free on a day."""
    return ["14:00", "15:30"] if day.lower() == "tomorrow" else []


def show(text: str, context: object) -> str:
    print("heard:", text)
    return text


async def main() -> None:
    async with Patter() as phone:
        agent = phone.agent(
            system_prompt="You arrange appointments for Alex. Look up when Alex is free before you agree to a time.",
            tools=[appointments],
            guardrails=[Guardrail(name="no card numbers", blocked_terms=["credit card", "card number"])],
            hooks=PipelineHooks(after_transcribe=show),
        )
        result = await phone.call(
            "+12025550100", goal="Book a haircut for Alex for tomorrow at four. Five is fine too.", agent=agent
        )
    print(result.metrics["outcome"])


anyio.run(main)
