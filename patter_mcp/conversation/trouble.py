"""A vendor's failure as the call's record tells it."""

from __future__ import annotations

from patter_mcp.errors import ProviderError
from patter_mcp.events import CostPart, ProviderTrouble


def trouble(part: CostPart, error: ProviderError, *, recovered: bool) -> ProviderTrouble:
    return ProviderTrouble(
        part=part, provider=error.provider, code=error.code, message=error.message, recovered=recovered
    )
