"""Time zones as calendar files name or define them; nothing is remembered between files."""

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from io import StringIO
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.tz import tzical
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

MOST_LINES: Final = 400
NAME_MAX: Final = 100
# A weekday of a month comes every year or in some; the 30th of February is looked for until 9999.
_PARTS: Final = (
    re.compile(r"FREQ=YEARLY"),
    re.compile(r"BYMONTH=(?:[1-9]|1[0-2])"),
    re.compile(r"BYDAY=[+-]?[1-5]?(?:MO|TU|WE|TH|FR|SA|SU)"),
    re.compile(r"UNTIL=[0-9]{8}(?:T[0-9]{6}Z?)?"),
    re.compile(r"WKST=(?:MO|SU)"),
)
# Every year since the first is gone through. Some programs begin with 1601, none earlier.
_TOO_EARLY = re.compile(r"DTSTART[^:]*:(?:0|1[0-5])")


def named_zone(name: str) -> ZoneInfo | None:
    """Return a zone of the world's list by a name as programs write it; None for any other.

    Windows has names of its own, and some programs write a path that ends in the name.
    """
    clean = name.strip().strip('"').strip("/")[:NAME_MAX]
    parts = WINDOWS_TO_OLSON.get(clean, clean).split("/")
    for first in range(len(parts)):
        try:
            return ZoneInfo("/".join(parts[first:]))
        except (KeyError, ValueError, OSError):  # unknown, or no name at all
            continue
    return None


def defined_zone(lines: Sequence[str]) -> tzinfo | None:
    """Return the zone of a ``VTIMEZONE`` block; None when it is not a plain one.

    Its rules may only name a weekday of a month: others could be asked for ever.
    """
    said = [line.upper() for line in lines]
    rules = [line for line in said if line.startswith("RRULE")]
    if len(lines) > MOST_LINES or not all(map(_is_plain, rules)):
        return None
    if any(map(_TOO_EARLY.match, said)):
        return None
    text = "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""])
    try:
        found: tzinfo | None = tzical(StringIO(text)).get()
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        return None
    return found


def _is_plain(rule: str) -> bool:
    parts = rule.removeprefix("RRULE:").split(";")
    has_year = "FREQ=YEARLY" in parts
    return has_year and all(any(one.fullmatch(part) for one in _PARTS) for part in parts)


class Zones:
    """The zones of one file: known names first, then its own definitions."""

    def __init__(self, defined: Mapping[str, Sequence[str]], floating: tzinfo) -> None:
        self._defined, self._floating = defined, floating
        self._found: dict[str, tzinfo] = {}

    def find(self, name: str) -> tzinfo:
        """Return the zone of a name; the one of floating times where nobody knows it."""
        if not name:
            return self._floating
        if name not in self._found:
            block = self._defined.get(name)
            zone = named_zone(name) or (defined_zone(block) if block else None)
            self._found[name] = zone or self._floating
        return self._found[name]
