"""The callees' voice and hearing: espeak-ng and pocketsphinx, with nothing downloaded and no account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from patter_mcp.errors import ConfigError
from patter_mcp.sandbox.callee import Spoken
from patter_mcp.sandbox.hearing import Recogniser
from patter_mcp.stt.pocketsphinx import decoder
from patter_mcp.tts.base import TtsOptions, TtsStream
from patter_mcp.tts.espeak import EspeakTTS

AGENT_FILL = 0.005
"""The agent's voice is synthetic: noise at this share of full scale mends what the recogniser misses in it."""


class EmbeddedSpeech:
    """Shared by all calls of a process; a line once spoken is kept."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Spoken, int], bytes] = {}

    async def speak(self, lines: Sequence[Spoken], words_per_minute: int) -> Mapping[Spoken, bytes]:
        missing = [line for line in lines if (line, words_per_minute) not in self._kept]
        tts = EspeakTTS(words_per_minute=words_per_minute)
        async with AsyncExitStack() as stack:
            streams = {
                voice: await stack.enter_async_context(tts.open(TtsOptions(voice=voice)))
                for voice in {line.voice for line in missing}
            }
            for line in missing:
                self._kept[line, words_per_minute] = await _sound(streams[line.voice], line.text)
        return {line: self._kept[line, words_per_minute] for line in lines}

    def recogniser(self, phrases: Sequence[str]) -> Recogniser:
        if not decoder.installed():
            raise ConfigError(decoder.INSTALL_HINT)
        return decoder.UtteranceDecoder(phrases, AGENT_FILL)


async def _sound(stream: TtsStream, text: str) -> bytes:
    utterance = stream.utterance()
    utterance.feed(text)
    utterance.end()
    return b"".join([speech.audio async for speech in utterance])
