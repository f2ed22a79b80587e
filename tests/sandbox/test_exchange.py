"""The simulated network in this process, many times faster than life, against a real websocket server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from agent_end import AgentEnd, agent_end
from coded_speech import BrokenSpeech, CodedSpeech, NoSpeech, agent_audio, line_audio
from virtual_phone import write_scenario

from patter_mcp.audio.tones import dtmf
from patter_mcp.sandbox.callee import spoken_lines
from patter_mcp.sandbox.exchange import Exchange, ExchangeCall, Speech, open_exchange
from patter_mcp.sandbox.orders import News, Order
from patter_mcp.sandbox.scenario_file import load_scenario
from patter_mcp.types import CallState, EndReason

pytestmark = pytest.mark.anyio
SPEED = 10.0

PERSON = """
    ring_sec = 1
    greeting = "Hello, the shop."
    [[step]]
    listen = true
    [[step]]
    say = "What day?"
    [[step]]
    listen = true
    [[step]]
    hang_up = true
"""


class Dialed:
    """A call and the news of it."""

    def __init__(self, agent: AgentEnd, path: Path) -> None:
        self.agent = agent
        self.scenario = load_scenario(path)
        self.news: list[News] = []
        self.rang = anyio.Event()
        self.ended = anyio.Event()
        self.call: ExchangeCall

    @property
    def states(self) -> list[CallState]:
        return [news.state for news in self.news]

    async def rings(self) -> None:
        with anyio.fail_after(20):
            await self.rang.wait()

    async def end(self) -> News:
        with anyio.fail_after(20):
            await self.ended.wait()
        return self.news[-1]

    def code_of(self, line: str) -> bytes:
        return next(
            audio[:1] for spoken, audio in line_audio(spoken_lines(self.scenario)).items() if spoken.text == line
        )

    def place(self, exchange: Exchange, *, speech: Speech, path: str, ring: float, limit: float) -> None:
        order = Order(
            carrier_id="CA1",
            scenario_path=str(self.scenario.path),
            stream_url=self.agent.url + path,
            ring_timeout_sec=ring,
            time_limit_sec=limit,
            speech="",
            speed=SPEED,
        )
        self.call = exchange.dial(order, self.scenario, speech, self._told)

    def _told(self, news: News) -> None:
        self.news.append(news)
        if news.state is CallState.RINGING:
            self.rang.set()
        if news.state is CallState.ENDED:
            self.ended.set()


@asynccontextmanager
async def dialed(
    directory: Path,
    text: str,
    *,
    speech: Speech | None = None,
    path: str = "/media",
    ring: float = 30,
    limit: float = 120,
) -> AsyncGenerator[Dialed]:
    scenario = write_scenario(directory, text)
    async with agent_end() as agent, open_exchange() as exchange:
        call = Dialed(agent, scenario)
        call.place(exchange, speech=speech or CodedSpeech(), path=path, ring=ring, limit=limit)
        yield call


async def test_a_call_rings_is_answered_and_speaks_the_protocol_in_order(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        leg = await call.agent.leg()
        await leg.until(lambda leg: call.code_of("Hello, the shop.") in leg.audio)
        await leg.until(lambda leg: leg.audio.endswith(b"\xff"))
        await leg.say(agent_audio("goodbye"))
        await call.end()
        await leg.gone()
    assert call.states == [CallState.DIALING, CallState.RINGING, CallState.IN_PROGRESS, CallState.ENDED]
    assert leg.events[:3] == ["connected", "start", "media"]
    assert leg.raw[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start = leg.raw[1]["start"]
    assert start["callSid"] == "CA1"
    assert start["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    numbered = leg.raw[1:]
    assert [message["sequenceNumber"] for message in numbered] == [str(n) for n in range(1, len(numbered) + 1)]
    assert {message["streamSid"] for message in numbered} == {start["streamSid"]}
    media = [message["media"] for message in leg.raw if message["event"] == "media"]
    for n, part in enumerate(media):
        assert (part["chunk"], part["timestamp"]) == (str(n + 1), str(20 * n))
    assert leg.events[-1] == "stop"
    assert leg.close_code == 1000


async def test_the_callee_answers_what_it_hears_over_the_line_and_hangs_up(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        leg = await call.agent.leg()
        await leg.say(agent_audio("hello"))
        await leg.until(lambda leg: call.code_of("What day?") in leg.audio)
        await leg.say(agent_audio("tomorrow at four"))
        end = await call.end()
    assert call.code_of("Hello, the shop.") not in leg.audio
    assert (end.reason, end.detail) == (EndReason.USER_HUNG_UP, "")


async def test_a_mark_comes_back_once_what_was_before_it_has_played(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        leg = await call.agent.leg()
        await leg.mark("at once")
        await leg.say(agent_audio("hello")[:3200])
        await leg.mark("after 400 ms")
        await leg.until(lambda leg: len(leg.marks) == 2)
        order = [message.get("mark", {}).get("name") for message in leg.raw if message["event"] in ("mark", "media")]
    assert leg.marks == ["at once", "after 400 ms"]
    between = order[order.index("at once") + 1 : order.index("after 400 ms")]
    assert 20 <= len(between) <= 24


async def test_clear_drops_what_is_queued_and_returns_all_marks(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        leg = await call.agent.leg()
        await leg.until(lambda leg: call.code_of("Hello, the shop.") in leg.audio)
        await leg.until(lambda leg: leg.audio.endswith(b"\xff"))
        await leg.say(agent_audio("hello") * 60)
        await leg.mark("a")
        await leg.say(agent_audio("hello"))
        await leg.mark("b")
        so_far = len(leg.audio)
        await leg.until(lambda leg: len(leg.audio) > so_far + 8000)
        assert leg.marks == []
        await leg.clear()
        await leg.until(lambda leg: leg.marks == ["a", "b"])
        await leg.until(lambda leg: call.code_of("What day?") in leg.audio)
        await leg.mark("c")
        await leg.until(lambda leg: leg.marks == ["a", "b", "c"])


async def test_what_the_network_cannot_read_it_discards(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        leg = await call.agent.leg()
        for junk in (
            b"\x00\x01", "",
            "[]", "{", '{"event":"media"}', '{"event":"clear","streamSid":"other"}', '{"event":"mark"}',
            json.dumps({"event": "media", "streamSid": leg.raw[1]["streamSid"], "media": {"payload": "!"}}),
        ):  # fmt: skip
            await leg.send_raw(junk)
        await leg.mark("still here")
        await leg.until(lambda leg: leg.marks == ["still here"])


async def test_busy_refused_and_unanswered_calls_have_no_media(tmp_path: Path) -> None:
    ends: list[tuple[list[CallState], EndReason | None]] = []
    for text in (
        'answer = "busy"', 'answer = "fails"', 'answer = "no-answer"\nring_sec = 1', PERSON.replace("= 1", "= 60"),
    ):  # fmt: skip
        async with dialed(tmp_path, text, ring=3) as call:
            end = await call.end()
            ends.append((call.states[1:], end.reason))
            assert call.agent.legs == {}
    assert ends == [
        ([CallState.ENDED], EndReason.BUSY),
        ([CallState.ENDED], EndReason.DIAL_FAILED),
        ([CallState.RINGING, CallState.ENDED], EndReason.NO_ANSWER),
        ([CallState.RINGING, CallState.ENDED], EndReason.NO_ANSWER),
    ]


async def test_hanging_up_while_it_rings_cancels_the_call(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON.replace("= 1", "= 60"), ring=90) as call:
        await call.rings()
        call.call.hang_up()
        assert (await call.end()).reason is EndReason.CANCELED


async def test_hanging_up_in_the_call_stops_the_stream_in_good_order(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        leg = await call.agent.leg()
        call.call.hang_up()
        assert (await call.end()).reason is EndReason.USER_HUNG_UP
        await leg.gone()
    assert leg.events[-1] == "stop"
    assert leg.close_code == 1000


async def test_the_network_ends_a_call_at_its_time_limit(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON, limit=2) as call:
        leg = await call.agent.leg()
        end = await call.end()
        await leg.gone()
    assert end.reason is EndReason.USER_HUNG_UP
    assert "time limit" in end.detail
    assert leg.events[-1] == "stop"


async def test_a_dropped_line_closes_the_socket_without_a_word(tmp_path: Path) -> None:
    text = 'greeting = "I was about to say"\n[[step]]\ndrop = true'
    async with dialed(tmp_path, text) as call:
        leg = await call.agent.leg()
        end = await call.end()
        await leg.gone()
    assert end.reason is EndReason.MEDIA_LOST
    assert "stop" not in leg.events
    assert leg.close_code == 1006


async def test_an_agent_that_closes_the_stream_ends_the_call(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        leg = await call.agent.leg()
        await leg.close()
        end = await call.end()
    assert end.reason is EndReason.USER_HUNG_UP
    assert "agent" in end.detail


async def test_a_stream_that_cannot_be_opened_is_a_lost_line(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as call:
        call.agent.url = ""
    async with dialed(tmp_path, PERSON, path=":1/nobody") as call:
        end = await call.end()
    assert end.reason is EndReason.MEDIA_LOST


MENU = """
    callee = "machine"
    [[step]]
    say = "Dial one."
    [[step]]
    expect_digits = { "12" = "right" }
    wrong = "bad"
    [[scene.right]]
    press_keys = "9#"
    [[scene.right]]
    say = "Right."
    [[scene.bad]]
    say = "Wrong."
"""


@pytest.mark.parametrize("in_band", [True, False])
async def test_digits_go_both_ways(tmp_path: Path, in_band: bool) -> None:
    async with dialed(tmp_path, MENU) as call:
        leg = await call.agent.leg()
        await leg.until(lambda leg: call.code_of("Dial one.") in leg.audio)
        if in_band:
            await leg.say(dtmf("1w2"))
        else:
            call.call.press("1w2")
        await leg.until(lambda leg: call.code_of("Right.") in leg.audio)
        await call.end()
    assert leg.digits == ["9", "#"]


async def test_without_a_voice_the_call_is_not_placed(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON, speech=NoSpeech()) as call:
        end = await call.end()
    assert (end.reason, end.detail) == (EndReason.DIAL_FAILED, "There is no voice; install one.")


async def test_one_calls_fault_is_told_and_leaves_the_others_alone(tmp_path: Path) -> None:
    async with dialed(tmp_path, PERSON) as good, open_exchange() as exchange:
        bad = Dialed(good.agent, write_scenario(tmp_path, PERSON))
        bad.place(exchange, speech=BrokenSpeech(), path="/bad", ring=30, limit=60)
        assert (await bad.end()).reason is EndReason.MEDIA_LOST
        await good.agent.leg()


async def test_ten_calls_at_once_are_kept_apart(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, PERSON.replace('greeting = "Hello, the shop."', ""))
    async with agent_end() as agent, open_exchange() as exchange:
        calls = [Dialed(agent, scenario) for _ in range(10)]
        for number, call in enumerate(calls):
            call.place(exchange, speech=CodedSpeech(), path=f"/{number}", ring=30, limit=120)
        legs = [await agent.leg(f"/{number}") for number in range(10)]
        for leg in legs[::2]:
            await leg.say(agent_audio("hello"))
        what_day = calls[0].code_of("What day?")
        for leg in legs[::2]:
            await leg.until(lambda leg: what_day in leg.audio)
        assert all(what_day not in leg.audio for leg in legs[1::2])
        for call in calls:
            call.call.hang_up()
            assert (await call.end()).reason is EndReason.USER_HUNG_UP
