"""The voice without an account, through its helper program."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys

import anyio
import pytest
from helper_processes import child_processes, needs_proc
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.audio import g711
from patter_mcp.errors import ProviderConnectionError, ProviderError
from patter_mcp.tts import espeak
from patter_mcp.tts.base import Speech, TtsOptions, Utterance
from patter_mcp.tts.espeak import EspeakTTS
from patter_mcp.tts.espeak.stream import pieces

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not espeak.installed(), reason="needs espeak-ng"),
]


async def spoken(utterance: Utterance) -> list[Speech]:
    with anyio.fail_after(10):
        return [speech async for speech in utterance]


def loud(audio: bytes) -> bool:
    samples = struct.unpack(f"<{len(audio)}h", g711.decode(audio))
    return max(map(abs, samples), default=0) > 3000


def quiet_ms(audio: bytes) -> int:
    """How long it is silent before it begins."""
    return (len(audio) - len(audio.lstrip(b"\xff\x7f"))) // 8


async def test_each_piece_fed_comes_back_as_audio_with_the_characters_spoken_so_far() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        utterance.feed("Good evening.")
        utterance.feed(" For how many people?")
        utterance.end()
        first, second = await spoken(utterance)
        assert stream.characters == 34
    assert (first.text_chars, second.text_chars) == (13, 34)
    assert loud(first.audio)
    assert loud(second.audio)
    assert 500 < len(first.audio) / 8 < 1500, "a plausible length for two words"


async def test_there_is_a_breath_between_sentences_and_none_before_the_first() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        for piece in ('Well."', " I see,", " and then", " you left."):
            utterance.feed(piece)
        utterance.end()
        first, after_stop, after_comma, after_nothing = [quiet_ms(s.audio) for s in await spoken(utterance)]
    assert first < 60
    assert 250 < after_stop < 400
    assert 100 < after_comma < 220
    assert after_nothing < 100


async def test_speech_begins_before_the_text_has_ended() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        utterance.feed("One moment please.")
        with anyio.fail_after(5):
            assert loud((await anext(aiter(utterance))).audio)
        utterance.feed(" I am looking.")
        utterance.end()
        assert len(await spoken(utterance)) == 1


async def test_an_utterance_without_text_is_over_at_once() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        utterance.feed("")
        utterance.end()
        assert await spoken(utterance) == []


async def test_marks_and_control_characters_are_not_its_undoing() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        for piece in ("...", "\0", "🙂 <b>bold</b> & café", "\ud800"):
            utterance.feed(piece)
        utterance.end()
        speech = await spoken(utterance)
    assert len(speech) == 4
    assert loud(speech[2].audio)


async def test_cancelling_yields_nothing_more_and_the_next_utterance_is_whole() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        dropped = stream.utterance()
        for _ in range(50):
            dropped.feed("This is a sentence that nobody wants to hear to its end.")
        await anext(aiter(dropped))
        dropped.cancel()
        assert await spoken(dropped) == []
        counted = stream.characters
        dropped.feed("Not this either.")
        assert await spoken(dropped) == []
        assert stream.characters == counted
        kept = stream.utterance()
        kept.feed("But this.")
        kept.end()
        assert len(await spoken(kept)) == 1


async def test_cancelling_wakes_whoever_waits_for_audio() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(spoken, utterance)
            await anyio.wait_all_tasks_blocked()
            utterance.cancel()


async def test_leaving_the_stream_ends_what_is_being_spoken() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        utterance.feed("Hello.")
    assert await spoken(utterance) == []


async def test_sixteen_calls_speak_at_once_each_its_own_words() -> None:
    lengths: dict[int, list[int]] = {}

    async def call(number: int) -> None:
        async with EspeakTTS(voice=("en-us", "en-us+f2")[number % 2]).open(TtsOptions()) as stream:
            utterance = stream.utterance()
            for repeats in range(1, 4):
                utterance.feed("seven " * (repeats * (1 + number % 8)))
            utterance.end()
            lengths[number] = [len(speech.audio) for speech in await spoken(utterance)]

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(call, number)
    for number, per_piece in lengths.items():
        ms_per_word = [length / 8 / (repeats * (1 + number % 8)) for repeats, length in enumerate(per_piece, 1)]
        assert len(ms_per_word) == 3
        assert all(200 < ms < 600 for ms in ms_per_word)


async def test_voice_rate_and_language_are_the_calls_own() -> None:
    async def length(tts: EspeakTTS, options: TtsOptions) -> int:
        async with tts.open(options) as stream:
            utterance = stream.utterance()
            utterance.feed("hello")
            utterance.end()
            return sum(len(speech.audio) for speech in await spoken(utterance))

    plain = await length(EspeakTTS(), TtsOptions())
    assert await length(EspeakTTS(words_per_minute=320), TtsOptions()) < plain * 0.75
    german = await length(EspeakTTS(), TtsOptions(language="de"))
    assert german == pytest.approx(await length(EspeakTTS(), TtsOptions(voice="de")), rel=0.03)
    assert german != pytest.approx(plain, rel=0.1)
    assert await length(EspeakTTS(), TtsOptions(language="de-AT")) == pytest.approx(german, rel=0.03)


async def test_a_voice_it_does_not_have_is_refused_while_the_phone_rings() -> None:
    with pytest.raises(ProviderError, match="no voice 'nobody'") as caught:
        async with EspeakTTS().open(TtsOptions(voice="nobody")):
            pytest.fail("it opened")
    assert caught.value.provider == "espeak"


WITHOUT_ESPEAK = """
import anyio, ctypes.util, importlib.util, os
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.espeak import EspeakTTS

importlib.util.find_spec = ctypes.util.find_library = lambda name: None
os.environ["PATH"] = ""

async def main():
    async with EspeakTTS().open(TtsOptions()):
        pass

try:
    anyio.run(main)
except Exception as error:
    print(repr(error))
"""


def test_without_espeak_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ESPEAK], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.startswith("ProviderError(")
    assert "pip install 'patter-mcp[sandbox]'" in done.stdout


@needs_proc
async def test_when_the_helper_dies_speech_fails_and_so_does_what_follows_but_not_the_next_call() -> None:
    async with EspeakTTS().open(TtsOptions()) as stream:
        cut_short = stream.utterance()
        cut_short.feed("Hello.")
        await anext(aiter(cut_short))
        (helper,) = child_processes("patter_mcp.tts.espeak")
        os.kill(helper, signal.SIGKILL)
        with pytest.raises(ProviderConnectionError):
            await spoken(cut_short)
        with pytest.raises(ProviderConnectionError):
            await spoken(stream.utterance())
    async with EspeakTTS().open(TtsOptions()) as stream:
        utterance = stream.utterance()
        utterance.feed("Hello again.")
        utterance.end()
        assert len(await spoken(utterance)) == 1


@needs_proc
def test_the_library_is_not_loaded_into_our_process() -> None:
    code = (
        "import anyio\n"
        "from patter_mcp.tts.base import TtsOptions\n"
        "from patter_mcp.tts.espeak import EspeakTTS\n"
        "async def main():\n"
        "    async with EspeakTTS().open(TtsOptions()) as stream:\n"
        "        utterance = stream.utterance(); utterance.feed('hi'); utterance.end()\n"
        "        assert [speech async for speech in utterance]\n"
        "anyio.run(main)\n"
        "assert 'espeak-ng' not in open('/proc/self/maps').read()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


@given(st.text(st.sampled_from("ab ,.?\n"), max_size=900))
def test_long_text_is_cut_into_pieces_that_make_up_the_whole(text: str) -> None:
    cut = pieces(text)
    assert "".join(cut) == text
    assert all(0 < len(piece) <= 240 for piece in cut)


def test_text_is_cut_where_a_speaker_would_breathe() -> None:
    sentence = "word " * 30 + "end. "
    assert pieces(sentence * 3) == [sentence, sentence, sentence]
    clause = "word " * 30 + "end, "
    assert pieces(clause * 2) == [clause, clause]
