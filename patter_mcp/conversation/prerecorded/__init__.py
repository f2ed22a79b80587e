"""Words on file, for a line on which no voice can be had: they need no vendor, no network and no first call.

The recordings beside this file are mono μ-law at 8 kHz without a header, spoken by espeak-ng in each language of
`conversation.phrases`. `tests/conversation/record_phrases.py` makes them anew.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from patter_mcp.conversation.phrases import language_known, phrases_in

Name = Literal["trouble", "one_moment"]
"""Of a phrase, as `Phrases` has it."""
RECORDED: tuple[Name, ...] = get_args(Name)


class Prerecorded(NamedTuple):
    text: str
    audio: bytes


@functools.cache
def prerecorded(name: Name, language: str) -> Prerecorded:
    """In that language (BCP-47), or in English where we do not know it. An agent's own phrases are not on file."""
    return Prerecorded(text_of(name, language), path_of(name, language).read_bytes())


def text_of(name: Name, language: str) -> str:
    text: str = getattr(phrases_in(language), name)
    return text


def path_of(name: Name, language: str) -> Path:
    return Path(__file__).with_name(f"{language_known(language)}-{name}.ulaw")
