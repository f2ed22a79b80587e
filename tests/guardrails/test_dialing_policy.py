"""What may be dialed, number by number."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import phonenumbers
import pytest
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from patter_mcp.errors import CallRefused, ConfigError
from patter_mcp.guardrails.dialing import NUMBER_TYPES, DialingPolicy

COUNTRIES = frozenset({"US", "GB", "DE"})
POLICY = DialingPolicy(countries=COUNTRIES)
EVERYWHERE = DialingPolicy(countries=frozenset(phonenumbers.SUPPORTED_REGIONS), number_types=NUMBER_TYPES)


def refusal(number: str, policy: DialingPolicy = POLICY) -> CallRefused:
    with pytest.raises(CallRefused) as caught:
        policy.check(number)
    return caught.value


@pytest.mark.parametrize(
    "number",
    ["+12025550123", "+442079460018", "+4930901820", "+18005551234", "+447400123456", "+12125550100"],
)
def test_ordinary_numbers_of_allowed_countries_pass(number: str) -> None:
    POLICY.check(number)


REFUSED = {
    "+19002345678": ("number-type", "premium-rate"),
    "+449098790123": ("number-type", "premium-rate"),
    "+448712345678": ("number-type", "premium-rate"),
    "+447012345678": ("number-type", "personal-number"),
    "+15005550006": ("number-type", "personal-number"),
    "+18765551234": ("country", "JM"),
    "+12684601234": ("country", "AG"),
    "+18095551234": ("country", "DO"),
    "+5355551234": ("country", "CU"),
    "+37251234567": ("country", "EE"),
    "+3197012345678": ("country", "NL"),
    "+881612345678": ("country", "Satellite"),
    "+870773123456": ("country", "Satellite"),
    "+88213300123": ("country", "Satellite"),
    "+80012345678": ("country", "Satellite"),
    "+8835100012345": ("invalid", "numbering plan"),
    "+97912345678": ("invalid", "numbering plan"),
    "+4990012345": ("invalid", "numbering plan"),
    "+14735551234": ("invalid", "numbering plan"),
    "+15555550100": ("invalid", "numbering plan"),
    "+447700900123": ("invalid", "numbering plan"),
    "+15550100": ("invalid", "numbering plan"),
    "+99912345678": ("invalid", "numbering plan"),
    "+4402079460018": ("invalid", "+442079460018"),
    "+691320221": ("emergency", "Use a phone"),
    "911": ("format", "short"),
    "+911": ("format", "short"),
    "+1911": ("format", "short"),
    "112": ("format", "short"),
    "+112": ("format", "short"),
    "+44999": ("format", "short"),
    "+49110": ("format", "short"),
    "+1988": ("format", "short"),
    "+1411": ("format", "short"),
    "tel:+12025550123": ("format", "address"),
    "sip:bob@evil": ("format", "address"),
    "client:bob": ("format", "address"),
    "+12025550123;ext=9": ("format", "address"),
    "+12025550123@evil": ("format", "address"),
    "+1202555012\uff13": ("format", "plain digits"),
    "+1 202 555 0123": ("format", "without spaces"),
    "+12025550123\n": ("format", "plain digits"),
}


@pytest.mark.parametrize(("number", "rule", "said"), [(number, *why) for number, why in REFUSED.items()])
def test_each_other_number_is_refused_by_its_rule(number: str, rule: str, said: str) -> None:
    error = refusal(number)
    assert error.rule == rule
    assert said in error.message


def emergency_spellings() -> list[str]:
    spellings: set[str] = set()
    for region in phonenumbers.SUPPORTED_SHORT_REGIONS:
        metadata: Any = PhoneMetadata.short_metadata_for_region(region)
        example = metadata.emergency.example_number if metadata.emergency else None
        if example:
            code = phonenumbers.country_code_for_region(region)
            spaced = " ".join(example)
            spellings |= {example, f"+{example}", f"+{code}{example}", f"+{code}0{example}", f"+{code}00{example}"}
            spellings |= {f"00{code}{example}", f"0{example}", spaced, f"tel:{example}", f"+{code}-{example}"}
    return sorted(spellings)


def test_no_emergency_number_of_any_country_passes_in_any_spelling() -> None:
    spellings = emergency_spellings()
    assert len(spellings) > 1000
    for spelling in spellings:
        refusal(spelling, EVERYWHERE)


def test_no_ordinary_number_is_taken_for_something_else() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        for number_type in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(region, number_type)
            number = phonenumbers.format_number(example, PhoneNumberFormat.E164) if example else ""
            if len(number) >= 9:
                EVERYWHERE.check(number)


def test_no_premium_rate_number_of_any_country_passes() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.PREMIUM_RATE)
        if example:
            number = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            assert refusal(number, EVERYWHERE).rule in ("number-type", "format")


def test_the_country_of_our_own_number_is_the_default() -> None:
    policy = DialingPolicy(from_number="+442079460018")
    policy.check("+447400123456")
    error = refusal("+12025550123", policy)
    assert error.rule == "country"
    assert "add US to `dialing.countries`" in error.message
    assert "allowed is GB" in error.message


def test_a_calling_code_shared_by_countries_opens_none_of_the_others() -> None:
    policy = DialingPolicy(from_number="+12025550100")
    policy.check("+12025550123")
    assert refusal("+18765551234", policy).rule == "country"


@pytest.mark.parametrize("from_number", [None, "+881612345678", "+15555550100"])
def test_with_no_country_known_nothing_is_dialed(from_number: str | None) -> None:
    policy = DialingPolicy(from_number=from_number)
    assert refusal("+881612345679", policy).rule == "country"
    error = refusal("+12025550123", policy)
    assert error.rule == "country"
    assert "`dialing.countries` to US" in error.message


def test_a_number_type_can_be_allowed_but_premium_rate_cannot() -> None:
    assert "add personal-number to `dialing.number_types`" in refusal("+447012345678").message
    DialingPolicy(countries=COUNTRIES, number_types=NUMBER_TYPES).check("+447012345678")
    with pytest.raises(ConfigError):
        DialingPolicy(number_types=frozenset({"premium-rate"}))


def test_denied_numbers_are_not_dialed() -> None:
    policy = DialingPolicy(countries=COUNTRIES, deny=["+12025550123", "+4930*"], allow=["+12025550123", "+1202*"])
    assert [refusal(number, policy).rule for number in ("+12025550123", "+4930901820")] == ["deny", "deny"]
    policy.check("+12025550124")


def test_an_allow_list_leaves_nothing_else_but_opens_nothing_either() -> None:
    policy = DialingPolicy(countries=COUNTRIES, allow=["+12025550123", "+4930*", "+19002345678"])
    for number in ("+12025550123", "+4930901820"):
        policy.check(number)
    assert refusal("+12025550124", policy).rule == "allow"
    assert refusal("+19002345678", policy).rule == "number-type"


def test_our_own_number_is_not_dialed() -> None:
    assert refusal("+12025550100", DialingPolicy(from_number="+12025550100")).rule == "own-number"


@pytest.mark.parametrize("number", ["+15555550100", "+447700900123", "+19002345678"])
def test_the_sandbox_takes_any_number_of_the_right_form(number: str) -> None:
    DialingPolicy.sandbox().check(number)


@pytest.mark.parametrize("number", ["911", "+1911", "tel:+12025550123", "+12025550123\n", "", "\uff11\uff11\uff12"])
def test_even_the_sandbox_minds_the_form(number: str) -> None:
    assert refusal(number, DialingPolicy.sandbox()).rule == "format"


@pytest.mark.parametrize(
    "settings",
    [
        {"countries": {"us"}},
        {"countries": {"001"}},
        {"countries": "US"},
        {"number_types": {"landline"}},
        {"allow": ["12025550123"]},
        {"allow": "+12025550123"},
        {"deny": ["+1 202"]},
        {"deny": ["*"]},
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DialingPolicy(**settings)


def test_the_numbering_plans_are_not_loaded_before_a_number_is_judged() -> None:
    code = "import sys, patter_mcp.guardrails.dialing; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
