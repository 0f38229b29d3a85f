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
_PART = r"[A-Z]+=[A-Z0-9,+-]+"
_YEARLY = re.compile(rf"RRULE:(?:{_PART};)*FREQ=YEARLY(?:;{_PART})*")
_WRONG_IN_RULES = ("INTERVAL=", "BYHOUR=", "BYMINUTE=", "BYSECOND=", "BYEASTER=")


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

    Its rules may only be yearly ones: others could be asked for ever.
    """
    rules = [line.upper() for line in lines if line[:5].upper() == "RRULE"]
    if len(lines) > MOST_LINES or any(not _is_plain(rule) for rule in rules):
        return None
    text = "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""])
    try:
        found: tzinfo | None = tzical(StringIO(text)).get()
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        return None
    return found


def _is_plain(rule: str) -> bool:
    return bool(_YEARLY.fullmatch(rule)) and not any(part in rule for part in _WRONG_IN_RULES)


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
