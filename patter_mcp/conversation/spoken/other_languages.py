"""Languages other than English: numbers where their words are certain, and nothing else.

In most languages a number changes with what is counted and with its part in the sentence; where it does, it stays
a number and the voice, which reads the whole sentence, finds the form.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from patter_mcp.conversation.spoken.addresses import PHONE, is_phone_number
from patter_mcp.conversation.spoken.number_words import grouped
from patter_mcp.conversation.spoken.rules import compiled

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

_WHOLE = re.compile(r"(?<![\w.,:/%°$€£¥+'’−-])\d{1,9}(?= [^\W\d]|[,;!?](?!\d)|\.?$)(?! [%°$€£¥])")


def other(text: str, language: str) -> str:
    """Telephone numbers digit by digit, and whole numbers that have only one form."""
    engine = _engine(language)
    if engine is None:
        return text
    text = compiled(PHONE).sub(
        lambda match: _dictated(match[0], language) if is_phone_number(match[0]) else match[0], text
    )
    return _WHOLE.sub(lambda match: _one_form(match[0], language) or match[0], text)


def _dictated(number: str, language: str) -> str:
    return ("+ " if number[0] == "+" else "") + ", ".join(
        " ".join(_forms(int(digit), language)[0] for digit in group) for group in grouped(number)
    )


def _one_form(number: str, language: str) -> str | None:
    """None also where a zero in front says that it is no quantity."""
    if number[0] == "0" and len(number) > 1:
        return None
    forms = _forms(int(number), language)
    return forms[0] if len(set(forms)) == 1 else None


@lru_cache(maxsize=4096)
def _forms(number: int, language: str) -> tuple[str, ...]:
    """As one counts, then for all genders and cases."""
    engine = _engine(language)
    assert engine is not None
    result = engine.format_number(number)
    return (result.text, *result.text_by_ruleset.values())


@lru_cache(maxsize=16)
def _engine(language: str) -> RbnfEngine | None:
    """Up to 80 ms the first time, some of it for the library."""
    from unicode_rbnf import RbnfEngine  # noqa: PLC0415

    name = language.replace("-", "_")
    for candidate in (name, name.partition("_")[0]):
        if candidate in RbnfEngine.get_supported_languages():
            return RbnfEngine.for_language(candidate)
    return None
