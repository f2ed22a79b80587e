"""Recognition without an account: pocketsphinx with a language model of our own, in a helper program.

The import of it costs nothing; `decoder.UtteranceDecoder` is the recogniser for a program that needs no helper.
"""

from patter_mcp.stt.pocketsphinx.decoder import INSTALL_HINT, UtteranceDecoder, installed
from patter_mcp.stt.pocketsphinx.stream import PocketsphinxSTT

__all__ = ["INSTALL_HINT", "PocketsphinxSTT", "UtteranceDecoder", "installed"]
