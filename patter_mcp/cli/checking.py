"""What a call would be made of if it were placed now, or what it lacks; nobody is called and nothing is connected."""

from __future__ import annotations

from patter_mcp.assembly import configured_carrier, default_agent, engine_of, own_agent
from patter_mcp.config import Settings
from patter_mcp.errors import ConfigError, PatterError
from patter_mcp.media.endpoint import check_public


async def verdict(settings: Settings) -> str:
    """One sentence."""
    try:
        return await _made_of(settings)
    except PatterError as error:
        return f"A call cannot be placed: {error.message}"


async def _made_of(settings: Settings) -> str:
    configured = configured_carrier(settings)
    parts = engine_of(own_agent(settings) or default_agent(settings)).parts
    async with configured as carrier:
        if not carrier.simulated and not settings.phone_number:
            raise ConfigError("Set `phone_number` (PATTER_PHONE_NUMBER), a number of ours to call from.")
        if carrier.needs_public_url:
            check_public(settings.media, carrier.name)
        rings = "no phone rings" if carrier.simulated else "phones ring"
        named = ", ".join(f"{kind} {part}" for kind, part in parts.items())
        return f"A call is made with: carrier {carrier.name} ({rings}), {named}."
