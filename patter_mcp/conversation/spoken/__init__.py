"""What a voice should be given so that it says what was meant.

Voices differ in what they make of "$25.50", "4:30 PM" or "**bold**": some read it well, some read out the signs
(https://docs.cartesia.ai/build-with-cartesia/capability-guides/text-normalization). So they get words. English is
complete; in other languages we do what is certain and leave the rest to the voice, which knows its grammar.
"""

from __future__ import annotations

from patter_mcp.conversation.spoken.english import english
from patter_mcp.conversation.spoken.markup import TAG, strip_markup
from patter_mcp.conversation.spoken.other_languages import other
from patter_mcp.conversation.spoken.rules import compiled

_MAX_PASSES = 4
"""A word made of a number can make its neighbour readable; almost always the second pass changes nothing."""


def speakable(text: str, language: str = "en") -> str:
    """The text for the voice; no word of it is lost, and what is speakable already stays as it is.

    Args:
        language: BCP-47.
    """
    for _ in range(_MAX_PASSES):
        said = _pass(text, language)
        if said == text:
            break
        text = said
    return text


def _pass(text: str, language: str) -> str:
    parts = compiled(TAG).split(strip_markup(text))
    # Every second part is a tag that means something to the voice.
    said = (part if index % 2 else _said(part.strip(), language) for index, part in enumerate(parts))
    return " ".join(filter(None, said))


def _said(text: str, language: str) -> str:
    if language.partition("-")[0].lower() == "en":
        return english(text)
    return other(text, language) if any(map(str.isdecimal, text)) else text
