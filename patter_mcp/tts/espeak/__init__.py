"""Speech without an account: espeak-ng, which runs in a helper program because it is GPL-3.0 and not thread-safe."""

from patter_mcp.tts.espeak.library import INSTALL_HINT, installed
from patter_mcp.tts.espeak.stream import EspeakTTS

__all__ = ["INSTALL_HINT", "EspeakTTS", "installed"]
