from __future__ import annotations

import subprocess
import sys

import pytest

from patter_mcp.carriers.registry import carrier_class
from patter_mcp.errors import ConfigError


def test_an_unknown_carrier_is_named_beside_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'pigeon'.*sandbox, twilio"):
        carrier_class("pigeon")


def test_the_sandbox_is_a_carrier() -> None:
    assert carrier_class("sandbox").__name__ == "SandboxCarrier"


def test_naming_the_carriers_imports_none() -> None:
    code = "import sys, patter_mcp.carriers.registry; sys.exit('patter_mcp.sandbox.carrier' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
