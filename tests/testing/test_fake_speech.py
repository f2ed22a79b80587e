"""The fakes themselves: exact in what they hear, sing and when. Vendors' tests show that they speak the protocols."""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.audio.frame import silence
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript, sing
from patter_mcp.testing.speech.hearing import Hearing, Words
from patter_mcp.testing.speech.singing import CHAR_BYTES, CHAR_MS, Performance, note
from patter_mcp.websocket import Closed, connect

pytestmark = pytest.mark.anyio


@dataclass
class VirtualTime:
    now: float = 0.0
    due: list[tuple[float, int, Callable[[], None]]] = field(
        default_factory=list[tuple[float, int, Callable[[], None]]]
    )
    count: int = 0

    def at(self, instant: float, callback: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.due, (instant, self.count, callback))

    def run(self) -> None:
        while self.due:
            self.now, _, callback = heapq.heappop(self.due)
            callback()


def perform(timing: Timing, *texts: str) -> list[tuple[float, str]]:
    """When which characters came; `.` marks the end of a text."""
    time = VirtualTime()
    heard: list[tuple[float, str]] = []
    performance = Performance(timing, time.at, lambda: time.now, lambda chars: heard.append((time.now, chars)))
    for text in texts:
        performance.sing(text, then=lambda: heard.append((time.now, ".")))
    time.run()
    return heard


def test_the_first_sound_comes_exactly_when_it_should_and_the_rest_at_its_pace() -> None:
    timing = Timing(first_byte_ms=100, chunk_chars=5, speed=CHAR_MS * 5 / 100)
    assert perform(timing, "abcdefghijkl") == [
        (pytest.approx(0.1), "abcde"),
        (pytest.approx(0.2), "fghij"),
        (pytest.approx(0.3), "kl"),
        (pytest.approx(0.3), "."),
    ]


def test_texts_follow_each_other_and_a_text_that_is_ready_does_not_wait_again() -> None:
    timing = Timing(first_byte_ms=100, chunk_chars=5, speed=CHAR_MS * 5 / 100)
    heard = perform(timing, "abcde", "fgh")
    assert [chars for _, chars in heard] == ["abcde", ".", "fgh", "."]
    assert heard[2][0] == pytest.approx(0.2)


def test_a_performance_that_was_stopped_is_silent() -> None:
    time = VirtualTime()
    heard: list[str] = []
    performance = Performance(Timing(), time.at, lambda: time.now, heard.append)
    performance.sing("abc", then=lambda: heard.append("."))
    performance.stop()
    time.run()
    assert heard == []


def test_every_character_has_a_sound_of_its_own_and_60_ms() -> None:
    printable = [chr(code) for code in range(33, 127)]
    assert len({note(char) for char in printable}) == len(printable)
    assert all(len(note(char)) == CHAR_BYTES == 480 for char in printable)
    assert sing("a b") == note("a") + silence(60) + note("b")


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=12), st.integers(1, 2000))
def test_speech_is_heard_to_the_frame_however_the_audio_is_cut(stretches: list[tuple[bool, int]], size: int) -> None:
    audio = b"".join(sing("a" * 10)[:160] * count if loud else silence(20 * count) for loud, count in stretches)
    whole, cut = Hearing(), Hearing()
    for _ in whole.hear(audio):
        pass
    size -= size % 160
    for start in range(0, len(audio), size or 160):
        for _ in cut.hear(audio[start : start + (size or 160)]):
            pass
    assert whole == cut
    loud_frames = [index for index in range(len(audio) // 160) if audio[index * 160 :][:160] != silence(20)]
    if loud_frames:
        assert whole.started_ms == loud_frames[0] * 20
        assert whole.voice_end_ms == (loud_frames[-1] + 1) * 20


def test_words_are_revealed_as_time_goes_by_and_settled_once() -> None:
    words = Words("one two|three four five", ms_per_word=100)
    assert [words.heard(ms) for ms in (0, 120, 250)] == ["one", "one two", "one two"]
    assert not words.segment_is_over(200)
    assert words.segment_is_over(210)
    assert words.settle_segment() == "one two"
    assert words.heard(320) == "three four"
    assert words.settle_rest() == "three four five"
    assert words.settle_rest() == words.heard(900) == ""
    assert words.all() == "one two three four five"


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=1, speed=1000)))
    async with fake.run():
        yield fake


class Recorder:
    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.closes: list[Closed] = []
        self.ended = anyio.Event()

    def received(self, message: str | bytes) -> None:
        self.messages.append(message)

    def closed(self, close: Closed) -> None:
        self.closes.append(close)
        self.ended.set()


@pytest.mark.parametrize(
    ("path", "messages", "close"),
    [
        ("/v1/listen?endpointing=300", ['{"type":"Speak","text":"x"}'], Closed(1008, "DATA-0000")),
        ("/v1/listen?endpointing=300", ['{"type":"CloseStream"}'], Closed(1000)),
        ("/v1/speak", ['{"type":"KeepAlive"}'], Closed(1008, "DATA-0000")),
        ("/v1/speak", ['{"type":"Close"}'], Closed(1000)),
        (
            "/v1/text-to-speech/x/multi-stream-input?auto_mode=true",
            [f'{{"text":" ","context_id":"{number}"}}' for number in range(6)],
            Closed(1008, "max_active_conversations"),
        ),
        (
            "/v1/text-to-speech/x/multi-stream-input?auto_mode=true",
            ['{"text":"no space","context_id":"1"}'],
            Closed(1008, "text must end with a space"),
        ),
        (
            "/v1/text-to-speech/x/stream-input",
            ['{"text":" "}', '{"text":"Hello. "}', '{"text":""}'],
            Closed(1000),
        ),
    ],
)
async def test_the_vendors_rules_are_enforced(
    vendors: FakeSpeech, path: str, messages: list[str], close: Closed
) -> None:
    heard = Recorder()
    socket = await connect(vendors.url.replace("http", "ws") + path, heard)
    for message in messages:
        socket.send(message)
    with anyio.fail_after(5):
        await heard.ended.wait()
    await socket.aclose()
    assert heard.closes == [close]


async def test_a_single_context_ends_with_its_text(vendors: FakeSpeech) -> None:
    heard = Recorder()
    socket = await connect(vendors.url.replace("http", "ws") + "/v1/text-to-speech/x/stream-input", heard)
    for message in ('{"text":" "}', '{"text":"Hi. "}', '{"text":""}'):
        socket.send(message)
    with anyio.fail_after(5):
        await heard.ended.wait()
    await socket.aclose()
    assert ['"chars": ["H", "i", ".", " "]' in str(message) for message in heard.messages] == [True, False]
    assert heard.messages[-1] == '{"isFinal": true}'


async def test_requests_over_one_connection_are_answered_one_after_the_other(vendors: FakeSpeech) -> None:
    async with httpx2.AsyncClient(base_url=vendors.openai_url, trust_env=False) as client:
        for text in ("a", "bc"):
            body = {"input": text, "response_format": "pcm"}
            answer = await client.post("/audio/speech", json=body)
            assert len(answer.content) == len(text) * 60 * 24 * 2
        assert (await client.post("/audio/speech", json={"input": "a"})).status_code == 400
        assert (await client.get("/nothing/here")).status_code == 404
        assert (await client.get("/models/tts-1")).json()["id"] == "tts-1"
    assert vendors.server.sockets_ever == 1


async def test_refusals_are_for_the_next_ones_only(vendors: FakeSpeech) -> None:
    vendors.faults.refuse(503, "busy", times=2)
    async with httpx2.AsyncClient(base_url=vendors.openai_url, trust_env=False) as client:
        assert [(await client.get("/models/x")).status_code for _ in range(3)] == [503, 503, 200]
