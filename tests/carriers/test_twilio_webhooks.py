"""Twilio's signature, against its own library and known vectors; status reports, against anything."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from patter_mcp.carriers.base import CarrierReport, Webhook
from patter_mcp.carriers.twilio.signature import is_signed, sign
from patter_mcp.carriers.twilio.webhooks import TwilioWebhooks
from patter_mcp.errors import WebhookRejected
from patter_mcp.types import CallState, EndReason

TOKEN = "12345"
ACCOUNT = "AC" + "1" * 32
SID = "CA" + "a" * 32
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
STREAM = "wss://voice.example.com/media/AbC123"
STREAM_SIGNATURE = "nUhjYgfGxo05xYVSv4GWuxErte4="
WEBHOOKS = TwilioWebhooks(ACCOUNT, TOKEN)


def report(form: dict[str, str], url: str = "https://h.example/status", signature: str | None = None) -> CarrierReport:
    body = urlencode(form).encode()
    headers = {"x-twilio-signature": sign(TOKEN, url, list(form.items())) if signature is None else signature}
    return WEBHOOKS.read(Webhook(url=url, headers=headers, body=body), "call_1")


# Vectors: the first is of Twilio's documentation, the others were made with its library, 9.13.


def test_the_documented_vector_is_accepted() -> None:
    assert is_signed(TOKEN, URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@pytest.mark.parametrize(
    ("form", "signature"),
    [
        ([*FORM[:2], ("Digits", "9"), *FORM[3:]], "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ([*FORM, ("X", "")], "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (FORM, ""),
        (FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B9="),
    ],
)
def test_a_changed_form_or_signature_is_not(form: list[tuple[str, str]], signature: str) -> None:
    assert not is_signed(TOKEN, URL, form, signature)


def test_the_stream_vectors() -> None:
    WEBHOOKS.check_stream(STREAM, {"x-twilio-signature": STREAM_SIGNATURE})
    assert sign(TOKEN, "wss://host.example/stream") == "1R8yZ4lpb1urnmkg6ceTja8/ysg="
    assert sign(TOKEN, "wss://host.example/stream/") == "5ixfH3rfu7JyR5IyrnniUINVFqQ="


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (STREAM.replace("wss", "https"), STREAM_SIGNATURE),
        (STREAM + "/", STREAM_SIGNATURE),
        (STREAM[:-1] + "4", STREAM_SIGNATURE),
        (STREAM, ""),
        (STREAM, "ñ"),
    ],
)
def test_streams_that_are_not_twilios(url: str, signature: str) -> None:
    with pytest.raises(WebhookRejected):
        WEBHOOKS.check_stream(url, {"x-twilio-signature": signature})


def test_a_stream_without_the_header_is_not_twilios() -> None:
    with pytest.raises(WebhookRejected):
        WEBHOOKS.check_stream(STREAM, {})


@pytest.mark.parametrize(
    ("given_as", "signed_as"),
    [
        ("https://h.example:443/a?b=c", "https://h.example/a?b=c"),
        ("https://h.example/a?b=c", "https://h.example:443/a?b=c"),
        ("https://h.example:8443/a", "https://h.example/a"),
        ("wss://h.example/a", "wss://h.example:443/a"),
        ("wss://[2001:db8::1]:8443/a", "wss://[2001:db8::1]/a"),
    ],
)
def test_a_port_may_be_signed_or_left_out(given_as: str, signed_as: str) -> None:
    assert is_signed(TOKEN, given_as, (), sign(TOKEN, signed_as))


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text(min_size=1))
def test_we_sign_as_twilios_library_does(form: dict[str, str], token: str) -> None:
    assert sign(token, URL, list(form.items())) == RequestValidator(token).compute_signature(URL, form)


def test_repeated_fields_are_signed_each_and_sorted() -> None:
    assert sign(TOKEN, URL, [("b", "2"), ("a", "z"), ("b", "1"), ("b", "2")]) == sign(TOKEN, URL, [("az", "b1b2")])


# Reports.


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("queued", CallState.DIALING, None),
        ("initiated", CallState.DIALING, None),
        ("ringing", CallState.RINGING, None),
        ("in-progress", CallState.IN_PROGRESS, None),
        ("completed", CallState.ENDED, EndReason.USER_HUNG_UP),
        ("busy", CallState.ENDED, EndReason.BUSY),
        ("no-answer", CallState.ENDED, EndReason.NO_ANSWER),
        ("failed", CallState.ENDED, EndReason.DIAL_FAILED),
        ("canceled", CallState.ENDED, EndReason.CANCELED),
    ],
)
def test_every_status_has_its_state(status: str, state: CallState, reason: EndReason | None) -> None:
    said = report({"CallSid": SID, "AccountSid": ACCOUNT, "CallStatus": status, "ForwardedFrom": ""})
    assert (said.call_id, said.carrier_id, said.state, said.reason) == ("call_1", SID, state, reason)


FIELDS = st.sampled_from(["CallSid", "AccountSid", "CallStatus", "AnsweredBy", "To", "CallSidCallStatus"])
VALUES = st.one_of(st.text(), st.sampled_from([SID, ACCOUNT, "completed", "human", ""]))


@given(st.dictionaries(FIELDS, VALUES))
def test_a_signed_form_is_a_report_of_our_account_or_rejected(form: dict[str, str]) -> None:
    try:
        said = report(form)
    except WebhookRejected:
        return
    assert (form["AccountSid"], form["CallSid"]) == (ACCOUNT, said.carrier_id)


@given(st.binary(max_size=300), st.text(max_size=40))
def test_no_body_does_more_than_be_rejected(body: bytes, signature: str) -> None:
    with pytest.raises(WebhookRejected):
        WEBHOOKS.read(Webhook(url=URL, headers={"x-twilio-signature": signature}, body=body), "call_1")


@given(st.binary(max_size=300))
def test_a_signature_over_nonsense_makes_no_report(body: bytes) -> None:
    text = body.decode("ascii", errors="replace")
    signature = sign(TOKEN, URL, parse_qsl(text, keep_blank_values=True))
    with pytest.raises(WebhookRejected):
        WEBHOOKS.read(Webhook(url=URL, headers={"x-twilio-signature": signature}, body=body), "call_1")


def test_a_form_with_thousands_of_fields_is_not_read() -> None:
    with pytest.raises(WebhookRejected, match="cannot be read"):
        report({f"f{number}": "" for number in range(1000)})


def test_moving_letters_between_fields_makes_no_other_report() -> None:
    """Names and values are signed without anything between them."""
    form = {"AccountSid": ACCOUNT, "CallSid": SID, "CallStatus": "busy"}
    signature = sign(TOKEN, URL, list(form.items()))
    moved = {"AccountSid": f"{ACCOUNT}CallSid{SID}CallStatusbusy"}
    assert sign(TOKEN, URL, list(moved.items())) == signature
    with pytest.raises(WebhookRejected, match="lacks"):
        report(moved, URL, signature)
