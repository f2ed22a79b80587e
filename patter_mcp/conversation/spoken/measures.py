"""Percentages, units, fractions, ordinals and ranges."""

from __future__ import annotations

import re

from patter_mcp.conversation.spoken.number_words import cardinal, decimal, ordinal
from patter_mcp.conversation.spoken.rules import DOT, NUMBER, Rule, any_of

_UNITS = {
    "km/h": "kilometer per hour", "kmh": "kilometer per hour", "mph": "mile per hour", "km": "kilometer",
    "cm": "centimeter", "mm": "millimeter", "m": "meter", "m²": "square meter", "m³": "cubic meter",
    "km²": "square kilometer", "ft²": "square foot", "sq ft": "square foot", "mi": "mile", "ft": "foot", "yd": "yard",
    "kg": "kilogram", "mg": "milligram", "g": "gram", "lb": "pound", "lbs": "pound", "oz": "ounce", "l": "liter",
    "L": "liter", "ml": "milliliter", "mL": "milliliter", "gal": "gallon", "GB": "gigabyte", "MB": "megabyte",
    "TB": "terabyte", "KB": "kilobyte", "kB": "kilobyte", "kWh": "kilowatt hour", "kW": "kilowatt", "W": "watt",
    "V": "volt", "GHz": "gigahertz", "MHz": "megahertz", "kHz": "kilohertz", "Hz": "hertz", "hrs": "hour",
    "hr": "hour", "h": "hour", "min": "minute", "mins": "minute", "sec": "second", "secs": "second",
    "ms": "millisecond", "°C": "degree Celsius", "°F": "degree Fahrenheit", "°": "degree",
}  # fmt: skip
_FRACTIONS = {
    "1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters",
    "½": "one half", "⅓": "one third", "⅔": "two thirds", "¼": "one quarter", "¾": "three quarters",
}  # fmt: skip
_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion", "bn": "billion"}

_FREE = r"(?<![\w.,])"
_FRACTION = rf"({any_of(_FRACTIONS)})(?![\d/]|[.,]\d)"
_HEIGHT = rf"{_FREE}(\d)['′’] ?(\d{{1,2}})(?:[\"″”]|'')"
_RANGE = rf"(?<![\w.,$€£¥₹-])({NUMBER}[%°]?) ?[-–—] ?(?={NUMBER}(?!\w*-\d))"
_MIXED = rf"{_FREE}(\d{{1,3}})(?: |(?=[^\d/])){_FRACTION}"
_ALONE = rf"(?<![\w./]){_FRACTION}"
_PERCENT = rf"{_FREE}([-−]?{NUMBER}) ?%"
_UNIT = rf"{_FREE}([-−]?{NUMBER}) ?({any_of(_UNITS)})(?![\w²³'’]){DOT}"
_SCALED = rf"{_FREE}(?:({NUMBER})(k|K|M|bn)|(\d+\.\d+)(B))(?!\w)"
_ORDINAL = r"(?i)(?<![\w.])(\d{1,3}(?:,\d{3})+|\d{1,12})(?:st|nd|rd|th)\b"


def _mixed(match: re.Match[str]) -> str:
    fraction = _FRACTIONS[match[2]].replace("one half", "a half").replace("one quarter", "a quarter")
    return f"{cardinal(int(match[1]))} and {fraction}"


def _unit(match: re.Match[str]) -> str:
    words, unit = decimal(match[1]), _UNITS[match[2]]
    return f"{words} {unit if words == 'one' else _plural(unit)}"


def _plural(unit: str) -> str:
    if unit.endswith("foot"):
        return unit.replace("foot", "feet")
    if unit.endswith("hertz"):
        return unit
    head, space, rest = unit.partition(" ")
    if head in ("square", "cubic", "kilowatt"):
        return f"{unit}s"
    return f"{head}s{space}{rest}"


RANGES: tuple[Rule, ...] = ((_RANGE, r"\1 to "),)
RULES: tuple[Rule, ...] = (
    (_HEIGHT, lambda match: f"{match[1]} feet {match[2]} inches"),
    (_MIXED, _mixed),
    (_ALONE, lambda match: _FRACTIONS[match[1]]),
    (_PERCENT, lambda match: f"{decimal(match[1])} percent"),
    (_UNIT, _unit),
    (_SCALED, lambda match: f"{decimal(match[1] or match[3])} {_SCALES[match[2] or match[4]]}"),
    (_ORDINAL, lambda match: ordinal(int(match[1].replace(",", "")))),
)
