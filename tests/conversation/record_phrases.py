"""Makes the recordings in `patter_mcp/conversation/prerecorded` anew, with the embedded voice (`patter-mcp[sandbox]`).

From the root of the repository, after a phrase was changed or a language added:

    python tests/conversation/record_phrases.py
"""

from __future__ import annotations

import anyio

from patter_mcp.audio.frame import ULAW_SILENCE
from patter_mcp.conversation.phrases import LANGUAGES
from patter_mcp.conversation.prerecorded import RECORDED, path_of, text_of
from patter_mcp.conversation.spoken import speakable
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.espeak import EspeakTTS


async def spoken(text: str, language: str) -> bytes:
    """Mono μ-law at 8 kHz, without the silence around it."""
    async with EspeakTTS().open(TtsOptions(language=language)) as voice:
        utterance = voice.utterance()
        utterance.feed(speakable(text, language))
        utterance.end()
        audio = b"".join([speech.audio async for speech in utterance])
    return audio.strip(bytes((ULAW_SILENCE,)))


async def record_all() -> None:
    for language in LANGUAGES:
        for name in RECORDED:
            path_of(name, language).write_bytes(await spoken(text_of(name, language), language))


if __name__ == "__main__":
    anyio.run(record_all)
