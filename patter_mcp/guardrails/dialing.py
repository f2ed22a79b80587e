"""Who may be called: the one path by which a request from outside becomes a `CallRequest`, and the dialing policy.

Above: `server`, the library and the command line (`check_request`), `calls` (`DialingPolicy.check`, before
every dial and transfer). Each refusal names the rule and says what to do. What needs a memory (hours,
caps, budget) is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from patter_mcp.errors import CallRefused, ConfigError
from patter_mcp.guardrails.text import has_control, without_hidden
from patter_mcp.types import DEFAULT_MAX_DURATION_SEC, MAX_MAX_DURATION_SEC, MIN_MAX_DURATION_SEC, CallRequest

E164 = re.compile(r"\+[1-9][0-9]{7,14}")
"""To be matched in full. At least eight digits: no emergency or short number is that long."""

MAX_GOAL_CHARS = 4000
MAX_FIRST_MESSAGE_CHARS = 1000

_FIELDS = ("to", "goal", "first_message", "max_duration_sec")
_EXAMPLE = "Give it with + and country code, such as +14155552671."


def check_request(
    arguments: Mapping[str, object],
    *,
    principal: str = "local",
    goal: str = "",
    first_message: str = "",
    max_duration_sec: int = DEFAULT_MAX_DURATION_SEC,
) -> CallRequest:
    """Turns the arguments of `make_phone_call` into a request; the keywords are what holds where one is not given.

    A wrong type is refused rather than guessed at. None counts as not given.

    Raises:
        CallRefused: `rule` is the name of the argument, or "arguments" for one that does not exist.
    """
    _check_names(arguments)
    given = {name: value for name, value in arguments.items() if value is not None}
    return CallRequest(
        to_number=_checked_number(given.get("to")),
        goal=_checked_text("goal", given.get("goal", goal), MAX_GOAL_CHARS),
        first_message=_checked_text(
            "first_message", given.get("first_message", first_message), MAX_FIRST_MESSAGE_CHARS
        ),
        max_duration_sec=_checked_duration(given.get("max_duration_sec", max_duration_sec)),
        principal=principal,
    )


def _check_names(arguments: Mapping[str, object]) -> None:
    unknown = [name for name in arguments if name not in _FIELDS]
    if unknown:
        shown = ", ".join(repr(name)[:40] for name in unknown[:5])
        raise CallRefused(f"Unknown argument {shown}. Known are: {', '.join(_FIELDS)}.", rule="arguments")


def _checked_number(value: object) -> str:
    if value is None:
        raise CallRefused(f"'to' is missing: the number to call. {_EXAMPLE}", rule="to")
    if not isinstance(value, str):
        raise CallRefused(f"'to' must be a string, not {_kind(value)}. {_EXAMPLE}", rule="to")
    problem = _format_problem(value)
    if problem:
        raise CallRefused(f"'to' {problem}", rule="to")
    return value


def _checked_text(name: str, value: object, max_chars: int) -> str:
    if not isinstance(value, str):
        raise CallRefused(f"'{name}' must be a string, not {_kind(value)}.", rule=name)
    if len(value) > max_chars:
        message = f"'{name}' has {len(value):,} characters; at most {max_chars:,} are allowed. Shorten it."
        raise CallRefused(message, rule=name)
    if has_control(value):
        message = (
            f"'{name}' contains control characters or pieces of broken ones. Write it again without them; line feed "
            "and tab are allowed."
        )
        raise CallRefused(message, rule=name)
    return without_hidden(value)


def _checked_duration(value: object) -> int:
    expected = f"a whole number of seconds from {MIN_MAX_DURATION_SEC} to {MAX_MAX_DURATION_SEC}"
    if isinstance(value, float) and value.is_integer():
        # To JSON Schema 60.0 is an integer, and there are clients that write it so.
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"'max_duration_sec' must be {expected}, not {_kind(value)}; write 60, not \"60\" or 60.5."
        raise CallRefused(message, rule="max_duration_sec")
    if not MIN_MAX_DURATION_SEC <= value <= MAX_MAX_DURATION_SEC:
        raise CallRefused(f"'max_duration_sec' must be {expected}.", rule="max_duration_sec")
    return value


_KINDS: Mapping[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a decimal",
    list: "an array",
    dict: "an object",
}
"""In the words of JSON: whoever reads a refusal need not know Python."""


def _kind(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)


_SEPARATORS = re.compile(r"[ ().\-/\u00a0]")

_ADVICE = tuple(
    (re.compile(pattern), advice)
    for pattern, advice in (
        (r"", f"is empty. {_EXAMPLE}"),
        (r"\+?[0-9]{1,6}", f"is too short; emergency and other short numbers are never dialed from here. {_EXAMPLE}"),
        (r"[\s\S]{41,}", f"is far too long for a phone number. {_EXAMPLE}"),
        (r"[\s\S]*[^ -~][\s\S]*", f"contains characters that are not plain digits. {_EXAMPLE}"),
        (r"[A-Za-z]+:.*|.*[@;].*", f"is an address; leave out all but the number. {_EXAMPLE}"),
        (r".*[A-Za-z].*", f"contains letters. {_EXAMPLE}"),
        (r"00[1-9][0-9]+", "begins with 00; write + in its place."),
        (r"\+0.*", f"has a 0 after the +, where the country code belongs. {_EXAMPLE}"),
        (r"[0-9]{7,15}", f"has no country code. {_EXAMPLE}"),
        (r"\+[0-9]{7}", f"is too short: with its country code a number has at least 8 digits. {_EXAMPLE}"),
        (r"\+?[0-9]{16,}", f"is too long: with its country code a number has at most 15 digits. {_EXAMPLE}"),
        (r"[\s\S]*", f"is not a phone number. {_EXAMPLE}"),
    )
)
"""What is wrong with a number once separators are left out; the first pattern that matches it in full says so."""


def _format_problem(number: str) -> str | None:
    """What is wrong with the form of a number and what to do; None if nothing is."""
    if E164.fullmatch(number):
        return None
    compact = _SEPARATORS.sub("", number)
    if E164.fullmatch(compact):
        return f"must be written without spaces and punctuation: {compact}."
    return next(advice for pattern, advice in _ADVICE if pattern.fullmatch(compact))


NEVER_DIALED = frozenset({"premium-rate"})
DEFAULT_NUMBER_TYPES = frozenset({"fixed-line", "mobile", "fixed-line-or-mobile", "toll-free", "voip"})
NUMBER_TYPES = DEFAULT_NUMBER_TYPES | {"shared-cost", "personal-number", "pager", "uan", "voicemail"}

_COUNTRY = re.compile(r"[A-Z]{2}")
_LISTED = re.compile(r"\+[1-9][0-9]{0,14}\*?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DialingPolicy:
    """What may be dialed, as far as the number itself tells. Emergency and premium-rate numbers never may."""

    from_number: str | None = None
    """Our own number, E.164."""
    countries: Collection[str] = ()
    """ISO 3166 codes ("US", "GB") of the countries that may be called. Empty: the one `from_number` belongs to."""
    number_types: Collection[str] = DEFAULT_NUMBER_TYPES
    """Of `NUMBER_TYPES`."""
    deny: Collection[str] = ()
    """Numbers ("+14155552671") and beginnings of numbers ("+1415*") that are never dialed."""
    allow: Collection[str] = ()
    """When given, nothing else is dialed; the other rules hold for these too. Written as in `deny`."""
    format_only: bool = False
    """Checks nothing but the form: for a carrier behind which there are no phones."""

    def __post_init__(self) -> None:
        _check_setting("countries", self.countries, _COUNTRY.fullmatch, 'two-letter codes such as "US"')
        _check_setting("number_types", self.number_types, NUMBER_TYPES.__contains__, ", ".join(sorted(NUMBER_TYPES)))
        for name, entries in (("allow", self.allow), ("deny", self.deny)):
            _check_setting(
                name, entries, _LISTED.fullmatch, 'numbers such as "+14155552671" or beginnings such as "+1415*"'
            )

    @classmethod
    def sandbox(cls) -> DialingPolicy:
        """For the simulated phone network, whose numbers are fictional."""
        return cls(format_only=True)

    def check(self, to_number: str) -> None:
        """Returns if the number may be dialed; the first rule against it refuses.

        Raises:
            CallRefused: `rule` is one of format, emergency, invalid, country, number-type, own-number, deny, allow.
        """
        problem = _format_problem(to_number)
        if problem:
            raise CallRefused(f"The number {problem}", rule="format")
        if not self.format_only:
            self._check_facts(to_number)
            self._check_lists(to_number)

    def _check_facts(self, to_number: str) -> None:
        from patter_mcp.guardrails.numbers import facts_of  # noqa: PLC0415

        facts = facts_of(to_number)
        if facts.emergency:
            raise CallRefused("Emergency numbers are never dialed from here. Use a phone.", rule="emergency")
        if facts.canonical != to_number:
            raise CallRefused(f"The number has a national prefix; write it as {facts.canonical}.", rule="invalid")
        if not facts.valid:
            raise CallRefused(
                "No such number exists in its country's numbering plan. Check the digits.", rule="invalid"
            )
        self._check_country(facts.region)
        _check_type(facts.number_type, self.number_types)

    def _check_country(self, region: str | None) -> None:
        if region == "001":
            message = "Satellite phones and global services are never dialed: they belong to no country."
            raise CallRefused(message, rule="country")
        allowed = self.countries or self._own_country()
        if region in allowed:
            return
        if not allowed:
            message = (
                "No country is allowed yet. Set `phone_number`, our own number, whose country then is, or "
                f"`dialing.countries` to {region}."
            )
        else:
            named = ", ".join(sorted(allowed))
            message = (
                f"The number is in {region}; allowed is {named}. To call there, add {region} to `dialing.countries`."
            )
        raise CallRefused(message, rule="country")

    def _own_country(self) -> Collection[str]:
        from patter_mcp.guardrails.numbers import facts_of  # noqa: PLC0415

        region = facts_of(self.from_number).region if self.from_number else None
        return () if region in (None, "001") else (region,)

    def _check_lists(self, to_number: str) -> None:
        if to_number == self.from_number:
            raise CallRefused(
                "This is our own number: the call would reach itself. Give another one.", rule="own-number"
            )
        if _is_listed(to_number, self.deny):
            raise CallRefused(
                "The number is on the `dialing.deny` list. To allow it, take it off that list.", rule="deny"
            )
        if self.allow and not _is_listed(to_number, self.allow):
            message = "Only numbers on the `dialing.allow` list are dialed. To allow this one, add it to that list."
            raise CallRefused(message, rule="allow")


def _check_type(number_type: str, allowed: Collection[str]) -> None:
    if number_type in NEVER_DIALED:
        raise CallRefused(f"This is a {number_type} number; those are never dialed.", rule="number-type")
    if number_type in allowed:
        return
    message = f"This is a number of type {number_type}, which is not dialed."
    if number_type in NUMBER_TYPES:
        message += f" To allow it, add {number_type} to `dialing.number_types`."
    raise CallRefused(message, rule="number-type")


def _is_listed(number: str, entries: Collection[str]) -> bool:
    return any(number.startswith(entry[:-1]) if entry.endswith("*") else number == entry for entry in entries)


def _check_setting(name: str, entries: Collection[str], known: Callable[[str], object], expected: str) -> None:
    if isinstance(entries, str):
        raise ConfigError(f"`{name}` of the dialing policy must be a list, not one string.")
    for entry in entries:
        if not known(entry):
            raise ConfigError(f"`{name}` of the dialing policy has {entry!r}; expected are {expected}.")
