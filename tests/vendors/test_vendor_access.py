from __future__ import annotations

import pytest

from patter_mcp.vendors.access import api_key, base_url, http_url, websocket_url


def test_the_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "environment")
    monkeypatch.setenv("ACME_BASE_URL", "http://environment/")
    assert api_key("argument", "ACME_API_KEY") == "argument"
    assert api_key(None, "ACME_API_KEY") == "environment"
    assert base_url("http://argument/eu/", "ACME_BASE_URL", "http://default") == "http://argument/eu"
    assert base_url(None, "ACME_BASE_URL", "http://default") == "http://environment"


@pytest.mark.parametrize("given", ["http://a/v1", "http://a/v1/", "http://a/", "http://a"])
def test_version_of_the_api_may_be_named_where_our_paths_bring_it(given: str) -> None:
    assert base_url(given, "ACME_BASE_URL", "http://default") == "http://a"


def test_version_is_a_part_of_addresses_that_are_known_with_it() -> None:
    assert base_url("http://a/v1/", "ACME_BASE_URL", "http://default/v1") == "http://a/v1"
    assert base_url("http://a/", "ACME_BASE_URL", "http://default/v1") == "http://a"


def test_an_empty_variable_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "")
    monkeypatch.setenv("ACME_BASE_URL", "")
    with pytest.raises(ValueError, match="ACME_API_KEY"):
        api_key(None, "ACME_API_KEY")
    assert base_url(None, "ACME_BASE_URL", "http://default") == "http://default"


@pytest.mark.parametrize("url", ["a.example", "ftp://a.example", "localhost:8080"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="ACME_BASE_URL"):
        base_url(url, "ACME_BASE_URL", "http://default")


@pytest.mark.parametrize(
    ("base", "websocket", "http"),
    [
        ("https://a.example", "wss://a.example/x", "https://a.example/x"),
        ("http://a.example:8080/v1", "ws://a.example:8080/v1/x", "http://a.example:8080/v1/x"),
        ("wss://a.example", "wss://a.example/x", "https://a.example/x"),
        ("WS://a.example", "ws://a.example/x", "http://a.example/x"),
    ],
)
def test_one_address_serves_both_protocols(base: str, websocket: str, http: str) -> None:
    assert websocket_url(base, "/x") == websocket
    assert http_url(base, "/x") == http


def test_sequences_become_repeated_parameters_and_text_is_quoted() -> None:
    query = {"keyterm": ["Bella Napoli", "a&b"], "n": "1"}
    assert websocket_url("ws://a", "/x", query) == "ws://a/x?keyterm=Bella+Napoli&keyterm=a%26b&n=1"
