"""Abbreviations and shorthand."""

from __future__ import annotations

from patter_mcp.conversation.spoken.rules import WORD, Rule, any_of

_ABBREVIATIONS = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Ms", "Prof": "Professor", "Jr": "Junior", "Sr": "Senior",
    "Blvd": "Boulevard", "Hwy": "Highway", "Dept": "Department", "dept": "department", "vs": "versus",
    "etc": "et cetera", "approx": "approximately", "Approx": "Approximately", "appt": "appointment",
    "appts": "appointments", "Inc": "Incorporated", "Ltd": "Limited", "Corp": "Corporation", "Tel": "Telephone",
    "tel": "telephone",
}  # fmt: skip
"""With a full stop; without one some of them are words."""
_STREETS = {"St": "Street", "Ave": "Avenue", "Rd": "Road", "Ln": "Lane", "Dr": "Drive"}
_SHORTHAND = {
    "w/o": "without", "w/": "with ", "c/o": "care of", "n/a": "not applicable", "24/7": "twenty-four seven",
    "50/50": "fifty fifty", "e.g.": "for example", "i.e.": "that is", "e.g": "for example", "i.e": "that is",
}  # fmt: skip

ROADS = any_of([*_STREETS, *_STREETS.values(), "Boulevard", "Blvd", "Court", "Place", "Way"])
"""What the name of a road ends with."""

_ABBREVIATION = any_of(_ABBREVIATIONS)
_AFTER_ADDRESS = r"\s+(?:[a-z\d#]|Apt|Ste|Suite|Unit)"

RULES: tuple[Rule, ...] = (
    (rf"(?i)(?<![^\W\d]|[/.])({any_of(_SHORTHAND)})(?![\w/])", lambda match: _SHORTHAND[match[1].lower()]),
    # A capital after it belongs to a name: "is Dr. Smith in", "on Elm Dr. now".
    (
        rf"({WORD}(?:[A-Z]\w*|\d+[a-z]{{2}})\.? )({any_of(_STREETS)})\b"
        rf"(?:\.(?=,|{_AFTER_ADDRESS})|(?=\.?\s*$|,|{_AFTER_ADDRESS}))",
        lambda match: match[1] + _STREETS[match[2]],
    ),
    (rf"{WORD}Dr\b\.?(?= [A-Z])", "Doctor"),
    (rf"{WORD}St\. (?=[A-Z])", "Saint "),
    (rf"{WORD}({_ABBREVIATION})\.(?=\s*\S)", lambda match: _ABBREVIATIONS[match[1]]),
    (rf"{WORD}({_ABBREVIATION})(?=\.\s*$)", lambda match: _ABBREVIATIONS[match[1]]),
)
