"""Guardrails: what counts as a blocked term, and how a function becomes a guardrail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.errors import ConfigError
from patter_mcp.guardrails.base import DEFAULT_REPLACEMENT, Guardrail, Verdict, guardrail


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("refund", "A refund is due."),
        ("refund", "REFUND"),
        ("Refund", "no refund!"),
        ("full refund", "We owe a full   refund"),
        ("full refund", "We owe a FULL\nREFUND."),
        ("straße", "Die STRASSE dort"),
        ("refund", "\uff32\uff45\uff46\uff55\uff4e\uff44"),
        ("\ufb01ne", "a fine"),
        ("c++", "Write C++ now"),
        (".net", "use .NET"),
        ("100%", "we are 100% sure"),
    ],
)
def test_a_blocked_term_is_found_whatever_its_case_spacing_and_width(term: str, text: str) -> None:
    assert Guardrail("terms", blocked_terms=[term]).has_blocked_term(text)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("ass", "Your assistant"),
        ("ass", "class"),
        ("full refund", "full, refund"),
        ("c++", "c"),
        ("a.c", "abc"),
        ("refund", "re fund"),
    ],
)
def test_a_blocked_term_is_not_found_inside_other_words(term: str, text: str) -> None:
    assert not Guardrail("terms", blocked_terms=[term]).has_blocked_term(text)


@settings(deadline=None)
@given(term=st.text(min_size=1).filter(str.strip), before=st.sampled_from(["", "we say ", "("]))
def test_any_term_is_found_where_it_stands_alone(term: str, before: str) -> None:
    assert Guardrail("terms", blocked_terms=[term]).has_blocked_term(f"{before}{term} .")


def test_a_bare_decorator_names_the_guardrail_after_the_function() -> None:
    @guardrail
    def no_prices(text: str) -> bool:
        return "$" in text

    assert isinstance(no_prices, Guardrail)
    assert (no_prices.name, no_prices.replacement) == ("no_prices", DEFAULT_REPLACEMENT)


def test_a_decorator_with_arguments_sets_name_and_replacement() -> None:
    @guardrail(name="prices", replacement="Let me ask.")
    async def no_prices(text: str) -> bool:
        return "$" in text

    assert (no_prices.name, no_prices.replacement) == ("prices", "Let me ask.")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"blocked_terms": []},
        {"blocked_terms": ["fine", "  "]},
        {"blocked_terms": "one string"},
        {"check": "not callable"},
    ],
)
def test_a_guardrail_that_cannot_work_is_refused_at_once(arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="terms"):
        Guardrail("terms", **arguments)  # pyright: ignore[reportArgumentType]


def test_a_verdict_says_what_became_of_the_text() -> None:
    assert Verdict(text="Hello").action == "passed"
    assert Verdict(text="Sorry", guardrail="terms").action == "replaced"
    assert Verdict(text="", guardrail="terms").action == "blocked"
