"""The built-in scenarios with the voices and the recogniser they are made for, at the speed of the machine.

Nothing here knows an agent: several people's ways of wording the same request are played to each callee.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from random import Random

import anyio
import pytest

from patter_mcp.audio.frame import FRAME_BYTES, FRAME_MS, silence
from patter_mcp.audio.tones import BeepDetector, DtmfDetector, dtmf
from patter_mcp.sandbox.callee import Callee, Spoken, listened_phrases, spoken_lines
from patter_mcp.sandbox.hearing import Ear
from patter_mcp.sandbox.matching import words
from patter_mcp.sandbox.scenario import Scenario
from patter_mcp.sandbox.scenario_file import load_scenarios
from patter_mcp.sandbox.speech import AGENT_FILL, EmbeddedSpeech
from patter_mcp.stt.pocketsphinx import decoder
from patter_mcp.tts import espeak
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.espeak import EspeakTTS

pytestmark = pytest.mark.skipif(
    not (espeak.installed() and decoder.installed()), reason="needs espeak-ng and pocketsphinx"
)
SPEECH = EmbeddedSpeech()
SCENARIOS = {scenario.path.stem: scenario for scenario in load_scenarios().values()}
SPOKEN = [scenario for scenario in SCENARIOS.values() if scenario.answer == "answers"]


def sounds(lines: Sequence[Spoken], words_per_minute: int = 160) -> dict[Spoken, bytes]:
    return dict(anyio.run(SPEECH.speak, lines, words_per_minute))


@pytest.fixture(autouse=True, scope="module")
def everything_is_spoken_at_once() -> None:
    """Starting the synthesiser is the slow part of it."""
    said_by_agents = [Spoken(text, "en-us") for _, texts, _ in CONVERSATIONS.values() for text in texts]

    async def speak() -> None:
        async with EspeakTTS().open(TtsOptions()):
            await SPEECH.speak([line for line in said_by_agents if line.text and line.text[0] != "#"], 160)
            for scenario in SPOKEN:
                await SPEECH.speak(spoken_lines(scenario), scenario.words_per_minute)

    anyio.run(speak)


class Conversation:
    """The agent says its lines one after the other, each when the callee has finished.

    `#1` presses a key, an empty line lets the callee go on.
    """

    def __init__(self, scenario: Scenario, agent_lines: Sequence[str], voice: str = "en-us") -> None:
        self._lines = sounds(spoken_lines(scenario), scenario.words_per_minute)
        self._agent = sounds([Spoken(text, voice) for text in agent_lines if text and not text.startswith("#")])
        self._agent[Spoken("", voice)] = b""
        self._voice = voice
        ear = Ear(SPEECH.recogniser(listened_phrases(scenario)))
        self.callee = Callee(scenario, self._lines, ear, Random(1))
        self.sound = bytearray()
        for text in agent_lines:
            self._play(dtmf(text[1:]) if text.startswith("#") else self._agent[Spoken(text, voice)])
            self._until_its_turn_is_over()
        self._until_ended()

    @property
    def said(self) -> list[str]:
        """The callee's lines, in order; broken-off ones too."""
        found: list[tuple[int, str]] = []
        for line, audio in self._lines.items():
            start = self.sound.find(audio[:4000])
            while start >= 0:
                found.append((start, line.text))
                start = self.sound.find(audio[:4000], start + 1)
        return [text for _, text in sorted(found)]

    def _play(self, audio: bytes) -> None:
        for start in range(0, len(audio), FRAME_BYTES):
            self._tick(audio[start : start + FRAME_BYTES])

    def _until_its_turn_is_over(self) -> None:
        begin, quiet_ms = len(self.sound), 0
        while self.callee.ended is None and (quiet_ms < 600 or not self.sound[begin:].strip(silence(1))):
            self._tick(b"")
            quiet_ms = 0 if self.sound[-FRAME_BYTES:].strip(silence(1)) else quiet_ms + FRAME_MS

    def _until_ended(self) -> None:
        while self.callee.ended is None:
            self._tick(b"")

    def _tick(self, frame: bytes) -> None:
        self.sound += self.callee.tick(frame.ljust(FRAME_BYTES, silence(1)[:1]))


CONVERSATIONS = {
    "a counter-offer is taken and read back": (
        "barber",
        [
            "Hello, this is an automated assistant calling for Alex. Could I book a haircut for tomorrow at four?",
            "Yes, five o'clock works.",
            "The name is Alex.",
            "Great. So that is five o'clock tomorrow. Is that right?",
            "Thank you, goodbye.",
        ],
        ["I have five o'clock free", "your name", "You are booked for five", "Yes, five", "Bye."],
    ),
    "a request comes piece by piece, with a question": (
        "barber",
        [
            "",
            "Hi there, I would like to make an appointment for a haircut please.",
            "Tomorrow at four in the afternoon please.",
            "How much does it cost?",
            "Okay, that would be great.",
            "Alex.",
        ],
        ["How can I help", "What day", "I have five o'clock free", "thirty dollars", "your name", "booked", "Goodbye."],
    ),
    "a counter-offer is declined": (
        "barber",
        [
            "Good morning. I am calling to book a beard trim on Friday around three in the afternoon.",
            "Unfortunately that does not work for us.",
        ],
        ["I have five o'clock free", "Another time then"],
    ),
    "the very time that is free": (
        "barber",
        ["", "Could you repeat that please?", "I would like to book a haircut for tomorrow at five o'clock."],
        ["How can I help", "How can I help", "Yes, five o'clock is free"],
    ),
    "no table, no other day, no waiting list": (
        "restaurant",
        [
            "Hello, this is an automated assistant. Could I book a table for two people for tomorrow evening?",
            "Okay.",
            "Do you have a table on another day?",
            "Do you have a waiting list?",
        ],
        ["One moment", "no table free", "all week", "waiting list", "Goodbye."],
    ),
    "an agent that talks on is interrupted": (
        "interrupter",
        [
            "Hello, this is an automated assistant calling with a message for Maria about a delivery. The delivery is "
            "going to arrive tomorrow at three, and I would like to know whether somebody is at home then.",
            "I am calling for Maria.",
            "It is tomorrow at three.",
            "Thank you. Goodbye.",
        ],
        ["Who are you calling for?", "What day is it?", "Tomorrow is fine"],
    ),
    "somebody asks who is calling": (
        "who-is-this",
        [
            "Hello, I am calling about a bicycle that was brought in for repair. Is it ready?",
            "This is the assistant of Alex.",
            "I would like to know whether the bike is ready.",
            "Until when can I pick it up?",
        ],
        ["Who is calling", "what is it about", "The bike is ready", "Until five o'clock."],
    ),
    "a menu is answered with a key": ("library-menu", ["#1"], ["nine to five"]),
    "a menu is answered wrong, then with a person": (
        "library-menu",
        ["", "#9", "#2", "", "Hello, what are your opening hours?", "Thank you, goodbye."],
        ["Thank you for calling", "dial one", "try again", "dial one", "connecting", "Hello, front", "nine to five"],
    ),
    "a line breaks": ("dropped", ["", "Hello, I would like to know what a new chain costs."], ["we can do that"]),
}  # fmt: skip


def assert_said_in_order(said: Sequence[str], parts: Sequence[str]) -> None:
    rest = iter(said)
    for part in parts:
        assert any(part in line for line in rest), f"{part!r} is missing or out of place in {said}"


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_callee_follows_what_the_agent_says(name: str) -> None:
    stem, agent_lines, expected = CONVERSATIONS[name]
    conversation = Conversation(SCENARIOS[stem], agent_lines)
    assert_said_in_order(conversation.said, expected)
    assert conversation.callee.ended == ("dropped" if stem == "dropped" else "hung-up"), conversation.callee.heard


def test_voicemail_speaks_beeps_records_and_hangs_up() -> None:
    message = "Hello, this is a message for Anna. The meeting on Friday is moved to two in the afternoon."
    conversation = Conversation(SCENARIOS["voicemail"], ["", message])
    assert conversation.said == [SCENARIOS["voicemail"].greeting]
    assert BeepDetector().feed(bytes(conversation.sound)) is not None


def test_the_silent_callee_stays_silent_for_a_minute() -> None:
    conversation = Conversation(SCENARIOS["silent"], [])
    assert conversation.sound.strip(silence(1)) == b""
    assert len(conversation.sound) >= 60 * 8000


NUMBERS = frozenset(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "thirty", "forty"])


def understood(line: Spoken, heard: str) -> bool:
    """Its numbers exactly, and most of the rest."""
    said, got = words(line.text), words(heard)
    numbers = [[word for word in text if word in NUMBERS] for text in (said, got)]
    return numbers[0] == numbers[1] and difflib.SequenceMatcher(a=said, b=got).ratio() >= 0.6


@pytest.mark.parametrize("scenario", SPOKEN, ids=lambda scenario: scenario.path.stem)
def test_lines_are_understood_by_the_agents_recogniser(scenario: Scenario) -> None:
    """espeak-ng never says a line twice in the same way: one that was misheard is spoken twice more."""
    lines = spoken_lines(scenario)
    ear = decoder.UtteranceDecoder(list({line.text: None for line in lines}), AGENT_FILL)
    heard: dict[Spoken, list[str]] = {line: [] for line in lines}
    for speech in (SPEECH, EmbeddedSpeech(), EmbeddedSpeech()):
        doubtful = [line for line in lines if not any(understood(line, text) for text in heard[line])]
        for line, audio in anyio.run(speech.speak, doubtful, scenario.words_per_minute).items():
            ear.feed(silence(400) + audio + silence(800))
            heard[line].append(ear.finish())
    misheard = {
        line.text: texts
        for line, texts in heard.items()
        if sum(understood(line, text) for text in texts) * 2 < len(texts) - 1
    }
    assert misheard == {}
    everything = " ".join(texts[-1] for texts in heard.values())
    assert [word for word in scenario.expect.heard if word not in everything] == []


def test_no_voice_is_taken_for_a_beep_or_a_key() -> None:
    for scenario in SPOKEN:
        beeps, keys = BeepDetector(), DtmfDetector()
        for line, audio in sounds(spoken_lines(scenario), scenario.words_per_minute).items():
            assert beeps.feed(audio + silence(100)) is None, line
            assert keys.feed(audio) == "", line
