"""Times counted from this moment: "now" and "in 2 hours"."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from search.parser.numbers import NUMBER, to_number
from search.parser.reading import Reading

START_WITHIN_HOURS = 3

_SOON = re.compile(
    r"\b(?:(?:right |available |free )now|(?<!know )(?<!until )(?<!by )(?<!from )now(?! on\b|"
    r" and then))\b"
)
_IN_HOURS = re.compile(
    rf"\b(?P<lead>in|within)(?: the next)? (?:about )?(?P<count>an?|half an|{NUMBER}) "
    rf"(?P<unit>hours?|hrs?|minutes?|"
    rf"mins?)\b(?! of)"
)


def read_soon(reading: Reading, now: datetime, zone: ZoneInfo) -> None:
    """Find "now" (starts within 3 hours), "in 2 hours" and "within 2 hours", by the real clock.

    Spec: S8.1
    """
    for match in reading.matches(_IN_HOURS):
        then = (now.astimezone(UTC) + _span(match)).astimezone(zone)
        is_limit = match["lead"] == "within"
        moments = (now.astimezone(zone), then) if is_limit else (then, None)
        reading.find("soon", moments, match.start(), match.end())
        return
    for match in reading.matches(_SOON):
        local = now.astimezone(zone)
        latest = (now.astimezone(UTC) + timedelta(hours=START_WITHIN_HOURS)).astimezone(zone)
        reading.find("soon", (local, latest), match.start(), match.end())
        return


def _span(match: re.Match[str]) -> timedelta:
    said = match["count"]
    count = 0.5 if said == "half an" else 1.0 if said in {"a", "an"} else to_number(said)
    return timedelta(hours=count) if match["unit"].startswith("h") else timedelta(minutes=count)
