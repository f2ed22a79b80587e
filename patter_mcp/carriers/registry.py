"""Carriers by name, imported when one is chosen: nobody pays for a vendor they do not use."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from patter_mcp.carriers.base import Carrier
from patter_mcp.errors import ConfigError

CARRIERS = {
    "sandbox": "patter_mcp.sandbox.carrier:SandboxCarrier",
    "twilio": "patter_mcp.carriers.twilio:TwilioCarrier",
}

CarrierClass = Callable[..., AbstractAsyncContextManager[Carrier]]
"""Called with settings of its own; entered, it is the carrier, and left, it has closed everything."""


def carrier_class(name: str) -> CarrierClass:
    """The carrier's class.

    Raises:
        ConfigError: there is no carrier of that name.
    """
    if name not in CARRIERS:
        raise ConfigError(f"There is no carrier {name!r}; choose one of: {', '.join(sorted(CARRIERS))}")
    module_name, _, class_name = CARRIERS[name].partition(":")
    return getattr(importlib.import_module(module_name), class_name)
