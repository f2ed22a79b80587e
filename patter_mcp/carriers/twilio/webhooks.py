"""What Twilio sends us, judged before it is read: the signature first, then known fields only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from patter_mcp.carriers.base import CarrierReport, Webhook
from patter_mcp.carriers.twilio.signature import HEADER, is_signed
from patter_mcp.errors import WebhookRejected
from patter_mcp.types import AnsweredBy, CallState, EndReason

MAX_FIELDS = 200
"""Twilio sends about 20."""
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
        self._auth_token = auth_token

    def check_stream(self, url: str, headers: Mapping[str, str]) -> None:
        """The upgrade of a media stream is signed over the wss:// URL as we gave it.

        Raises:
            WebhookRejected: it is not Twilio's.
        """
        if not is_signed(self._auth_token, url, (), headers.get(HEADER, "")):
            raise WebhookRejected("A media stream bears no valid signature.")

    def read(self, webhook: Webhook, call_id: str) -> CarrierReport:
        """Raises:
        WebhookRejected: it is not Twilio's, or not about a call of ours.
        """
        form = self._form(webhook)
        status, sid = form.get("CallStatus", ""), form.get("CallSid", "")
        if status not in _STATES or form.get("AccountSid") != self._account_sid or not _CALL_SID.fullmatch(sid):
            raise WebhookRejected("A status report lacks a known status, our account or a call.")
        state, reason = _STATES[status]
        return CarrierReport(
            call_id=call_id,
            state=state,
            carrier_id=sid,
            reason=reason,
            answered_by=_ANSWERED_BY.get(form.get("AnsweredBy", "")),
        )

    def _form(self, webhook: Webhook) -> Mapping[str, str]:
        """The fields, once they are known to be Twilio's; it signs empty ones too."""
        try:
            fields = parse_qsl(webhook.body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError as error:
            raise WebhookRejected("A webhook's form cannot be read.") from error
        if not is_signed(self._auth_token, webhook.url, fields, webhook.headers.get(HEADER, "")):
            raise WebhookRejected("A webhook bears no valid signature.")
        return dict(fields)
