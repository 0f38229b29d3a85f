"""Lesson length: "half hour", "1.5 hours", "90 min"."""

import re

from search.parser.numbers import NUMBER, to_number
from search.parser.reading import Reading

SHORTEST_MINUTES, LONGEST_MINUTES = 10, 480

_HOURS = r"(?:hours?|hrs?|h|horas?)(?:\b|(?=\d\d(?!\w)))"
_MINUTES = r"(?:minutes?|minuites?|mins?|minutos?)\b"
_NOT_TRAVEL = r"(?![ -]*(?:away|from (?!\d)|walk|drive|commute|train|subway|notice|ride|of my))"
_LEAD = r"(?:\b(?:for|about|around|roughly) (?:about )?)?"
_UP_FROM = rf"(?:(?<![\w$/.:]){NUMBER}\s?(?:-|to|or)\s?)?"  # the longer of two is meant
_LESSON = r"(?:lessons?|sessions?|class(?:es)?|long|slots?)"
_PATTERNS: tuple[tuple[re.Pattern[str], float | None], ...] = (
    (re.compile(rf"{_LEAD}\b(?:an?[ -]|one[ -])?hour and (?:a )?half\b"), 90),
    (re.compile(rf"{_LEAD}\b(?:one and a half|1 1[/⁄]2) {_HOURS}"), 90),
    (re.compile(rf"{_LEAD}\b(?:two and a half|2 1[/⁄]2) {_HOURS}"), 150),
    (re.compile(rf"{_LEAD}\b(?:an? )?(?:half|(?<!\d )1[/⁄]2)(?:[ -]an?)?[ -]?(?:hour|hr)\b"), 30),
    (re.compile(rf"{_LEAD}\b(?:three quarters of an hour)\b"), 45),
    (re.compile(r"\b(?:de )?(?:una )?hora y media\b"), 90),
    (re.compile(rf"{_LEAD}\b(?:de )?media hora\b"), 30),
    (re.compile(r"\bde una hora\b"), 60),
    (
        re.compile(
            rf"{_LEAD}{_UP_FROM}(?<![\w$/.])(?<!within )(?P<hours>{NUMBER})[ -]?{_HOURS}"
            rf"(?:[ -]?(?:and )?(?P<extra>\d{{1,2}})(?:[ -]?{_MINUTES})?(?![\d:/]|\s?[ap]m))?"
            rf"{_NOT_TRAVEL}"
        ),
        None,
    ),
    (
        re.compile(
            rf"{_LEAD}{_UP_FROM}(?<![\w$.])(?<!within )(?P<minutes>{NUMBER})[ -]?{_MINUTES}"
            rf"{_NOT_TRAVEL}"
        ),
        None,
    ),
    (
        re.compile(
            rf"\bfor (?:an|one|a full|a whole) hour\b|\b(?:an|one) hour(?= of\b)|"
            rf"\b(?:an |one )?hour(?=[ -]{_LESSON}\b)"
        ),
        60,
    ),
)
_RATE_BEFORE = re.compile(r"(?:\$ ?\d[\d.]*|\d|dollars?|bucks|usd) ?(?:/|per|an?|for)? ?$")


def read_duration(reading: Reading) -> None:
    """Find the wanted lesson length in whole minutes.

    Spec: S8.1
    """
    for pattern, fixed in _PATTERNS:
        for match in reading.matches(pattern):
            minutes = fixed if fixed is not None else _minutes(match)
            if SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES and not _is_rate(reading, match):
                reading.find("duration_minutes", round(minutes), match.start(), match.end())
                return


def _minutes(match: re.Match[str]) -> float:
    groups = match.groupdict()
    if groups.get("hours"):
        return to_number(groups["hours"]) * 60 + int(groups.get("extra") or 0)
    return to_number(groups["minutes"])


def _is_rate(reading: Reading, match: re.Match[str]) -> bool:
    """“$60 an hour lesson” names a rate, not a length."""
    if not re.match(r"an |one |hour", match.group()):
        return False
    return bool(_RATE_BEFORE.search(reading.folded[: match.start()]))
