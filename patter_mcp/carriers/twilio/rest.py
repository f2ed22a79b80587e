"""The two requests a call takes at Twilio: place it, end it.

Plain HTTP rather than the SDK's client, whose async transport has no timeouts (twilio 9.13: `timeout=None` is
passed on every request), and a call being hung up must not wait for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import httpx

from patter_mcp.errors import CarrierAuthError, CarrierError, DialFailed

API_VERSION = "2010-04-01"
BASE_URL = "https://api.twilio.com"
CONNECT_SEC = 5.0
ANSWER_SEC = 15.0
HANG_UP_PAUSES_SEC = (0.2, 0.5, 1.0)
"""Between attempts to end a call, which may be repeated freely; placing one may not."""

LIST_SIZE = 50
CLOCK_SLACK_SEC = 5.0
"""How far Twilio's clock, which counts whole seconds, may be behind ours."""
_UNDER_WAY = frozenset({"queued", "initiated", "ringing", "in-progress"})

_HINTS: Mapping[int, str] = {
    20003: "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
    21210: "The caller id must be a number you bought at Twilio or verified there.",
    21212: "The caller id is not a valid number; check `phone_number`.",
    21203: "International calls are switched off; allow the country under Voice > Geographic permissions.",
    21215: "Allow the country under Voice > Geographic permissions.",
    21216: "Twilio blocks this number; do not try again.",
    21219: "A trial account can only call numbers verified in its console.",
    21264: "The caller id is not verified.",
    10004: "The account's limit of calls at once is reached.",
}
"""What to do about the errors people meet (twilio.com/docs/api/errors)."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_OVER = frozenset({20404, 21220})
"""Codes that say a call is no longer there to be ended."""


@dataclass(frozen=True, slots=True)
class Account:
    sid: str
    auth_token: str = field(repr=False)
    base_url: str


class TwilioRest:
    """One account's calls. Shared; close it in the end."""

    def __init__(self, account: Account, *, answer_sec: float = ANSWER_SEC) -> None:
        self._calls = f"/{API_VERSION}/Accounts/{account.sid}/Calls"
        self._http = httpx.AsyncClient(
            base_url=account.base_url,
            auth=(account.sid, account.auth_token),
            timeout=httpx.Timeout(answer_sec, connect=CONNECT_SEC),
            trust_env=False,
        )

    async def create(self, form: Mapping[str, str | list[str]]) -> str:
        """Places a call and returns its sid.

        Raises:
            DialFailed: Twilio says no; nothing rings.
            CarrierAuthError: the credentials are wrong.
            CarrierError: no clear answer; something may ring.
        """
        try:
            response = await self._http.post(f"{self._calls}.json", data=form)
        except _NEVER_SENT as error:
            raise DialFailed("Twilio cannot be reached; nothing was dialed.", retryable=True) from error
        except httpx.HTTPError as error:
            raise CarrierError("Twilio did not answer; whether the phone rings is unknown.") from error
        if response.status_code >= 500:
            raise CarrierError(f"Twilio failed ({response.status_code}); whether the phone rings is unknown.")
        body = _json(response)
        if response.status_code >= 400:
            raise _refusal(response.status_code, body)
        sid = body.get("sid")
        if not isinstance(sid, str):
            raise CarrierError("Twilio's answer names no call; whether the phone rings is unknown.")
        return sid

    async def complete(self, sid: str) -> None:
        """Ends a call in whatever state it is.

        Raises:
            CarrierError: the line may still be open.
        """
        pauses_sec = iter(HANG_UP_PAUSES_SEC)
        while (failure := await self._complete(sid)) is not None:
            pause_sec = next(pauses_sec, None)
            if pause_sec is None or not failure.retryable:
                raise failure
            await anyio.sleep(pause_sec)

    async def _complete(self, sid: str) -> CarrierError | None:
        try:
            response = await self._http.post(f"{self._calls}/{sid}.json", data={"Status": "completed"})
        except httpx.HTTPError:
            return CarrierError("Twilio did not answer a hang-up.", retryable=True)
        status = response.status_code
        if status < 400 or status == 404 or _json(response).get("code") in _OVER:
            return None
        return CarrierError(f"Twilio refused a hang-up ({status}).", retryable=status >= 500 or status == 429)

    async def under_way(self, to_number: str, from_number: str | None, since: datetime) -> list[str]:
        """Sids of calls to a number that were created since then and are not over, of the latest `LIST_SIZE`.

        Raises:
            CarrierError: Twilio does not say.
        """
        query = {"To": to_number, "PageSize": str(LIST_SIZE)} | ({"From": from_number} if from_number else {})
        try:
            response = await self._http.get(f"{self._calls}.json", params=query)
        except httpx.HTTPError as error:
            raise CarrierError("Twilio did not answer when asked for calls under way.", retryable=True) from error
        if response.status_code != 200:
            raise CarrierError(f"Twilio refused to list calls ({response.status_code}).")
        earliest = since - timedelta(seconds=CLOCK_SLACK_SEC)
        return [
            call["sid"]
            for call in _json(response).get("calls", ())
            if call["status"] in _UNDER_WAY and parsedate_to_datetime(call["date_created"]) >= earliest
        ]

    async def aclose(self) -> None:
        await self._http.aclose()


def _refusal(status: int, body: Mapping[str, Any]) -> DialFailed | CarrierAuthError:
    code = body.get("code")
    said = body.get("message") or f"HTTP status {status}"
    hint = _HINTS.get(code, "") if isinstance(code, int) else ""
    message = f"Twilio did not place the call: {said} {hint}".strip()
    if status == 401:
        return CarrierAuthError(message)
    return DialFailed(message, retryable=status == 429)


def _json(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
