"""The voice detector to use when nobody names one."""

from __future__ import annotations

import functools
import logging

from patter_mcp.vad import silero
from patter_mcp.vad.base import VoiceDetector
from patter_mcp.vad.energy import EnergyDetector

logger = logging.getLogger(__name__)


@functools.cache
def default_detector() -> VoiceDetector:
    """Silero's where it is installed, else by loudness, which is said once. The same one for all calls."""
    if silero.installed():
        return silero.SileroDetector()
    logger.warning("Voices are told from noise by loudness only; run `pip install 'patter-mcp[vad]'` for better")
    return EnergyDetector()
