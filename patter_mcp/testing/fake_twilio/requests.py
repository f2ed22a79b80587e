"""What Twilio sends to its customer, signed by Twilio's own library."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from twilio.request_validator import RequestValidator


class SignedRequests:
    """Requests in the name of one account."""

    def __init__(self, account_sid: str, auth_token: str, http: httpx.AsyncClient) -> None:
        self.account_sid = account_sid
        self._validator = RequestValidator(auth_token)
        self._http = http

    def headers(self, url: str, fields: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """For a form POSTed to that URL; without fields for a websocket's upgrade."""
        return {"X-Twilio-Signature": self._validator.compute_signature(url, dict(fields or {}))}

    async def post(self, url: str, fields: Mapping[str, str]) -> int:
        """The HTTP status of the answer; 0 when there was none."""
        try:
            response = await self._http.post(url, data=dict(fields), headers=self.headers(url, fields))
        except httpx.HTTPError:
            return 0
        return response.status_code
