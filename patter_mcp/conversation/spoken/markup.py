"""Markdown, HTML and pictures: what a model writes for the eye, taken away for the ear.

The words stay, all of them. Tags that mean something to a voice (`<break time="1s"/>`) are somebody's intention
and stay too; `TAG` finds them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from patter_mcp.conversation.spoken.rules import Rule, apply, compiled

TAG = r"(</?[A-Za-z][\w:.-]*(?:\s[^<>]*)?/?>)"

_HTML = (
    "a|b|blockquote|br|code|div|em|h[1-6]|hr|i|img|li|mark|ol|p|pre|q|small|span|strong|su[bp]|table|tbody|td|th|"
    "thead|tr|u|ul"
)
_BULLETS = "-*•▪◦‣·–"
_KEPT_SYMBOLS = "°©®™"
_SUSPECT = rf"[`*_~#>|<\[\\\n]|^\s*(?:[{_BULLETS}]|\d{{1,3}}[.)])\s"
_RARE = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|[^\x00-\u2010\u3000-\ud7ff\uf900-\ufaff\uff00-\uffef]"


def strip_markup(text: str) -> str:
    """One line of plain text; a heading, an item or a paragraph ends with a stop."""
    if compiled(_SUSPECT).search(text):
        text = apply(_RULES, text).strip()
    if compiled(_RARE).search(text):
        text = "".join(char for char in text if not _is_picture(char))
    return compiled(r"\s+").sub(" ", text).strip()


def _line(match: re.Match[str]) -> str:
    """A heading or an item is a sentence."""
    line = match[1].strip()
    return f"{line}." if line and line[-1].isalnum() else line


def _numbered(match: re.Match[str]) -> str:
    line = match[2].strip()
    return f"{match[1]}, {line}." if line and line[-1].isalnum() else f"{match[1]}, {line}"


@lru_cache(maxsize=1024)
def _is_picture(char: str) -> bool:
    """Emoji, dingbats and the invisible characters that tie them together or control something."""
    if char in _KEPT_SYMBOLS or char.isspace():
        return False
    if unicodedata.category(char) in ("So", "Co", "Cn", "Cs", "Cc"):
        return True
    return char in "\u200d\u20e3\ufe0e\ufe0f\ufeff" or "\U0001f3fb" <= char <= "\U0001f3ff" or char >= "\U000e0020"


_RULES: tuple[Rule, ...] = (
    (r"(?m)^[ \t]*(?:```|~~~).*$", ""),
    (r"(?m)^[ \t]*(?:[-*_=][ \t]*){3,}$|^[ \t]*\|?[ \t:|-]*-{3}[ \t:|-]*$", ""),
    # [text](address "title"), ![text](address), [text][name]
    (r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[\"'(][^)]*)?\)|\[[^\[\]]*\])", r"\1"),
    (r"<((?:https?://|mailto:)[^<>\s]+|[\w.+-]+@[\w.-]+)>", r"\1"),
    (rf"(?i)</?(?:{_HTML})(?:\s[^<>]*)?/?>", " "),
    (r"(?m)^[ \t]*(?:>[ \t]?)+", ""),
    (r"(?m)^[ \t]*#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$", _line),
    (rf"(?m)^[ \t]*[{_BULLETS}][ \t]+(?:\[[ xX]\][ \t]+)?(.*)$", _line),
    (r"(?m)^[ \t]*(\d{1,3})[.)][ \t]+(.*)$", _numbered),
    (r"(?<![\w*])(\*{1,3})(?=\S)([^*\n]*[^*\s])\1(?![\w*])", r"\2"),
    # What is left of marks whose partner is in another piece.
    (r"(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)", ""),
    (r"\*{2,}|~~|`+|(?<=[^\W\d])\*|\*(?=[^\W\d])|(?<=[.!?,;:])\*", ""),
    (r"\\(?=[\\`*_{}\[\]()#+.!|>~-])", ""),
    (r"(?m)^[ \t]*\|[ \t]*|[ \t]*\|[ \t]*$", ""),
    (r"[ \t]*\|[| \t]*", ", "),
    # An empty line ends a paragraph, a single break only the width of somebody's window.
    (r"(?<=\w)[ \t]*\n\s*\n\s*(?=\S)", ". "),
)
