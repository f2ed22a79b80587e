"""Models by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from llm_vendors import KEY, VENDORS, Vendor

from patter_mcp.errors import ConfigError
from patter_mcp.llm.registry import BUILT_IN, language_model


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_a_vendor_alone_is_its_default_model(vendor: Vendor) -> None:
    model = language_model(vendor.name, api_key=KEY)
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
    assert language_model(name, api_key=KEY).model == model


def test_a_model_the_user_chose_is_used_even_if_it_is_dead() -> None:
    assert language_model("groq/llama-3.3-70b-versatile", api_key=KEY).model == "llama-3.3-70b-versatile"


def test_an_unknown_vendor_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError) as caught:
        language_model("skynet")
    assert all(name in caught.value.message for name in BUILT_IN)


def test_a_missing_key_is_a_matter_of_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        language_model("openai")


def test_a_setting_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="volume"):
        language_model("openai", api_key=KEY, volume=11)


def test_a_vendor_of_another_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_llm.py").write_text(
        "class AcmeLLM:\n    def __init__(self, model='m'):\n        self.model = model\n"
    )
    metadata = tmp_path / "acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[patter_mcp.llm]\nacme = acme_llm:AcmeLLM\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert language_model("acme/large").model == "large"
    with pytest.raises(ConfigError, match="acme"):
        language_model("skynet")


def test_no_vendors_sdk_is_imported_before_its_first_use() -> None:
    names = [name for name in BUILT_IN if name not in ("rules", "openai-compatible")]
    program = (
        "import sys; from patter_mcp.llm.registry import language_model\n"
        f"for name in {names}: language_model(name, api_key='k')\n"
        "print([name for name in ('openai', 'anthropic', 'httpx', 'numpy') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
