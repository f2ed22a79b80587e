"""The sandbox as a carrier: its program on the other side of a process border, faster than life where time allows."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from agent_end import AgentEnd, Leg, agent_end
from coded_speech import agent_audio, line_audio
from virtual_phone import write_scenario

from patter_mcp.carriers.base import Carrier, CarrierReport, DialRequest, Webhook
from patter_mcp.errors import ConfigError, DialFailed, WebhookRejected
from patter_mcp.sandbox.callee import spoken_lines
from patter_mcp.sandbox.carrier import SandboxCarrier
from patter_mcp.sandbox.scenario_file import load_scenarios
from patter_mcp.types import CallState, EndReason

pytestmark = pytest.mark.anyio
BARBER, LIBRARY, BUSY, NO_ANSWER, SILENT = (f"+120255501{n}" for n in ("00", "05", "06", "07", "09"))
DROPS = """
    number = "+12025550151"
    title = "Drops at once"
    ring_sec = 0
    [[step]]
    drop = true
"""


def hosts() -> list[int]:
    """The sandbox's programs that are children of ours."""
    listing = subprocess.run(["ps", "-A", "-o", "ppid=,pid=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 2) for line in listing.splitlines())
    return [int(pid) for ppid, pid, args in rows if int(ppid) == os.getpid() and "patter_mcp.sandbox.host" in args]


def until_gone(pid: int) -> None:
    while pid in hosts():
        time.sleep(0.05)


class Reports:
    """What the carrier reported of one call."""

    def __init__(self) -> None:
        self.all: list[CarrierReport] = []
        self._changed = anyio.Event()

    async def __call__(self, report: CarrierReport) -> None:
        self.all.append(report)
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    @property
    def states(self) -> list[CallState]:
        return [report.state for report in self.all]

    async def until(self, state: CallState) -> CarrierReport:
        with anyio.fail_after(20):
            while state not in self.states:
                await self._changed.wait()
        return self.all[self.states.index(state)]

    async def end(self) -> CarrierReport:
        return await self.until(CallState.ENDED)


class Sandbox:
    def __init__(self, carrier: SandboxCarrier, agent: AgentEnd) -> None:
        self.carrier = carrier
        self.agent = agent

    async def dial(self, number: str, call_id: str = "call", ring_sec: float = 30) -> tuple[str, Reports]:
        reports = Reports()
        request = DialRequest(
            call_id=call_id,
            to_number=number,
            stream_url=f"{self.agent.url}/{call_id}",
            status_url="",
            ring_timeout_sec=ring_sec,
            time_limit_sec=120,
        )
        with anyio.fail_after(20):
            return await self.carrier.dial(request, reports), reports


@asynccontextmanager
async def sandbox(*dirs: Path, speech: str = "coded_speech:CodedSpeech") -> AsyncGenerator[Sandbox]:
    async with agent_end() as agent, SandboxCarrier(scenario_dirs=dirs, speech=speech, speed=10) as carrier:
        yield Sandbox(carrier, agent)


def has_heard(number: str, line: str) -> Callable[[Leg], bool]:
    audio = line_audio(spoken_lines(load_scenarios()[number]))
    code = next(sound[:1] for spoken, sound in audio.items() if spoken.text == line)
    return lambda leg: code in leg.audio


async def test_a_call_is_reported_from_dialing_to_its_end() -> None:
    async with sandbox() as box:
        carrier: Carrier = box.carrier
        assert (carrier.name, carrier.simulated, carrier.needs_public_url) == ("sandbox", True, False)
        carrier_id, reports = await box.dial(BARBER)
        leg = await box.agent.leg("/call")
        await leg.say(agent_audio("hello"))
        await leg.until(has_heard(BARBER, "Hello, this is the barber shop. How can I help you?"))
        await leg.say(agent_audio("goodbye"))
        end = await reports.end()
    assert reports.states == [CallState.DIALING, CallState.RINGING, CallState.IN_PROGRESS, CallState.ENDED]
    assert {(report.call_id, report.carrier_id) for report in reports.all} == {("call", carrier_id)}
    assert leg.raw[1]["start"]["callSid"] == carrier_id
    assert end.reason is EndReason.USER_HUNG_UP
    assert leg.events[-1] == "stop"


async def test_its_program_runs_from_the_first_dial_to_the_last_calls_end() -> None:
    async with sandbox() as box:
        assert hosts() == []
        _, first = await box.dial(SILENT, "a")
        _, second = await box.dial(SILENT, "b")
        (host,) = hosts()
        await box.carrier.hang_up("a", None)
        await first.end()
        assert hosts() == [host]
        await box.carrier.hang_up("b", None)
        await second.end()
        with anyio.fail_after(10):
            await anyio.to_thread.run_sync(until_gone, host, abandon_on_cancel=True)


async def test_leaving_it_with_calls_alive_leaves_nothing() -> None:
    async with agent_end() as agent:
        async with SandboxCarrier(speech="coded_speech:CodedSpeech", speed=10) as carrier:
            box = Sandbox(carrier, agent)
            await box.dial(SILENT, "talking")
            leg = await agent.leg("/talking")
            await box.dial(NO_ANSWER, "ringing")
        assert hosts() == []
        await leg.gone()


async def test_an_error_in_its_block_comes_out_as_it_is() -> None:
    with pytest.raises(ConfigError, match="somebody else's"):
        async with agent_end() as agent, SandboxCarrier(speech="coded_speech:CodedSpeech", speed=10) as carrier:
            await Sandbox(carrier, agent).dial(SILENT)
            raise ConfigError("somebody else's")
    assert hosts() == []


async def test_closing_it_ends_its_calls_and_says_so() -> None:
    async with sandbox() as box:
        _, talking = await box.dial(SILENT, "a")
        await box.agent.leg("/a")
        await box.carrier.aclose()
        assert (await talking.end()).reason is EndReason.USER_HUNG_UP


@pytest.mark.parametrize(("number", "reason"), [(BUSY, EndReason.BUSY), (NO_ANSWER, EndReason.NO_ANSWER)])
async def test_lines_nobody_answers_are_reported(number: str, reason: EndReason) -> None:
    async with sandbox() as box:
        _, reports = await box.dial(number)
        assert (await reports.end()).reason is reason
        assert CallState.IN_PROGRESS not in reports.states


async def test_a_broken_line_is_reported_as_lost(tmp_path: Path) -> None:
    write_scenario(tmp_path, DROPS)
    async with sandbox(tmp_path) as box:
        _, reports = await box.dial("+12025550151")
        assert (await reports.end()).reason is EndReason.MEDIA_LOST


async def test_hanging_up_ends_the_call_in_whatever_state_it_is() -> None:
    async with sandbox() as box:
        _, ringing = await box.dial(NO_ANSWER, "a")
        await ringing.until(CallState.RINGING)
        await box.carrier.hang_up("a", None)
        assert (await ringing.end()).reason is EndReason.CANCELED
        carrier_id, talking = await box.dial(SILENT, "b")
        leg = await box.agent.leg("/b")
        await box.carrier.hang_up("b", carrier_id)
        await leg.gone()
        assert (await talking.end()).reason is EndReason.USER_HUNG_UP
        for call_id in ("b", "never dialed"):
            await box.carrier.hang_up(call_id, None)


async def test_a_dial_given_up_halfway_rings_nowhere(tmp_path: Path) -> None:
    write_scenario(tmp_path, DROPS.replace("drop = true", "silence_sec = 30"))
    placed: set[str] = set()

    async def dial(box: Sandbox, call_id: str) -> None:
        await box.dial("+12025550151", call_id)
        placed.add(f"/{call_id}")

    async with sandbox(tmp_path) as box:
        await box.dial(SILENT, "first")
        for steps in range(12):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(dial, box, str(steps))
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        await dial(box, "last")
        await box.agent.leg("/last")
        assert box.agent.legs.keys() - {"/first"} <= placed
        assert "/2" not in placed


async def test_keys_pressed_out_of_band_reach_the_callee() -> None:
    async with sandbox() as box:
        carrier_id, _ = await box.dial(LIBRARY)
        leg = await box.agent.leg("/call")
        assert await box.carrier.send_digits("call", carrier_id, "w1")
        await leg.until(has_heard(LIBRARY, "The library is open from nine to five, Monday to Friday. Goodbye."))


async def test_a_number_without_a_scenario_is_refused_with_those_there_are() -> None:
    async with sandbox() as box:
        with pytest.raises(DialFailed, match=r"(?s)number \+12025550142\. There are:\n  \+12025550100  A barber"):
            await box.dial("+12025550142")
        with pytest.raises(DialFailed, match=r"(?s)reaches no real phone.*\+14155552671.*\+12025550109"):
            await box.dial("+14155552671")
        assert hosts() == []


async def test_webhooks_are_not_its_own() -> None:
    with pytest.raises(WebhookRejected):
        SandboxCarrier().read_webhook(Webhook(url="http://127.0.0.1/", headers={}, body=b""), "call")


async def test_what_the_callee_may_say_is_known_beforehand() -> None:
    carrier = SandboxCarrier()
    assert "Okay. What is your name please?" in carrier.hints(BARBER)
    assert carrier.hints(BUSY) == carrier.hints("+14155552671") == ()


async def test_a_broken_scenario_file_is_told_when_the_carrier_is_made(tmp_path: Path) -> None:
    write_scenario(tmp_path, "")
    with pytest.raises(ConfigError, match="nothing happens"):
        SandboxCarrier(scenario_dirs=[tmp_path])


async def test_a_scenario_removed_since_is_a_dial_that_failed(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, DROPS)
    async with sandbox(tmp_path) as box:
        path.unlink()
        with pytest.raises(DialFailed, match="cannot be read"):
            await box.dial("+12025550151")


async def test_without_speech_the_call_fails_and_says_what_to_install() -> None:
    async with sandbox(speech="coded_speech:NoSpeech") as box:
        _, reports = await box.dial(BARBER)
        end = await reports.end()
        assert (end.reason, end.detail) == (EndReason.DIAL_FAILED, "There is no voice; install one.")


async def test_a_program_that_dies_takes_its_calls_with_it_and_the_next_dial_starts_another() -> None:
    async with sandbox() as box:
        _, reports = await box.dial(SILENT, "a")
        await box.agent.leg("/a")
        (host,) = hosts()
        os.kill(host, signal.SIGKILL)
        assert (await reports.end()).reason is EndReason.MEDIA_LOST
        await box.dial(SILENT, "b")
        await box.agent.leg("/b")


async def test_bookkeeping_that_fails_does_not_disturb_the_calls(caplog: pytest.LogCaptureFixture) -> None:
    async def failing(report: CarrierReport) -> None:
        raise RuntimeError("the disk is full")

    async with sandbox() as box:
        request = DialRequest(
            call_id="a", to_number=SILENT, stream_url=f"{box.agent.url}/a", status_url="", ring_timeout_sec=9,
            time_limit_sec=60,
        )  # fmt: skip
        await box.carrier.dial(request, failing)
        await box.agent.leg("/a")
        await box.carrier.hang_up("a", None)
    assert "a report of the sandbox was not taken" in caplog.text


async def test_ten_calls_at_once_each_have_their_own_callee() -> None:
    async with sandbox() as box:
        numbers = [BARBER, LIBRARY] * 5
        calls = [await box.dial(number, f"c{place}") for place, number in enumerate(numbers)]
        assert len(hosts()) == 1
        for place, number in enumerate(numbers):
            leg = await box.agent.leg(f"/c{place}")
            assert leg.raw[1]["start"]["callSid"] == calls[place][0]
            await leg.until(has_heard(number, box.carrier.hints(number)[0]))
        await box.carrier.aclose()
        assert [(await reports.end()).reason for _, reports in calls] == [EndReason.USER_HUNG_UP] * 10
