"""Which quarter hours of the next weeks an instructor may be free: kept by the worker (S8.11).

A search with a time asks this table whom to read in full, where there are more offers than it can
read. The bits say too much rather than too little: holds, buffers, notice and limits are left out,
so nothing here changes by time alone, and a calendar that changed is drawn anew within a minute.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from bookings.availability.clock import MINUTES_PER_DAY, dates_between
from bookings.availability.minutes import (
    minute_after,
    minute_of,
    open_minutes,
    origin_of,
    span,
    wall_minutes,
)
from bookings.availability.services import CHANGES_KEPT
from bookings.lessons.selectors import Calendars, load_calendars
from catalog.models import Instructor
from instainstru.clock import NEW_YORK
from search.models import AvailabilityBuild, AvailabilityDay

DAYS_AHEAD: Final = 28
"""Two weeks are looked at where no date is named; names like "next Friday" reach further."""
AT_ONCE: Final = 5000
"""So many calendars take some ten seconds; a job may take a hundred."""
QUARTER_MINUTES: Final = 15
QUARTERS: Final = MINUTES_PER_DAY // QUARTER_MINUTES
HALF: Final = QUARTERS // 2
NIGHT: Final = (1 << 15) - 1
"""What of the next half day fits beside 48 bits into a number of the database."""
_BATCH: Final = 500
_LOCK: Final = 0x5EA2C4DA
_WHOLE_DAY: Final = (1 << MINUTES_PER_DAY) - 1
_WEIGHTS: Final = np.left_shift(np.int64(1), np.arange(HALF, dtype=np.int64))
_LOOK: Final = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
           ARRAY(SELECT DISTINCT instructor_id FROM availability_calendarchange
                 WHERE transaction_id >= %s::text::xid8)
"""
_WRITE: Final = """
    INSERT INTO search_availabilityday AS kept (instructor_id, local_on, morning, evening)
    SELECT * FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[])
    ON CONFLICT (instructor_id, local_on)
    DO UPDATE SET morning = excluded.morning, evening = excluded.evening
    WHERE (kept.morning, kept.evening) <> (excluded.morning, excluded.evening)
"""


def keep_availability_days(*, now: datetime) -> int:
    """Draw the days of calendars that changed, and the days that came into reach.

    Returns how many calendars were looked at. Of those without days so many at a time, so that a
    large city takes several runs. May run twice, at once, or be killed anywhere. Spec: S8.11, S4.2
    """
    # A day more on both sides: it is another date elsewhere.
    today = now.astimezone(NEW_YORK).date()
    first_on, last_on = today - timedelta(days=1), today + timedelta(days=DAYS_AHEAD)
    build = AvailabilityBuild.objects.first()
    is_fresh = build is not None and build.built_at > now - CHANGES_KEPT / 2
    seen_below, changed = _look(build.seen_below if build and is_fresh else None)
    if not is_fresh:  # notes may be gone: nobody's days are known until they are drawn anew
        AvailabilityDay.objects.all().delete()
    drawn = _draw(changed, first_on, last_on, now)
    state = {"seen_below": seen_below, "built_at": now}
    AvailabilityBuild.objects.update_or_create(is_only=True, defaults=state)
    drawn += _draw(_without_days(last_on), first_on, last_on, now)
    AvailabilityDay.objects.filter(local_on__lt=first_on).delete()
    return drawn


def _look(seen_below: str | None) -> tuple[str, Sequence[int]]:
    """Return the number below which all is seen now, and whose calendar changed since then."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [seen_below or str(2**63)])
        found: tuple[str, Sequence[int]] = cursor.fetchone()
        return found


def _without_days(last_on: date) -> list[int]:
    """Return some of those whose days do not reach as far yet."""
    last = AvailabilityDay.objects.filter(instructor=OuterRef("pk"), local_on=last_on)
    rows = Instructor.objects.filter(~Exists(last)).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:AT_ONCE])


def _draw(instructor_ids: Sequence[int], first_on: date, last_on: date, now: datetime) -> int:
    for begin in range(0, len(instructor_ids), _BATCH):
        some = instructor_ids[begin : begin + _BATCH]
        # One after the other, so that what was read last is written last.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            columns = _columns(some, first_on, last_on, now)
            cursor.execute(_WRITE, columns)
    return len(instructor_ids)


def _columns(
    instructor_ids: Sequence[int], first_on: date, last_on: date, now: datetime
) -> list[list[Any]]:
    calendars = load_calendars(instructor_ids, first_on=first_on, last_on=last_on, now=now)
    zones = dict(Instructor.objects.filter(pk__in=instructor_ids).values_list("pk", "zone"))
    days = list(dates_between(first_on, last_on))
    columns: list[list[Any]] = [[], [], [], []]
    for instructor_id in calendars.time:
        halves = free_quarters(calendars, instructor_id, ZoneInfo(zones[instructor_id]))
        for on, (morning, evening) in zip(days, halves, strict=True):
            for column, value in zip(columns, (instructor_id, on, morning, evening), strict=True):
                column.append(value)
    return columns


def free_quarters(
    calendars: Calendars, instructor_id: int, zone: ZoneInfo
) -> list[tuple[int, int]]:
    """Return for each local date the quarter hours in which some minute may be free.

    As the sets of 48 quarters before and after noon on the instructor's clock. A date on which
    clocks change is free all day: its quarters do not follow each other as those of others do.
    Spec: S8.11
    """
    first_on, last_on = calendars.first_on, calendars.last_on
    origin = origin_of(first_on)
    free = open_minutes(calendars.time[instructor_id].schedule, zone, first_on, last_on)
    size = free.bit_length()
    for row in calendars.bookings.get(instructor_id, ()):
        if row.is_blocking and row.expires_at is None:  # a hold may end at any moment
            free &= ~span(minute_of(row.start_at) - origin, minute_after(row.end_at) - origin, size)
    drawn = b"".join(
        _day_bits(free, on, zone, origin).to_bytes(MINUTES_PER_DAY // 8, "little")
        for on in dates_between(first_on, last_on)
    )
    bits = np.unpackbits(np.frombuffer(drawn, dtype=np.uint8), bitorder="little")
    quarters = bits.reshape(-1, QUARTERS, QUARTER_MINUTES).any(axis=2)
    halves = quarters.reshape(-1, 2, HALF).astype(np.int64) @ _WEIGHTS
    return [(int(morning), int(evening)) for morning, evening in halves]


def _day_bits(free: int, on: date, zone: ZoneInfo, origin: int) -> int:
    """Return the free minutes of one date, bit i for i minutes on the clock's face."""
    first = _only_piece(on, zone, origin)
    return _WHOLE_DAY if first is None else free >> first & _WHOLE_DAY


@lru_cache(maxsize=1024)
def _only_piece(on: date, zone: ZoneInfo, origin: int) -> int | None:
    """Return where a date of 24 hours begins; None for one with a clock change."""
    bits = wall_minutes([on], 0, MINUTES_PER_DAY, zone, origin)
    first = (bits & -bits).bit_length() - 1
    return first if bits >> first == _WHOLE_DAY else None


def wanted_quarters(hours: Sequence[tuple[int, int | None]]) -> tuple[int, int]:
    """Return the quarters of a day that hours on the clock touch, and those of the night after.

    ``hours`` are minutes of the day; who may begin late may end when they like, so then the first
    quarters of the next day count as well. Both as bits, those of the day from midnight.
    """
    day, night = 0, 0
    for low, high in hours:
        first = low // QUARTER_MINUTES
        last = QUARTERS if high is None else -(-high // QUARTER_MINUTES)
        day |= (1 << last) - (1 << first) if last > first else 0
        night |= NIGHT if high is None else 0
    return day, night
