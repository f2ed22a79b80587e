"""Fixtures of this room: the exchange that rings, and phones on it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from phone_exchange import PhoneExchange
from scripted_phone import scripted_app

from patter_mcp.app import App


@pytest.fixture
async def exchange() -> AsyncGenerator[PhoneExchange]:
    async with PhoneExchange.open() as exchange:
        yield exchange


@pytest.fixture
async def app(exchange: PhoneExchange) -> AsyncGenerator[App]:
    async with scripted_app(exchange.port).run() as app:
        yield app
