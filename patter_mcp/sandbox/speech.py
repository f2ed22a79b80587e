"""The callees' voice and hearing: espeak-ng and pocketsphinx, with nothing downloaded and no account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

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
        missing: defaultdict[str, list[Spoken]] = defaultdict(list)
        for line in lines:
            if (line, words_per_minute) not in self._kept:
                missing[line.voice].append(line)
        for voice, unspoken in missing.items():
            async with EspeakTTS(words_per_minute=words_per_minute).open(TtsOptions(voice=voice)) as stream:
                for line in unspoken:
                    self._kept[line, words_per_minute] = await _sound(stream, line.text)
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
