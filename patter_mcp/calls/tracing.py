"""Finding the line of a call whose dial was never answered: something may ring, and nobody knows the carrier's id."""

from __future__ import annotations

from datetime import datetime

from patter_mcp.carriers.base import Carrier
from patter_mcp.store.base import CallStore

KNOWN_CALLS = 1000
"""Of the latest calls in the store, how many are looked through for whose line it could be instead."""


async def find_line(
    carrier: Carrier, store: CallStore, *, to_number: str, from_number: str | None, since: datetime
) -> str | None:
    """The carrier's id of a call it has under way and no call of ours owns up to; None where that is none or several.

    Raises:
        CarrierError: it cannot be asked.
        StoreError: nor can the store.
    """
    found = await carrier.under_way(to_number, from_number, since)
    known = {record.carrier_id for record in await store.recent(limit=KNOWN_CALLS)} if found else set[str | None]()
    strays = [carrier_id for carrier_id in found if carrier_id not in known]
    return strays[0] if len(strays) == 1 else None
