"""A guardrail: a rule about what the agent must not say, and what it says instead.

Above: `conversation`, through `guardrails.speech`. Knows nothing of the call it guards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload

from patter_mcp.errors import ConfigError

Check = Callable[[str], bool | Awaitable[bool]]
"""Sync or async; True means: this must not be said."""

DEFAULT_REPLACEMENT = "I'm sorry, I can't say that."


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Blocks what `check` says True to and what contains a blocked term.

    Terms are words or phrases and match as such, whatever their case, spacing or width: "ass" does not
    match in "assistant". A check that crashes, takes too long or answers anything but True or False blocks.
    """

    name: str
    check: Check | None = None
    blocked_terms: Sequence[str] | None = None
    replacement: str = DEFAULT_REPLACEMENT
    """Spoken instead; "" leaves the sentence out."""
    _terms: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.check is None and not self.blocked_terms:
            raise ConfigError(f"The guardrail {self.name!r} blocks nothing: give it a check or blocked_terms.")
        if self.check is not None and not callable(self.check):
            raise ConfigError(f"The check of the guardrail {self.name!r} must be a function.")
        if self.blocked_terms:
            object.__setattr__(self, "_terms", _compiled(self.name, self.blocked_terms))

    def has_blocked_term(self, text: str) -> bool:
        return self._terms is not None and self._terms.search(_folded(text)) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may be said: `text` is the text judged, or the guardrail's replacement for it."""

    text: str
    guardrail: str | None = None
    """Name of the one that blocked; None: nothing did."""

    @property
    def blocked(self) -> bool:
        return self.guardrail is not None

    @property
    def action(self) -> Literal["passed", "blocked", "replaced"]:
        """`blocked`: nothing is said instead."""
        if not self.blocked:
            return "passed"
        return "replaced" if self.text else "blocked"


@overload
def guardrail(check: Check, /) -> Guardrail: ...
@overload
def guardrail(*, name: str | None = None, replacement: str = DEFAULT_REPLACEMENT) -> Callable[[Check], Guardrail]: ...
def guardrail(
    check: Check | None = None, /, *, name: str | None = None, replacement: str = DEFAULT_REPLACEMENT
) -> Guardrail | Callable[[Check], Guardrail]:
    """Makes a guardrail of a function `text -> bool` that returns True to block; it is named after the function.

    Used bare (`@guardrail`) or with arguments (`@guardrail(replacement="Let me ask a colleague.")`).
    """

    def decorate(check: Check) -> Guardrail:
        given = name or getattr(check, "__name__", type(check).__name__)
        return Guardrail(given, check=check, replacement=replacement)

    return decorate if check is None else decorate(check)


def _compiled(name: str, terms: Sequence[str]) -> re.Pattern[str]:
    if isinstance(terms, str):
        raise ConfigError(f"blocked_terms of the guardrail {name!r} must be a list of terms, not one string.")
    phrases = [r"\s+".join(map(re.escape, _folded(term).split())) for term in terms]
    if not all(phrases):
        raise ConfigError(f"The guardrail {name!r} has an empty blocked term.")
    # Not \b: a term may begin or end with something that is no word character, such as "c++".
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")


def _folded(text: str) -> str:
    """One spelling for all that read alike: full-width letters, ligatures, case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
