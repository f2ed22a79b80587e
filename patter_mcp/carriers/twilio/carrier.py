"""Twilio as a `Carrier`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from urllib.parse import urlsplit

from twilio.twiml.voice_response import Connect, VoiceResponse

from patter_mcp.carriers.base import CarrierReport, DialRequest, ReportSink, StreamCodec, Webhook
from patter_mcp.carriers.media_streams import MediaStreamsCodec
from patter_mcp.carriers.twilio.rest import ANSWER_SEC, BASE_URL, Account, TwilioRest
from patter_mcp.carriers.twilio.webhooks import TwilioWebhooks
from patter_mcp.errors import ConfigError, DialFailed

STATUS_EVENTS = ["initiated", "ringing", "answered", "completed"]
MAX_RING_SEC = 600
"""Twilio's limit for `Timeout`."""


class TwilioCarrier:
    """Calls through one Twilio account. Entered as an async context manager, it is the carrier.

    Args:
        account_sid: `TWILIO_ACCOUNT_SID` if not given.
        auth_token: `TWILIO_AUTH_TOKEN` if not given; it also signs Twilio's requests to us.
        base_url: `TWILIO_BASE_URL` if not given; for proxies, regional endpoints and tests.
        answer_sec: How long Twilio may take to answer a request.

    Raises:
        ConfigError: a credential is missing; the message names its variable.
    """

    name = "twilio"
    simulated = False

    def __init__(
        self,
        *,
        account_sid: str | None = None,
        auth_token: str | None = None,
        base_url: str | None = None,
        answer_sec: float = ANSWER_SEC,
    ) -> None:
        self._account = Account(
            account_sid or _from_environment("TWILIO_ACCOUNT_SID"),
            auth_token or _from_environment("TWILIO_AUTH_TOKEN"),
            base_url or os.environ.get("TWILIO_BASE_URL") or BASE_URL,
        )
        self._webhooks = TwilioWebhooks(self._account.sid, self._account.auth_token)
        self._answer_sec = answer_sec
        self._rest: TwilioRest | None = None

    async def __aenter__(self) -> TwilioCarrier:
        self._rest = TwilioRest(self._account, answer_sec=self._answer_sec)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def needs_public_url(self) -> bool:
        """A stand-in for Twilio on this machine finds us here."""
        return urlsplit(self._account.base_url).hostname not in ("127.0.0.1", "localhost", "::1")

    def codec(self) -> StreamCodec:
        return MediaStreamsCodec()

    def hints(self, to_number: str) -> Sequence[str]:
        return ()

    def check_stream(self, url: str, headers: Mapping[str, str]) -> None:
        self._webhooks.check_stream(url, headers)

    def read_webhook(self, webhook: Webhook, call_id: str) -> CarrierReport:
        return self._webhooks.read(webhook, call_id)

    async def dial(self, request: DialRequest, report: ReportSink) -> str:
        if not request.from_number:
            raise DialFailed("Twilio needs a number of ours to call from: set `phone_number` (PATTER_PHONE_NUMBER).")
        return await self._opened().create(
            {
                "To": request.to_number,
                "From": request.from_number,
                "Twiml": connect_stream(request.stream_url),
                "StatusCallback": request.status_url,
                "StatusCallbackEvent": STATUS_EVENTS,
                "Timeout": str(min(MAX_RING_SEC, round(request.ring_timeout_sec))),
                "TimeLimit": str(round(request.time_limit_sec)),
            }
        )

    async def hang_up(self, call_id: str, carrier_id: str | None) -> None:
        # Without an id the answer to the dial was lost: Twilio's own ring timeout and time limit end the call.
        if carrier_id is not None:
            await self._opened().complete(carrier_id)

    async def under_way(self, to_number: str, from_number: str | None, since: datetime) -> Sequence[str]:
        return await self._opened().under_way(to_number, from_number, since)

    async def send_digits(self, call_id: str, carrier_id: str, digits: str) -> bool:
        # Media Streams have no message for keys, and new TwiML would tear the stream down.
        return False

    async def aclose(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            await rest.aclose()

    def _opened(self) -> TwilioRest:
        if self._rest is None:
            raise ConfigError("The carrier is not open: enter it with `async with` first.")
        return self._rest


def connect_stream(stream_url: str) -> str:
    """TwiML that hands the call's audio to our websocket; when that closes, the call ends."""
    response = VoiceResponse()
    connect = Connect()
    connect.stream(url=stream_url)
    response.append(connect)
    return str(response)


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise ConfigError(f'Calls through Twilio need {variable}; set it, or choose `carrier = "sandbox"`.')
    return value
