"""Whole calls through Twilio: its API, its signed requests and its media streams, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
import httpx
import pytest
from twilio_phone import BYE, GREETING, LOUD, OURS, THEIRS, twilio_phone

from patter_mcp import Patter, Twilio
from patter_mcp.calls.call import Call
from patter_mcp.config import CallSettings, MediaSettings, Settings
from patter_mcp.errors import ConfigError, StoreError
from patter_mcp.events import Event
from patter_mcp.media.endpoint import CLAIMS_AT_ONCE
from patter_mcp.store.base import Claim, Refused, Write
from patter_mcp.store.memory import MemoryStore
from patter_mcp.testing.fake_twilio import (
    AUTH_FAILED,
    INVALID_NUMBER,
    SILENT_FRAME,
    TOO_MANY_REQUESTS,
    Callee,
    FakeCall,
    Fault,
    Plan,
)
from patter_mcp.types import CallState
from patter_mcp.websocket import HandshakeRefused, connect

pytestmark = pytest.mark.anyio


def hangs_up_after(frames: int) -> Callee:
    left = iter(range(frames))
    return lambda _: SILENT_FRAME if next(left, None) is not None else None


async def test_a_call_is_placed_answered_talked_through_and_ended() -> None:
    async with twilio_phone(script=[BYE]) as phone:
        call = await phone.calls.place(phone.request(goal="A table for two", max_duration_sec=60))
        network = await phone.greeted()
        await phone.user_says("Yes, of course.")
        result = await call.wait()
        await network.ended.wait()
    assert result.status == "completed"
    assert [line.text for line in result.transcript] == [GREETING, "Yes, of course.", "Goodbye."]
    assert result.metrics["outcome"] == {"goal_met": "yes", "summary": "Done."}
    assert result.metrics["end_reason"] == "agent-hung-up"
    assert not result.metrics["simulated"]
    assert (network.field("From"), network.field("To")) == (OURS, THEIRS)
    assert network.field("Timeout") == "30" and 60 < float(network.field("TimeLimit")) <= 90
    assert network.form["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert network.report_answers == [204, 204, 204, 204]
    assert network.heard.count(LOUD) == (len(GREETING) + len("Goodbye.")) * 60 * 8


async def test_the_public_library_takes_twilio_for_its_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    async with twilio_phone(Plan(outcome="busy")) as phone:
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", "12345678901234567890123456789012")
        monkeypatch.setenv("TWILIO_BASE_URL", phone.twilio.url)
        settings = Settings(store="memory:", phone_number=OURS, stt="pocketsphinx", llm="rules", tts="espeak")
        async with Patter(carrier=Twilio(), settings=settings) as library:
            result = await library.call(THEIRS, goal="x")
        assert result.status == "busy"
        assert phone.twilio.calls[0].field("From") == OURS


@pytest.mark.parametrize(
    ("plan", "status", "reason"),
    [
        (Plan(outcome="busy"), "busy", "busy"),
        (Plan(outcome="no-answer"), "no-answer", "no-answer"),
        (Plan(outcome="failed"), "failed", "dial-failed"),
        (Plan(ring_sec=60), "no-answer", "no-answer"),
    ],
)
async def test_nobody_answers(plan: Plan, status: str, reason: str) -> None:
    async with twilio_phone(plan, calls=CallSettings(ring_timeout_sec=0.6)) as phone:
        result = await phone.call()
    assert (result.status, result.metrics["end_reason"]) == (status, reason)
    assert (result.duration_seconds, result.transcript) == (0.0, ())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (INVALID_NUMBER, "not a valid phone number"),
        (AUTH_FAILED, "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        (TOO_MANY_REQUESTS, "Too Many Requests"),
        (Fault(status=400, code=21215, message="Not enabled"), "Geographic permissions"),
        (Fault(status=418, code=0, message=""), "HTTP status 418"),
    ],
)
async def test_a_refused_dial_is_a_failed_call_with_twilios_words_and_what_to_do(fault: Fault, words: str) -> None:
    async with twilio_phone() as phone:
        phone.twilio.faults.append(fault)
        result = await phone.call()
    assert (result.status, result.metrics["end_reason"]) == ("failed", "dial-failed")
    assert words in result.metrics["detail"]
    assert phone.twilio.create_count == 1 and phone.twilio.calls == []


async def test_twilio_that_cannot_be_reached_dials_nothing() -> None:
    async with twilio_phone(base_url="http://127.0.0.1:1") as phone:
        result = await phone.call()
    assert "cannot be reached; nothing was dialed" in result.metrics["detail"]


async def in_doubt(call: Call) -> None:
    """Until it is known that the answer to the dial is lost."""
    async for view in call.changes():
        if view.trouble:
            return


@pytest.mark.parametrize("fault", [Fault(status=None, placed=True), Fault(status=500, placed=True)])
async def test_a_dial_whose_answer_is_lost_is_not_repeated_and_the_call_lives(fault: Fault) -> None:
    async with twilio_phone(script=[BYE], answer_sec=0.3) as phone:
        phone.twilio.faults.append(fault)
        call = await phone.calls.place(phone.request())
        await phone.greeted()
        await phone.user_says("Hello?")
        result = await call.wait()
        await phone.twilio.calls[0].ended.wait()
    assert result.status == "completed"
    assert phone.twilio.create_count == 1


async def test_a_lost_answer_does_not_delay_the_hang_up() -> None:
    async with twilio_phone(script=[BYE], answer_sec=1000) as phone:
        phone.twilio.faults.append(Fault(status=None, placed=True))
        call = await phone.calls.place(phone.request())
        network = await phone.greeted()
        await phone.user_says("Hello?")
        assert (await call.wait()).status == "completed"
        await network.ended.wait()


async def test_a_dial_that_failed_at_twilio_and_never_rang_is_failed_and_says_why() -> None:
    async with twilio_phone(calls=CallSettings(ring_timeout_sec=0.1)) as phone:
        phone.twilio.faults.append(Fault(status=500))
        result = await phone.call()
    assert (result.status, result.metrics["end_reason"]) == ("failed", "dial-lost")
    assert "whether the phone rings is unknown" in result.metrics["detail"]
    assert phone.twilio.create_count == 1


async def test_a_dial_whose_answer_and_reports_are_lost_is_found_at_twilio_when_it_is_to_be_hung_up() -> None:
    plan = Plan(ring_sec=60, reports=False)
    async with twilio_phone(plan, answer_sec=1) as phone:
        phone.twilio.faults.append(Fault(status=500, placed=True))
        call = await phone.calls.place(phone.request())
        await in_doubt(call)
        await call.hang_up()
        assert phone.twilio.calls[0].status == "canceled"


async def test_a_lost_dial_is_not_taken_for_another_call_to_the_same_number() -> None:
    plan = Plan(ring_sec=60, reports=False)
    async with twilio_phone(plan, answer_sec=1, calls=CallSettings(ring_timeout_sec=3)) as phone:
        other = await phone.calls.place(phone.request(goal="Another call."))
        await phone.twilio.call()
        phone.twilio.faults.append(Fault(status=500))
        lost = await phone.calls.place(phone.request(goal="The lost one."))
        await in_doubt(lost)
        await lost.hang_up()
        assert phone.twilio.calls[0].status == "ringing"
        await other.hang_up()
        assert phone.twilio.calls[0].status == "canceled"


async def test_a_call_given_up_in_doubt_is_hung_up_once_it_turns_out_to_ring() -> None:
    plan = Plan(ring_sec=60, reports=False)
    async with twilio_phone(plan, answer_sec=0.1) as phone:
        phone.twilio.faults.append(Fault(status=None, placed=True))
        phone.twilio.list_faults.append(Fault(status=500))
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        await call.hang_up()
        assert network.status == "ringing"
        assert await network.report("ringing") == 204
        assert network.status == "canceled"


async def test_the_callee_hangs_up() -> None:
    async with twilio_phone(Plan(callee=lambda: hangs_up_after(25))) as phone:
        result = await phone.call()
    assert (result.status, result.metrics["ended_by"]) == ("completed", "user")


async def test_the_stream_breaks_without_a_word() -> None:
    async with twilio_phone() as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.connected()
        network.line.cut()
        result = await call.wait()
    assert (result.status, result.metrics["end_reason"]) == ("failed", "media-lost")


async def test_asking_for_the_end_hangs_up_at_twilio() -> None:
    async with twilio_phone() as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.connected()
        await call.hang_up()
        assert network.status == "completed"


@pytest.mark.parametrize("fault", [Fault(status=500), TOO_MANY_REQUESTS])
async def test_a_hang_up_that_fails_is_tried_again(fault: Fault) -> None:
    async with twilio_phone(Plan(ring_sec=20)) as phone:
        phone.twilio.hang_up_faults.append(fault)
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        await network.until(lambda: bool(network.report_answers))
        await call.hang_up()
        assert network.status == "canceled"


async def test_a_hang_up_twilio_never_takes_holds_nobody() -> None:
    async with twilio_phone(Plan(ring_sec=20), calls=CallSettings(hang_up_timeout_sec=0.2)) as phone:
        phone.twilio.hang_up_faults.extend([Fault(status=500)] * 10)
        call = await phone.calls.place(phone.request())
        await phone.twilio.call()
        await call.hang_up()
        assert (await call.wait()).metrics["end_reason"] == "canceled"


async def test_a_machine_is_told_by_twilio() -> None:
    async with twilio_phone(Plan(answered_by="machine_start")) as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.connected()
        await network.until(lambda: len(network.report_answers) == 3)
        await call.hang_up()
        assert (await call.wait()).metrics["answered_by"] == "voicemail"


async def test_reports_repeated_late_and_out_of_order_change_nothing() -> None:
    async with twilio_phone(Plan(reports=False), script=[BYE]) as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.greeted()
        for status in ("in-progress", "ringing", "initiated", "in-progress", "in-progress"):
            assert await network.report(status) == 204
        await phone.user_says("Hello?")
        result = await call.wait()
        kinds = [event.kind for event in await phone.events(result)]
        for status in ("completed", "ringing", "completed"):
            assert await network.report(status) == 204
        assert [event.kind for event in await phone.events(result)] == kinds
    assert result.status == "completed"
    assert kinds.count("answered") == 1 and kinds[-1] == "ended"


async def test_lost_reports_do_not_matter() -> None:
    async with twilio_phone(Plan(reports=False), script=[BYE]) as phone:
        call = await phone.calls.place(phone.request())
        await phone.greeted()
        await phone.user_says("Hello?")
        assert (await call.wait()).status == "completed"


async def test_calls_at_once_are_not_confused() -> None:
    async with twilio_phone(Plan(callee=lambda: hangs_up_after(30))) as phone:
        results: dict[int, str] = {}

        async def one(number: int) -> None:
            results[number] = (await phone.call(goal=f"errand {number}")).call_id

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(one, number)
        assert len(set(results.values())) == len(phone.twilio.calls) == 5
        for network in phone.twilio.calls:
            assert network.report_answers == [204, 204, 204, 204]


# What is not Twilio's, or not this call's.


async def test_a_stream_without_twilios_signature_is_refused_before_the_upgrade_and_costs_no_token() -> None:
    async with twilio_phone(Plan(ring_sec=0.5), script=[BYE]) as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        for headers in ({}, {"X-Twilio-Signature": "bm90IHR3aWxpbw=="}, {"X-Twilio-Signature": "é"}):
            assert await upgrade(network.stream_url, headers) == 403
        await phone.greeted()
        await phone.user_says("Hello?")
        assert (await call.wait()).status == "completed"


async def test_a_stream_token_is_good_once() -> None:
    async with twilio_phone() as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.connected()
        signed = phone.twilio.requests.headers(network.stream_url)
        assert await upgrade(network.stream_url, signed) == 403
        elsewhere = network.stream_url[:-1] + ("A" if network.stream_url[-1] != "A" else "B")
        assert await upgrade(elsewhere, phone.twilio.requests.headers(elsewhere)) == 403
        await call.hang_up()


async def test_a_stream_that_names_another_call_is_closed() -> None:
    async with twilio_phone(Plan(ring_sec=20)) as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        await network.until(lambda: bool(network.report_answers))
        stranger = FakeCall("CA" + "f" * 32, network.form, Plan(), phone.twilio.requests)
        assert (
            await stranger.line.run(network.stream_url, phone.twilio.requests.headers(network.stream_url)) == "closed"
        )
        await call.hang_up()
        assert [event.kind for event in await phone.events(await call.wait())].count("media_started") == 0


@pytest.mark.parametrize(
    "message",
    [
        "{",
        b"binary",
        json.dumps({"event": "start", "start": {"streamSid": "MZ2", "callSid": "CA2"}}),
        json.dumps({"event": "media", "media": {"payload": "%%%"}}),
        json.dumps({"event": "media", "media": {"payload": "A" * 60_000}}),
        "x" * 70_000,
    ],
)
async def test_a_stream_that_breaks_the_protocol_ends_the_call_as_lost(message: str | bytes) -> None:
    async with twilio_phone() as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.connected()
        network.line.send(message)
        result = await call.wait()
    assert (result.status, result.metrics["end_reason"]) == ("failed", "media-lost")


async def test_reports_that_are_not_twilios_or_of_another_call_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with twilio_phone() as phone, httpx.AsyncClient(trust_env=False) as http:
        call = await phone.calls.place(phone.request())
        network = await phone.connected()
        url = network.field("StatusCallback")
        form = {"CallSid": network.sid, "AccountSid": "AC" + "0" * 32, "CallStatus": "completed"}
        signed = phone.twilio.requests.headers
        refused: list[tuple[str, dict[str, str], Any]] = [
            (url, form, {}),
            (url, form, {"X-Twilio-Signature": "é".encode("latin-1")}),
            (url, {**form, "Extra": ""}, signed(url, form)),
            (url, form, signed(url.replace("http://", "https://"), form)),
            (url, other := {**form, "CallSid": "CA" + "e" * 32}, signed(url, other)),
            (url, other := {**form, "CallSid": "CA1"}, signed(url, other)),
            (url, other := {**form, "AccountSid": "AC1"}, signed(url, other)),
            (url, other := {**form, "CallStatus": "exploded"}, signed(url, other)),
            (other_url := url + "?a=b", form, signed(url, form)),
            (other_url := f"{url[:-1]}{'0' if url[-1] != '0' else '1'}", form, signed(other_url, form)),
        ]
        for address, fields, headers in refused:
            answer = await http.post(address, data=fields, headers=headers)
            assert answer.status_code == 403, fields
            assert not answer.content
        assert (await call.view()).state is CallState.IN_PROGRESS
        await call.hang_up()
    assert network.sid not in caplog.text


async def test_a_report_too_long_or_too_slow_is_not_read() -> None:
    async with twilio_phone() as phone, httpx.AsyncClient(trust_env=False) as http:
        call = await phone.calls.place(phone.request())
        network = await phone.connected()
        url = network.field("StatusCallback")
        assert (await http.post(url, content=b"a" * 65_537)).status_code == 413
        assert (await http.get(url)).status_code == 405

        await call.hang_up()
        assert await slow_request(url) == 413


async def test_reports_that_come_too_fast_are_not_looked_at() -> None:
    async with twilio_phone(Plan(ring_sec=20)) as phone:
        call = await phone.calls.place(phone.request())
        target = urlsplit((await phone.twilio.call()).field("StatusCallback"))
        request = f"POST {target.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        async with await anyio.connect_tcp("127.0.0.1", target.port or 0) as stream:
            await stream.send(request.encode() * 300)
            answers = b""
            while answers.count(b"HTTP/1.1 ") < 300:
                answers += await stream.receive()
        # Refused for want of a signature, until nobody looks any more.
        assert answers.startswith(b"HTTP/1.1 403")
        assert b"HTTP/1.1 429" in answers
        await call.hang_up()


class SlowStore(MemoryStore):
    """Looks tokens up when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_count = 0
        self.crowded = anyio.Event()
        self.go_on = anyio.Event()

    async def claim_media(self, token: str) -> Claim | Refused:
        self.asked_count += 1
        if self.asked_count == CLAIMS_AT_ONCE:
            self.crowded.set()
        await self.go_on.wait()
        return await super().claim_media(token)


async def test_more_streams_than_can_be_looked_up_are_told_to_come_again() -> None:
    store, statuses = SlowStore(), list[int]()
    async with twilio_phone(Plan(ring_sec=20), store=store) as phone:
        call = await phone.calls.place(phone.request())
        url = (await phone.twilio.call()).stream_url.rpartition("/")[0] + "/nobodys"
        headers = phone.twilio.requests.headers(url)

        async def ask() -> None:
            statuses.append(await upgrade(url, headers))

        async with anyio.create_task_group() as tasks:
            for _ in range(CLAIMS_AT_ONCE):
                tasks.start_soon(ask)
            await store.crowded.wait()
            assert await upgrade(url, headers) == 503
            store.go_on.set()
        assert statuses == [403] * CLAIMS_AT_ONCE
        await call.hang_up()


async def test_no_body_makes_the_server_fail() -> None:
    chance = Random(7)
    async with twilio_phone(Plan(ring_sec=20)) as phone, httpx.AsyncClient(trust_env=False) as http:
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        url = network.field("StatusCallback")
        valid = urlencode({"CallSid": network.sid, "AccountSid": "AC" + "0" * 32, "CallStatus": "ringing"}).encode()
        answers: set[int] = set()
        for number in range(45):
            body = bytearray(valid * (1 + 1000 * (number % 20 == 0)))
            for _ in range(number % 4):
                body[chance.randrange(len(body))] = chance.choice(b"\x00\xff%&=+;a0")
            fields = dict(parse_qsl(body.decode("ascii", errors="replace"), keep_blank_values=True))
            headers = phone.twilio.requests.headers(url, fields) if number % 3 else {}
            answers.add((await http.post(url, content=bytes(body), headers=headers)).status_code)
        await call.hang_up()
    assert answers == {204, 403, 413}


async def test_reports_wait_for_a_store_that_is_in_trouble() -> None:
    class Sulking(MemoryStore):
        sulks = False

        async def carrier_status(self, call_id: str, state: CallState, events: Sequence[Event] = ()) -> Write:
            if self.sulks:
                raise StoreError("The disk is full.")
            return await super().carrier_status(call_id, state, events)

    store = Sulking()
    async with twilio_phone(Plan(ring_sec=20, reports=False), store=store) as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        store.sulks = True
        assert await network.report("ringing") == 503
        store.sulks = False
        assert await network.report("ringing") == 204
        await call.hang_up()


async def test_answer_reported_while_the_media_stream_connects_is_on_record() -> None:
    class Crossing(MemoryStore):
        """The report comes to be written between the claim of the media stream and its first message."""

        async def claim_media(self, token: str) -> Claim | Refused:
            claimed = await super().claim_media(token)
            assert await network.report("in-progress") == 204
            return claimed

    async with twilio_phone(Plan(reports=False), script=[BYE], store=Crossing()) as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        await phone.greeted()
        await phone.user_says("Yes, of course.")
        result = await call.wait()
        kinds = [event.kind for event in await phone.events(result)]
    assert kinds.count("answered") == 1 and result.duration_seconds > 0


# Where we can be reached.


@pytest.mark.parametrize(
    ("public_url", "words"),
    [
        (None, "Set media.public_url"),
        ("http://calls.example.com", "must be an https://"),
        ("https://calls.example.com", "Set media.port"),
    ],
)
async def test_without_a_public_address_nothing_is_dialed_and_the_error_says_what_to_set(
    public_url: str | None, words: str
) -> None:
    async with twilio_phone(media=MediaSettings(public_url=public_url), base_url="https://api.twilio.example") as phone:
        with pytest.raises(ConfigError, match=words):
            await phone.calls.place(phone.request())
        assert await phone.store.overdue() == [] and phone.twilio.create_count == 0


async def test_addresses_are_built_on_the_public_url_and_never_on_what_a_request_says() -> None:
    media = MediaSettings(public_url="https://calls.example.com/")
    async with twilio_phone(Plan(ring_sec=20, reports=False), media=media) as phone:
        call = await phone.calls.place(phone.request())
        network = await phone.twilio.call()
        assert network.stream_url.startswith("wss://calls.example.com/media/")
        assert network.field("StatusCallback").startswith("https://calls.example.com/carrier/status/")
        await call.hang_up()


async def slow_request(url: str) -> int:
    """The status a request is answered with whose body never comes."""
    target = urlsplit(url)
    async with await anyio.connect_tcp("127.0.0.1", target.port or 0) as stream:
        await stream.send(f"POST {target.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode())
        return int((await stream.receive()).split()[1])


async def upgrade(url: str, headers: Mapping[str, str]) -> int:
    """The HTTP status a websocket is refused with; 101 if it is not."""
    try:
        socket = await connect(url, _Deaf(), headers=headers)
    except HandshakeRefused as refused:
        return refused.status
    await socket.aclose()
    return 101


class _Deaf:
    def received(self, message: object) -> None: ...

    def closed(self, close: object) -> None: ...
