"""Web and mail addresses and telephone numbers, as one gives them over the telephone."""

from __future__ import annotations

import re

from patter_mcp.conversation.spoken.number_words import dictated, digits
from patter_mcp.conversation.spoken.rules import APART, COMPLETE, Rule

_TOP_DOMAINS = (
    "com|org|net|edu|gov|int|info|biz|app|dev|io|ai|co|me|tv|uk|us|ca|de|fr|es|it|nl|eu|ch|at|be|se|no|dk|fi|pl|pt|"
    "ie|au|nz|in|jp|cn|kr|br|mx|za|cloud|online|shop|store|tech|xyz"
)
_FILE_TYPES = "pdf|docx?|xlsx?|pptx?|txt|csv|zip|jpe?g|png|gif|mp[34]|html?|json|js|ts|py|md"
_LETTERED = {"io", "ai", "tv", "uk", "us", "eu", "de", "fr", "nl", "ca", "au", "nz", "ch", "pdf", "csv", "js", "py"}
"""Spoken letter by letter."""
_SIGNS = {".": "dot", "-": "dash", "_": "underscore", "+": "plus", "/": "slash", ":": "colon", "@": "at"}
_PATH = r"(?:/[\w.~%+@/-]*)?"

_EMAIL = r"(?:mailto:)?(?<![\w.+-])([\w+-]+(?:\.[\w+-]+)*@(?:[\w-]+\.)+[A-Za-z]{2,})\b"
_URL = rf"(?:https?://(?:www\.)?|\bwww\.)([\w-]+(?:\.[\w-]+)*(?::\d+)?{_PATH})(?:[?#][^\s<>\"')\]]*)?"
_BARE = rf"(?<![\w@./-])((?:[\w-]+\.)+(?:{_TOP_DOMAINS})\b{_PATH}|[\w-]+\.(?:{_FILE_TYPES})\b)(?!\w)"
PHONE = (
    rf"{APART}\+?(?:"
    r"(?<=\+)\d{1,3}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d{1,5}){2,6}|"
    r"(?:1[ .-])?\(\d{3}\) ?\d{3}[ .-]?\d{4}|"
    r"(?:1[ .-])?\d{3}([ .-])\d{3}\1\d{4}|"
    r"\d{3}-\d{4}|"
    r"0\d{1,4}(?:[ -]\d{2,8}){1,4}"
    rf"){COMPLETE}"
)
_EXTENSION = r"(?i)\b(?:ext\.? ?|x)(?=\d{2,6}\b)"
_PARTS = re.compile(r"[^\W\d_]+|\d+|.")


def _address(match: re.Match[str]) -> str:
    """Stops that end the sentence rather than the address stay."""
    address = match[1].rstrip("./")
    words = " ".join(filter(None, map(_part, _PARTS.findall(address))))
    return words + match[1][len(address) :].replace("/", "")


def _part(part: str) -> str:
    if part.isdecimal():
        return digits(part)
    if part.lower() in _LETTERED:
        return " ".join(part.upper())
    return part if part.isalpha() else _SIGNS.get(part, "")


def is_phone_number(text: str) -> bool:
    """Long enough for one."""
    return sum(map(str.isdecimal, text)) >= 7


def _phone(match: re.Match[str]) -> str:
    number = match[0]
    if not is_phone_number(number):
        return number
    if re.fullmatch(r"\+1\d{10}", number):
        number = f"+1 {number[2:]}"
    return f"{'plus ' * number.startswith('+')}{dictated(number)}"


RULES: tuple[Rule, ...] = (
    (_EMAIL, _address),
    (_URL, _address),
    (_BARE, _address),
    (PHONE, _phone),
    (_EXTENSION, "extension "),
)
