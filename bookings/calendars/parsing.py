"""From a calendar file to the times at which its owner is busy; who and what is never looked at.

Files come from anywhere. Of each event only the lines that say when are kept, before anything is
understood; titles, places and guests are dropped unread. Everything is counted: lines, events,
repetitions and seconds. Spec: S15.9, S17.3
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from bookings.availability.intervals import Interval, merge
from bookings.calendars.events import Budget, Event, TooMuchError, busy_times, read_event
from bookings.calendars.zones import Zones, named_zone

MOST_EVENTS: Final = 5_000
MOST_INTERVALS: Final = 5_000
MOST_ZONES: Final = 60
_DEEPEST = 8
_KEPT = frozenset(
    {
        "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
        "STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS",
    }
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9-]+")
# What reading nonsense raises, here and in the libraries that expand rules.
_NONSENSE = (
    ValueError, OverflowError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError,
)  # fmt: skip
_NO_UID = re.compile(r"(?!)")
_FOLD = re.compile(r"(?:\r\n|\r|\n)[ \t]")
_BREAK = re.compile(r"\r\n|\r|\n")


class CalendarUnreadableError(Exception):
    """The file is no calendar, or too much of one; ``code`` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Busy:
    """When somebody is busy, merged and in order; ``skipped`` events could not be understood."""

    intervals: tuple[Interval, ...]
    skipped: int = 0


@dataclass
class _File:
    """The lines of a file that are kept."""

    events: list[list[str]] = field(default_factory=list)
    zones: dict[str, list[str]] = field(default_factory=dict)
    zone_name: str = ""


def parse_busy(
    data: bytes,
    *,
    zone: tzinfo,
    since: datetime,
    until: datetime,
    is_ours: Callable[[str], object] = _NO_UID.fullmatch,
    seconds: Callable[[], float] = time.process_time,
) -> Busy:
    """Return when the owner of a calendar file is busy between two instants.

    Times without a zone are those of the file's own zone, else of ``zone``; so are whole days.
    Cancelled and transparent events leave people free, and those with an identifier that
    ``is_ours`` are lessons that we know already. Raises ``CalendarUnreadableError``. Spec: S15.9
    """
    kept = _read(data)
    zones = Zones(kept.zones, named_zone(kept.zone_name) or zone)
    budget = Budget(seconds)
    found: list[Interval] = []
    try:
        events, skipped = _understood(kept.events, zones, budget)
        busy = [event for event in events if not is_ours(event.uid)]
        for times in busy_times(busy, since=since, until=until, budget=budget):
            try:
                found += _clipped(times, since, until)
            except _NONSENSE:
                skipped += 1
    except TooMuchError:
        raise CalendarUnreadableError("too_much") from None
    merged = merge(found)
    if len(merged) > MOST_INTERVALS:
        raise CalendarUnreadableError("too_much")
    return Busy(tuple(merged), skipped)


def _clipped(times: Iterable[Interval], since: datetime, until: datetime) -> list[Interval]:
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    return [
        Interval(max(one.start, since), min(one.end, until))
        for one in times
        if one.start < until and since < one.end
    ]


def _understood(
    blocks: Iterable[list[str]], zones: Zones, budget: Budget
) -> tuple[list[Event], int]:
    events, skipped = [], 0
    for lines in blocks:
        budget.step()  # a zone of the file itself is worked out here
        try:
            events.append(read_event(lines, zones))
        except _NONSENSE:
            skipped += 1
    return events, skipped


def _read(data: bytes) -> _File:
    text = data.decode("utf-8-sig", errors="replace")
    if "\0" in text:
        raise CalendarUnreadableError("not_a_calendar")
    kept, stack = _File(), list[str]()
    block: list[str] = []
    for line in _lines(text):
        name = line[: line.find(":")].upper() if ":" in line else ""
        if name == "BEGIN":
            stack.append(line[6:].strip().upper())
            _check(stack)
            if stack[1:] in (["VEVENT"], ["VTIMEZONE"]):
                block = []
        if stack[1:2] == ["VTIMEZONE"] or (stack[1:] == ["VEVENT"] and _is_kept(line)):
            block.append(line)
        elif stack == ["VCALENDAR"] and name == "X-WR-TIMEZONE":
            kept.zone_name = line.partition(":")[2].strip()
        if name == "END":
            _close(stack, line[4:].strip().upper(), block, kept)
        elif not stack:
            raise CalendarUnreadableError("not_a_calendar")
    if stack or not text.strip():
        raise CalendarUnreadableError("not_a_calendar")
    return kept


def _lines(text: str) -> Iterator[str]:
    for line in _BREAK.split(_FOLD.sub("", text)):
        if line.strip():
            yield line


def _is_kept(line: str) -> bool:
    name = _NAME.match(line)
    return name is not None and name[0].upper() in _KEPT


def _check(stack: list[str]) -> None:
    if stack[0] != "VCALENDAR" or len(stack) > _DEEPEST or "VCALENDAR" in stack[1:]:
        raise CalendarUnreadableError("not_a_calendar")


def _close(stack: list[str], name: str, block: list[str], kept: _File) -> None:
    if not stack or stack.pop() != name:
        raise CalendarUnreadableError("not_a_calendar")
    if stack != ["VCALENDAR"]:
        return
    if name == "VEVENT":
        kept.events.append(block)
        if len(kept.events) > MOST_EVENTS:
            raise CalendarUnreadableError("too_much")
    elif name == "VTIMEZONE" and len(kept.zones) < MOST_ZONES:
        names = [line.partition(":")[2].strip() for line in block if line[:5].upper() == "TZID:"]
        if names:
            kept.zones[names[0]] = list(block)
