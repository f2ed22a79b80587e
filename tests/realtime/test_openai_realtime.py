"""OpenAI Realtime over real sockets, against a vendor that is strict where the real one is."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from realtime_helpers import talking
from stream_reader import feed, say, voice

from patter_mcp import prices
from patter_mcp.audio.frame import silence
from patter_mcp.errors import (
    ConfigError,
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    ProviderTimeout,
)
from patter_mcp.realtime.base import (
    Complaint,
    RealtimeOptions,
    Reconnected,
    ResponseAudio,
    ResponseDone,
    ResponseItem,
    ResponseStarted,
    ToolUse,
    UserItem,
    UserStarted,
    UserStopped,
    UserWords,
)
from patter_mcp.realtime.openai import OpenAIRealtime, SemanticVad, ServerVad
from patter_mcp.realtime.registry import realtime
from patter_mcp.testing.speech import Answer, FakeSpeech, RealtimeModel, RealtimeScript, sing
from patter_mcp.types import TranscriptLine

pytestmark = pytest.mark.anyio
TOOL = {"name": "book", "description": "Books.", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    quick = RealtimeScript(latency_ms=1, transcription_ms=5, first_audio_ms=5, speed=100)
    async with FakeSpeech(realtime=quick).run() as fake:
        yield fake


@pytest.fixture
def model(vendors: FakeSpeech) -> OpenAIRealtime:
    return OpenAIRealtime(api_key="key", base_url=vendors.openai_url)


def session(vendors: FakeSpeech) -> RealtimeModel:
    return vendors.realtime.sessions[-1]


def sent(vendors: FakeSpeech, kind: str) -> list[Any]:
    return [message for message in vendors.connections[-1].messages() if message["type"] == kind]


async def test_session_is_agreed_on_in_telephone_audio_both_ways(vendors: FakeSpeech) -> None:
    model = OpenAIRealtime(
        api_key="key", base_url=vendors.openai_url, noise_reduction="near_field", reasoning_effort="low"
    )
    options = RealtimeOptions(
        instructions="Be brief.", tools=[TOOL], language="de-AT", voice="cedar", hints=["Anna"], max_output_tokens=400
    )
    async with talking(model, options):
        given = session(vendors).session
    assert vendors.connections[0].asked.headers["authorization"] == "Bearer key"
    assert vendors.connections[0].asked.parameter("model") == "gpt-realtime-2.1"
    assert given["instructions"] == "Be brief." and given["output_modalities"] == ["audio"]
    assert given["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "cedar"}
    hearing = given["audio"]["input"]
    assert hearing["format"] == {"type": "audio/pcmu"}
    assert hearing["noise_reduction"] == {"type": "near_field"}
    assert hearing["transcription"] == {"model": model.transcriber, "language": "de", "prompt": "Expect: Anna"}
    assert hearing["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": True,
        "interrupt_response": True,
    }
    assert given["tools"] == [{"type": "function", **TOOL}]
    assert given["max_output_tokens"] == 400 and given["reasoning"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("transcriber", "expected"),
    [
        ("gpt-transcribe", {"languages": ["en"], "keywords": ["Anna"]}),
        ("gpt-realtime-whisper", {"language": "en"}),
        ("gpt-4o-transcribe", {"language": "en", "prompt": "Expect: Anna"}),
    ],
)
async def test_transcriber_is_told_what_to_expect_in_its_own_way(
    vendors: FakeSpeech, transcriber: str, expected: dict[str, Any]
) -> None:
    model = OpenAIRealtime(api_key="key", base_url=vendors.openai_url, transcriber=transcriber)
    async with talking(model, RealtimeOptions(instructions="", hints=["Anna"])):
        assert session(vendors).session["audio"]["input"]["transcription"] == {"model": transcriber, **expected}


async def test_audio_passes_through_as_it_came(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    audio = bytes(range(256)) * 5
    async with talking(model) as reader:
        feed(reader.stream, audio)
        response = reader.stream.ask(say="Hello.")
        await reader.done(response)
        assert session(vendors).heard == audio
        assert reader.audio(response) == sing("Hello.")


async def test_turn_is_told_from_its_start_to_its_answer(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.transcripts = ["A table for two, please."]
    vendors.realtime.answers = [Answer("For when?")]
    async with talking(model) as reader:
        say(reader.stream, ms=600, pause_ms=700)
        started = await reader.first(ResponseStarted)
        done = await reader.done(started.response)
        await reader.until(lambda: any(event.final for event in reader.of(UserWords)))
        item = reader.of(UserItem)[0]
        assert reader.text(started.response) == "For when?"
        assert reader.audio(started.response) == sing("For when?")
        assert done.status == "completed" and done.calls == []
        assert (item.after, reader.of(UserWords)[-1].text) == (None, "A table for two, please.")
        assert {words.item for words in reader.of(UserWords)} == {item.item}
        assert reader.of(UserStarted)
        # 700 ms of silence were given to it when it said so.
        assert reader.of(UserStopped)[0].silence_ms == pytest.approx(700, abs=20)
        assert len(reader.of(ResponseItem)) == 1


async def test_asked_to_say_something_it_says_just_that(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    text = 'She said "no", and — naïvely — left.\nBye.'
    async with talking(model) as reader:
        response = reader.stream.ask(say=text)
        await reader.done(response)
        (wanted,) = (message["response"] for message in sent(vendors, "response.create"))
        assert reader.text(response).split() == text.split()
        assert wanted["tool_choice"] == "none"
        assert session(vendors).items[-1].role == "assistant"


async def test_aside_is_made_beside_the_conversation(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        aside = reader.stream.ask(say="Sorry.", aside=True)
        response = reader.stream.ask(say="Hello.")
        await reader.done(aside)
        await reader.done(response)
        assert (reader.text(aside), reader.text(response)) == ("Sorry.", "Hello.")
        assert session(vendors).agent_texts == ["Hello."]
        assert [event.response for event in reader.of(ResponseItem)] == [response]
        assert session(vendors).errors == []


async def test_responses_wait_for_one_another(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        responses = [reader.stream.ask(say=f"Number {n}.") for n in range(3)]
        for response in responses:
            await reader.done(response)
        assert [event.response for event in reader.of(ResponseStarted)] == responses
        assert session(vendors).errors == []


async def test_response_the_vendor_began_by_itself_goes_first(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.answers = [Answer("I was first.")]
    async with talking(model) as reader:
        say(reader.stream)
        response = reader.stream.ask(say="Hello.")  # the news of the other one is still on its way
        await reader.done(response)
        own, mine = reader.of(ResponseStarted)
        assert mine.response == response
        assert reader.text(own.response) == "I was first."
        assert session(vendors).errors == ["conversation_already_has_active_response"]
        assert not reader.of(Complaint)


async def test_user_who_speaks_cancels_what_is_being_made(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.speed = 2
    async with talking(model) as reader:
        response = reader.stream.ask(say="This is going to take a while, as you will see.")
        await reader.first(ResponseItem)
        feed(reader.stream, voice(200))
        assert (await reader.done(response)).status == "cancelled"
        assert reader.events.index(reader.of(UserStarted)[0]) < reader.events.index(reader.of(ResponseDone)[0])


async def test_cancelled_before_it_began_it_never_begins(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        first = reader.stream.ask(say="One.")
        second = reader.stream.ask(say="Two.")
        reader.stream.cancel(second)
        await reader.done(first)
        third = reader.stream.ask(say="Three.")
        await reader.done(third)
        assert [event.response for event in reader.of(ResponseStarted)] == [first, third]


async def test_cancelled_while_the_request_travels_it_ends_as_it_begins(
    model: OpenAIRealtime, vendors: FakeSpeech
) -> None:
    vendors.realtime.first_audio_ms = 200
    async with talking(model) as reader:
        response = reader.stream.ask(say="One.")
        reader.stream.cancel(response)
        assert (await reader.done(response)).status == "cancelled"
        assert reader.text(response) == ""


async def test_truncation_cuts_the_models_memory(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        await reader.done(reader.stream.ask(say="One two three four five."))
        item = await reader.first(ResponseItem)
        reader.stream.truncate(item.item, 500)
        await vendors.server.until(lambda: session(vendors).items[0].truncated_ms == 500)
        reader.stream.forget(item.item)
        await vendors.server.until(lambda: not session(vendors).items)


async def test_what_comes_too_late_does_no_harm(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        response = reader.stream.ask(say="Hello.")
        await reader.done(response)
        reader.stream.cancel(response)
        reader.stream.forget("nobody knows this")
        reader.stream.truncate("nor this", 100)
        await reader.done(reader.stream.ask(say="Still here."))
        assert len(session(vendors).errors) == 2
        assert not reader.of(Complaint)


async def test_function_is_called_and_told_its_result(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.answers = [Answer("One moment.", [("book", '{"time": "8"}')]), Answer("Done.")]
    async with talking(model, RealtimeOptions(instructions="", tools=[TOOL])) as reader:
        say(reader.stream)
        done = await reader.first(ResponseDone)
        (call,) = done.calls
        assert (call.name, call.arguments) == ("book", '{"time": "8"}')
        reader.stream.answer(call, "booked")
        response = reader.stream.ask()
        await reader.done(response)
        assert reader.text(response) == "Done."
        assert [(item.role, item.text) for item in session(vendors).items][2:] == [
            ("call", ""),
            ("output", "booked"),
            ("assistant", "Done."),
        ]
        assert session(vendors).errors == []


async def test_stage_direction_is_no_speech_of_anybodys(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        reader.stream.tell("[the beep has sounded]")
        await reader.done(reader.stream.ask())
        assert [(item.role, item.text) for item in session(vendors).items][0] == ("system", "[the beep has sounded]")


async def test_failed_response_says_why(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.answers = [Answer(failure="rate_limit_exceeded")]
    async with talking(model) as reader:
        done = await reader.done(reader.stream.ask())
        assert (done.status, done.message) == ("failed", "openai reports rate_limit_exceeded: try again later")


async def test_complaint_is_passed_on_and_the_conversation_goes_on(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        session(vendors).complain("invalid_value")
        complaint = await reader.first(Complaint)
        assert complaint == Complaint(code="invalid_value", message="openai reports invalid_value: that was not right")
        await reader.done(reader.stream.ask(say="Still here."))


async def test_transcript_that_failed_leaves_what_was_understood(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.transcription_ms = 10_000
    async with talking(model) as reader:
        say(reader.stream)
        item = await reader.first(UserItem)
        kind = "conversation.item.input_audio_transcription."
        error = {"code": "audio_unintelligible", "message": "the audio could not be transcribed"}
        session(vendors).connection.send_json({"type": kind + "delta", "item_id": item.item, "delta": "A ta"})
        session(vendors).connection.send_json({"type": kind + "failed", "item_id": item.item, "error": error})
        complaint = await reader.first(Complaint)
        assert complaint.code == "audio_unintelligible"
        assert reader.of(UserWords)[-1] == UserWords(item=item.item, text="A ta", final=True)


async def test_each_token_is_counted_under_one_kind(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        feed(reader.stream, silence(1000))
        await reader.done(reader.stream.ask(say="One two three four five."))
        tokens = reader.stream.usage.tokens
        assert tokens == {
            "text_input": 55,
            "cached_text": 55,
            "audio_input": 10,
            "cached_audio": 0,
            "text_output": 6,
            "audio_output": 28,
        }
    assert prices.realtime_cost_micros("openai", model.model, tokens) == round(
        55 * 4 + 55 * 0.4 + 10 * 32 + 6 * 24 + 28 * 64
    )


async def test_vendor_that_leaves_out_what_it_may_is_understood(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.terse = True
    vendors.realtime.answers = [Answer("One moment.", [("book", "{}")]), Answer("Done.")]
    async with talking(model, RealtimeOptions(instructions="", tools=[TOOL])) as reader:
        greeting = reader.stream.ask(say="Hello.")
        await reader.done(greeting)
        assert not reader.stream.makes_asides
        say(reader.stream)
        done = await reader.first(ResponseDone, 1)
        (call,) = done.calls
        assert (call.name, call.arguments) == ("book", "{}")
        reader.stream.answer(call, "booked")
        reply = reader.stream.ask()
        await reader.done(reply)
        assert [reader.text(response) for response in (greeting, done.response, reply)] == [
            "Hello.",
            "One moment.",
            "Done.",
        ]
        assert reader.audio(reply) == sing("Done.")
        assert len({event.item for event in reader.of(ResponseItem)}) == 3
        assert session(vendors).errors == []


async def test_what_is_not_counted_is_estimated(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.terse = True
    async with talking(model) as reader:
        response = reader.stream.ask(say="One two three four five.")
        await reader.done(response)
        tokens = reader.stream.usage.tokens
        spoken_ms = len(reader.audio(response)) / 8
        assert (tokens["text_output"], tokens["audio_output"]) == (24 // 4, spoken_ms // 50)
        assert tokens["text_input"] > 0


async def test_what_was_made_of_a_lost_answer_is_estimated(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    vendors.realtime.speed = 1
    async with talking(model) as reader:
        reader.stream.ask(say="One two three four five.")
        await reader.first(ResponseAudio, 1)
        session(vendors).connection.cut()
        await reader.first(Reconnected)
        assert reader.stream.usage.tokens["audio_output"] > 0


async def test_transcribed_audio_is_counted_for_its_own_bill(model: OpenAIRealtime) -> None:
    async with talking(model) as reader:
        feed(reader.stream, silence(1000))
        say(reader.stream, ms=1000, pause_ms=700)
        await reader.first(UserStopped)
        # 300 ms before it, 1000 ms of voice, 500 ms until it was over.
        assert reader.stream.usage.transcribed_sec == pytest.approx(1.8, abs=0.05)


# Failures.


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_refused_for_good_it_is_not_tried_again(model: OpenAIRealtime, vendors: FakeSpeech, status: int) -> None:
    vendors.faults.refuse(status, json.dumps({"error": {"message": "no"}}), times=5)
    with pytest.raises(ProviderStatusError) as caught:
        async with talking(model):
            pass
    assert (caught.value.status, caught.value.retryable) == (status, False)
    assert vendors.server.attempts == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_refused_for_now_it_is_tried_again_while_it_rings(
    model: OpenAIRealtime, vendors: FakeSpeech, status: int
) -> None:
    vendors.faults.refuse(status)
    async with talking(model) as reader:
        await reader.done(reader.stream.ask(say="Hello."))


async def test_session_that_is_refused_is_refused(vendors: FakeSpeech) -> None:
    model = OpenAIRealtime(api_key="key", base_url=vendors.openai_url, model="gone")
    with pytest.raises(ProviderError, match="openai reports model_not_found: no such model"):
        async with talking(model):
            pass
    assert vendors.server.attempts == 1


async def test_session_that_is_refused_late_is_refused(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        error = {"type": "invalid_request_error", "code": "invalid_value", "message": "no", "event_id": "session"}
        session(vendors).connection.send_json({"type": "error", "error": error})
        await reader.until(lambda: reader.error)
        assert str(reader.error) == "openai reports invalid_value: no"


async def test_vendor_that_never_agrees_is_given_up_while_the_call_goes_on(vendors: FakeSpeech) -> None:
    model = OpenAIRealtime(api_key="key", base_url=vendors.openai_url, connect_timeout_sec=0.3)
    vendors.faults.setup_ms = 5000
    async with talking(model) as reader:
        await reader.until(lambda: reader.error)
        assert isinstance(reader.error, ProviderTimeout)


@pytest.mark.parametrize("how", ["cut", "closed", "expired"])
async def test_lost_connection_is_made_anew_and_told_what_was_said(
    model: OpenAIRealtime, vendors: FakeSpeech, how: str
) -> None:
    past = [
        TranscriptLine(role="agent", text="Hello."),
        TranscriptLine(role="user", text="Who is it?"),
        ToolUse(name="book", arguments="{}", output="booked"),
    ]
    vendors.realtime.speed = 1
    async with talking(model, RealtimeOptions(instructions="Be brief.", past=lambda: past)) as reader:
        response = reader.stream.ask(say="This takes some time to say.")
        waiting = reader.stream.ask(say="And this comes after it.")
        await reader.first(ResponseItem)
        old = session(vendors)
        {"cut": old.connection.cut, "closed": lambda: old.connection.close(1011), "expired": old.expire}[how]()
        assert (await reader.done(response)).status == "lost"
        reconnected = await reader.first(Reconnected)
        assert reconnected.lost_ms == 0
        vendors.realtime.speed = 100
        assert (await reader.done(waiting)).status == "completed"
        assert [(item.role, item.text) for item in session(vendors).items] == [
            ("assistant", "Hello."),
            ("user", "Who is it?"),
            ("call", ""),
            ("output", "booked"),
            ("assistant", "And this comes after it."),
        ]
        assert session(vendors).session["instructions"] == "Be brief."
        assert session(vendors) is not old and session(vendors).errors == []


async def test_turn_that_was_not_understood_is_heard_again(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        feed(reader.stream, silence(3000) + voice(500))
        await reader.first(UserStarted)
        session(vendors).connection.cut()
        await vendors.server.until(lambda: not vendors.server.open_connections)
        feed(reader.stream, voice(500) + silence(700))
        await reader.first(UserStopped)
        await reader.first(UserWords)
        # 300 ms before the voice, the voice, the silence after it; not all that went before.
        assert 2000 * 8 <= len(session(vendors).heard) <= 2100 * 8


async def test_result_of_a_tool_called_before_the_break_is_told_with_its_call(
    model: OpenAIRealtime, vendors: FakeSpeech
) -> None:
    vendors.realtime.answers = [Answer("", [("book", "{}")])]
    async with talking(model, RealtimeOptions(instructions="", tools=[TOOL])) as reader:
        say(reader.stream)
        done = await reader.first(ResponseDone)
        session(vendors).connection.cut()
        await reader.first(Reconnected)
        reader.stream.answer(done.calls[0], "booked")
        await reader.done(reader.stream.ask(say="Booked."))
        assert [item.role for item in session(vendors).items] == ["call", "output", "assistant"]
        assert session(vendors).errors == []


async def test_vendor_gone_for_good_is_an_error_in_the_end(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        vendors.faults.refuse(401, times=5)
        session(vendors).connection.cut()
        await reader.until(lambda: reader.error)
        assert isinstance(reader.error, ProviderStatusError)


async def test_message_nobody_can_read_is_passed_over(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        for _ in range(2):
            session(vendors).connection.send("{nonsense")
            assert "cannot read" in (await reader.first(Complaint)).message
        await reader.done(reader.stream.ask(say="Still here."))
        assert not reader.of(Reconnected)


async def test_vendor_that_talks_nonsense_counts_as_lost(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        for _ in range(3):
            session(vendors).connection.send("{nonsense")
        assert "cannot read" in (await reader.first(Reconnected)).message
        await reader.done(reader.stream.ask(say="Still here."))


async def test_news_nobody_knows_are_passed_over(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        session(vendors).connection.send_json({"type": "rate_limits.updated", "rate_limits": []})
        session(vendors).connection.send_json({"type": "of.tomorrow"})
        await reader.done(reader.stream.ask(say="Still here."))
        assert not reader.of(Reconnected)


async def test_leaving_the_block_leaves_no_connection(model: OpenAIRealtime, vendors: FakeSpeech) -> None:
    async with talking(model) as reader:
        reader.stream.ask(say="This is never said.")
    with anyio.fail_after(5):
        await vendors.server.until(lambda: not vendors.server.open_sockets)
    reader.stream.feed(voice(20))
    reader.stream.ask(say="Nor this.")


# Settings.


async def test_semantic_detection_takes_the_vendors_word_for_the_end(vendors: FakeSpeech) -> None:
    model = OpenAIRealtime(api_key="key", base_url=vendors.openai_url, turn_detection=SemanticVad(eagerness="high"))
    async with talking(model) as reader:
        say(reader.stream, ms=600, pause_ms=300)
        stopped = await reader.first(UserStopped)
        detection = session(vendors).session["audio"]["input"]["turn_detection"]
        assert (detection["type"], detection["eagerness"]) == ("semantic_vad", "high")
        assert stopped.silence_ms == pytest.approx(0, abs=20)


async def test_patience_of_the_detector_can_be_set(vendors: FakeSpeech) -> None:
    model = OpenAIRealtime(api_key="key", base_url=vendors.openai_url, turn_detection=ServerVad(silence_ms=200))
    async with talking(model) as reader:
        say(reader.stream, ms=600, pause_ms=200)
        assert (await reader.first(UserStopped)).silence_ms == pytest.approx(200, abs=20)


def test_key_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    assert realtime("openai/gpt-realtime-2.1-mini").model == "gpt-realtime-2.1-mini"
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        realtime("openai")


def test_name_nobody_knows_is_an_error() -> None:
    with pytest.raises(ConfigError, match="choose one of: openai"):
        realtime("openai-sings")


async def test_no_connection_is_a_connection_error(unused_port: int) -> None:
    model = OpenAIRealtime(api_key="key", base_url=f"http://127.0.0.1:{unused_port}/v1")
    async with talking(model) as reader:
        await reader.until(lambda: reader.error)
    assert isinstance(reader.error, ProviderConnectionError)


@pytest.fixture
async def unused_port(vendors: FakeSpeech) -> int:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port: int = listener.extra(anyio.abc.SocketAttribute.local_port)
    await listener.aclose()
    return port
