"""Models by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from llm_vendors import KEY, VENDORS, Vendor

from patter_mcp.errors import ConfigError
from patter_mcp.llm.registry import PROVIDERS, llm


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_a_vendor_alone_is_its_default_model(vendor: Vendor) -> None:
    model = llm(vendor.name, api_key=KEY)
    assert type(model) is vendor.adapter
    assert model.model


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("anthropic/claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
        ("groq/openai/gpt-oss-120b", "openai/gpt-oss-120b"),
    ],
)
def test_what_follows_the_vendor_is_the_model(name: str, model: str) -> None:
    assert llm(name, api_key=KEY).model == model


def test_a_model_the_user_chose_is_used_even_if_it_is_dead() -> None:
    assert llm("groq/llama-3.3-70b-versatile", api_key=KEY).model == "llama-3.3-70b-versatile"


def test_an_unknown_vendor_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError) as caught:
        llm("skynet")
    assert all(name in caught.value.message for name in PROVIDERS.built_in)


def test_a_vendor_of_another_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_llm.py").write_text(
        "class AcmeLLM:\n    def __init__(self, model='m'):\n        self.model = model\n"
    )
    metadata = tmp_path / "acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[patter_mcp.llm]\nacme = acme_llm:AcmeLLM\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert llm("acme/large").model == "large"
    with pytest.raises(ConfigError, match="acme"):
        llm("skynet")


def test_no_vendors_sdk_is_imported_before_its_first_use() -> None:
    names = [name for name in PROVIDERS.built_in if name not in ("rules", "openai-compatible")]
    program = (
        "import sys; from patter_mcp.llm.registry import llm\n"
        f"for name in {names}: llm(name, api_key='k')\n"
        "print([name for name in ('openai', 'anthropic', 'httpx', 'numpy') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
