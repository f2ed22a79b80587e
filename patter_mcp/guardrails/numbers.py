"""What the numbering plans of the world say about a number, by Google's phonenumbers metadata.

Imported late, by `guardrails.dialing`: phonenumbers takes about 30 ms to import, its data for a country a few more.
"""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, shortnumberinfo

_TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed-line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed-line-or-mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium-rate",
    PhoneNumberType.SHARED_COST: "shared-cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal-number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}

_MAX_EMERGENCY_DIGITS = 6
"""The longest emergency numbers of the metadata (Eritrea, Micronesia, Niger) have six digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFacts:
    valid: bool
    """Such a number can exist; whether it is in use is another matter."""
    canonical: str
    """E.164, without a national prefix that does not belong there."""
    region: str | None
    """ISO 3166 code; "001" for satellite and global services. Not the calling code: +1 is 25 countries."""
    number_type: str
    emergency: bool
    """A country's emergency number with its calling code in front."""


def facts_of(number: str) -> NumberFacts:
    """The facts about a string in E.164 form."""
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return NumberFacts(valid=False, canonical=number, region=None, number_type="unknown", emergency=False)
    return NumberFacts(
        valid=phonenumbers.is_valid_number(parsed),
        canonical=phonenumbers.format_number(parsed, PhoneNumberFormat.E164),
        region=phonenumbers.region_code_for_number(parsed),
        number_type=_TYPES.get(phonenumbers.number_type(parsed), "unknown"),
        emergency=_is_emergency(parsed),
    )


def _is_emergency(parsed: PhoneNumber) -> bool:
    """Compares the whole national number: ordinary numbers may well begin with 112."""
    national = phonenumbers.national_significant_number(parsed)
    if len(national.lstrip("0")) > _MAX_EMERGENCY_DIGITS:
        return False
    regions = phonenumbers.region_codes_for_country_code(parsed.country_code or 0)
    spellings = {national, national.lstrip("0")}
    return any(shortnumberinfo.is_emergency_number(spelling, region) for spelling in spellings for region in regions)
