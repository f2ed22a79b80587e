"""What Twilio sends us, judged before it is read: the signature first, then known fields only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

from patter_mcp.carriers.base import CarrierReport, Webhook
from patter_mcp.errors import WebhookRejected
from patter_mcp.types import AnsweredBy, CallState, EndReason

SIGNATURE = "x-twilio-signature"
_CALL_SID = re.compile(r"CA[0-9a-f]{32}")

_STATES: Mapping[str, tuple[CallState, EndReason | None]] = {
    "queued": (CallState.DIALING, None),
    "initiated": (CallState.DIALING, None),
    "ringing": (CallState.RINGING, None),
    "in-progress": (CallState.IN_PROGRESS, None),
    "completed": (CallState.ENDED, EndReason.USER_HUNG_UP),
    "busy": (CallState.ENDED, EndReason.BUSY),
    "no-answer": (CallState.ENDED, EndReason.NO_ANSWER),
    "failed": (CallState.ENDED, EndReason.DIAL_FAILED),
    "canceled": (CallState.ENDED, EndReason.CANCELED),
}
"""`CallStatus` of a status callback (twilio.com/docs/voice/api/call-resource)."""

_ANSWERED_BY: Mapping[str, AnsweredBy] = {
    "human": "human",
    "machine_start": "voicemail",
    "machine_end_beep": "voicemail",
    "machine_end_silence": "voicemail",
    "machine_end_other": "voicemail",
    "unknown": "unknown",
}


class TwilioWebhooks:
    """Reads one account's webhooks."""

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self._account_sid = account_sid
        self._validator = RequestValidator(auth_token)

    def check_stream(self, url: str, headers: Mapping[str, str]) -> None:
        """The upgrade of a media stream is signed over the wss:// URL as we gave it.

        Raises:
            WebhookRejected: it is not Twilio's.
        """
        if not self._validator.validate(url, {}, headers.get(SIGNATURE, "")):
            raise WebhookRejected("A media stream bears no valid signature.")

    def read(self, webhook: Webhook, call_id: str) -> CarrierReport:
        """Raises:
        WebhookRejected: it is not Twilio's, or not about a call of ours.
        """
        form = self._form(webhook)
        state, reason = _STATES[form["CallStatus"]] if form.get("CallStatus") in _STATES else (None, None)
        sid = form.get("CallSid", "")
        if state is None or form.get("AccountSid") != self._account_sid or not _CALL_SID.fullmatch(sid):
            raise WebhookRejected("A status report lacks a known status, our account or a call.")
        return CarrierReport(
            call_id=call_id,
            state=state,
            carrier_id=sid,
            reason=reason,
            answered_by=_ANSWERED_BY.get(form.get("AnsweredBy", "")),
        )

    def _form(self, webhook: Webhook) -> Mapping[str, str]:
        try:
            fields = parse_qsl(webhook.body.decode("ascii"), keep_blank_values=True, max_num_fields=200)
        except ValueError as error:
            raise WebhookRejected("A webhook's form cannot be read.") from error
        # Twilio signs empty values and repeated names too: all of them count for the signature.
        params: dict[str, str | list[str]] = {}
        for name, value in fields:
            held = params.get(name)
            params[name] = value if held is None else [*([held] if isinstance(held, str) else held), value]
        if not self._validator.validate(webhook.url, params, webhook.headers.get(SIGNATURE, "")):
            raise WebhookRejected("A webhook bears no valid signature.")
        return {name: value for name, value in params.items() if isinstance(value, str)}
