"""Sets of minutes as whole numbers, one bit a minute: to cut the time of hundreds of calendars.

Bit 0 is the minute that ``origin_of`` gives for the first date; minutes count from 1970 in UTC, so
a clock change is nothing special here. ``intervals`` says the same with instants, for one calendar
whose every reason is wanted; a property test holds the two to the same answer.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bookings.availability.clock import MINUTES_PER_DAY, dates_between, grid_starts, offset_spans
from bookings.availability.intervals import Schedule, wall_intervals

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_EPOCH_DAY = _EPOCH.date().toordinal()


def minute_of(instant: datetime) -> int:
    """Return the minute since 1970 that an aware instant lies in."""
    return (instant - _EPOCH) // _MINUTE


def minute_after(instant: datetime) -> int:
    """Return the first minute since 1970 that begins at or after an aware instant."""
    return -((_EPOCH - instant) // _MINUTE)


def instant_of(minute: int) -> datetime:
    """Return the instant in UTC at which a minute since 1970 begins."""
    return _EPOCH + timedelta(minutes=minute)


def origin_of(first_on: date) -> int:
    """Return the minute of bit 0: a day before the date begins in UTC, earlier than in any zone."""
    return (first_on.toordinal() - _EPOCH_DAY - 1) * MINUTES_PER_DAY


def span(first: int, last: int, size: int) -> int:
    """Return the bits from ``first`` up to, not including, ``last``, if from 0 to ``size``."""
    first, last = max(first, 0), min(last, size)
    return ((1 << (last - first)) - 1) << first if last > first else 0


def runs(bits: int, length: int) -> int:
    """Return the minutes at which ``length`` minutes in a row begin, all of them in the set."""
    known = 1
    while known < length:
        step = min(known, length - known)
        bits &= bits >> step
        known += step
    return bits


def open_minutes(schedule: Schedule, zone: ZoneInfo, first_on: date, last_on: date) -> int:
    """Return (weekly or override) - blackouts - busy on the local dates. Spec: R3, S15.5, D10"""
    origin = origin_of(first_on)
    found = _weekly_minutes(schedule.weekly, zone, first_on, last_on)
    for on, windows in schedule.overrides.items():
        if first_on <= on <= last_on:
            found &= ~_wall_bits(on, 0, MINUTES_PER_DAY, zone, origin)
            for window in windows:
                found |= _wall_bits(on, *window, zone, origin)
    for off in schedule.blackouts:
        for on in dates_between(max(off.first_on, first_on), min(off.last_on, last_on)):
            found &= ~_wall_bits(on, off.start_minute, off.end_minute, zone, origin)
    size = found.bit_length()
    for busy in schedule.busy:
        found &= ~span(minute_of(busy.start) - origin, minute_after(busy.end) - origin, size)
    return found


def _weekly_minutes(
    weekly: Sequence[tuple[int, int, int]], zone: ZoneInfo, first_on: date, last_on: date
) -> int:
    offset = _only_offset(zone, first_on, last_on)
    if offset is None:
        return _weekly_by_day(weekly, zone, first_on, last_on)
    # One offset all along: a week is drawn once and laid side by side.
    week, first = 0, first_on.weekday()
    for weekday, start_minute, end_minute in weekly:
        day = (weekday - first) % 7 * MINUTES_PER_DAY
        week |= ((1 << (end_minute - start_minute)) - 1) << (day + start_minute)
    days = (last_on - first_on).days + 1
    found, drawn = week, 7
    while drawn < days:
        found |= found << (drawn * MINUTES_PER_DAY)
        drawn *= 2
    found &= (1 << (days * MINUTES_PER_DAY)) - 1
    return found << (MINUTES_PER_DAY - offset // _MINUTE)


def _weekly_by_day(
    weekly: Sequence[tuple[int, int, int]], zone: ZoneInfo, first_on: date, last_on: date
) -> int:
    origin, found = origin_of(first_on), 0
    for on in dates_between(first_on, last_on):
        for weekday, start_minute, end_minute in weekly:
            if weekday == on.weekday():
                found |= _wall_bits(on, start_minute, end_minute, zone, origin)
    return found


@lru_cache(maxsize=256)
def _only_offset(zone: ZoneInfo, first_on: date, last_on: date) -> timedelta | None:
    """Return the offset that the zone keeps on all the dates; None when its clocks change."""
    days = dates_between(first_on, last_on)
    offsets = {one.offset for on in days for one in offset_spans(on, zone)}
    return offsets.pop() if len(offsets) == 1 else None


def wall_minutes(
    dates: Iterable[date], start_minute: int, end_minute: int, zone: ZoneInfo, origin: int
) -> int:
    """Return the minutes whose clock in ``zone`` reads a time of the window on one of the dates."""
    found = 0
    for on in dates:
        found |= _wall_bits(on, start_minute, end_minute, zone, origin)
    return found


@lru_cache(maxsize=256)
def grid_minutes(step_minutes: int, zone: ZoneInfo, first_on: date, last_on: date) -> int:
    """Return the minutes on the grid of the clock face on the local dates. Spec: R5"""
    origin, found = origin_of(first_on), 0
    for on in dates_between(first_on, last_on):
        for start in grid_starts(on, step_minutes, zone):
            found |= 1 << (minute_of(start) - origin)
    return found


def _wall_bits(on: date, start_minute: int, end_minute: int, zone: ZoneInfo, origin: int) -> int:
    found = 0
    for first, last in _wall_spans(on, start_minute, end_minute, zone):
        found |= ((1 << (last - first)) - 1) << (first - origin)
    return found


@lru_cache(maxsize=32_768)
def _wall_spans(
    on: date, start_minute: int, end_minute: int, zone: ZoneInfo
) -> tuple[tuple[int, int], ...]:
    """Return the first minute and the one after the last of each piece of a wall-clock window."""
    return tuple(
        (minute_of(part.start), minute_after(part.end))
        for part in wall_intervals(on, start_minute, end_minute, zone)
    )
