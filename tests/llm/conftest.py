"""Every test that takes a `vendor` runs with all of them."""

from __future__ import annotations

import pytest
from llm_vendors import VENDORS, Vendor


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return request.param
