"""Reads for the pages on which an instructor edits the own hours."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from bookings.availability.clock import local_date
from bookings.availability.intervals import (
    Interval,
    blackout_intervals,
    covers,
    hours_intervals,
    subtract,
)
from bookings.availability.selectors import load_instructor_time
from bookings.lessons.models import Booking
from bookings.lessons.selectors import lesson_zone
from catalog.models import Instructor

_DAY = timedelta(days=1)


def lessons_to_come(instructor: Instructor, now: datetime) -> list[Booking]:
    """Return the confirmed lessons of an instructor that have not begun, in order."""
    return list(
        Booking.objects.of_instructor(instructor.user)
        .filter(status="confirmed", start_at__gt=now)
        .select_related("learner", "student")
        .order_by("start_at", "pk")
    )


def lessons_outside_hours(instructor: Instructor, now: datetime) -> list[Booking]:
    """Return the lessons to come that lie outside the hours as they are now, in order.

    They stand (R18); the instructor may propose another time for each. Spec: S15.6
    """
    rows = lessons_to_come(instructor, now)
    if not rows:
        return []
    zone = lesson_zone(instructor)
    first_on = local_date(rows[0].start_at, zone) - _DAY
    last_on = max(local_date(row.end_at, zone) for row in rows) + _DAY
    time_of = load_instructor_time([instructor.pk], first_on=first_on, last_on=last_on)
    schedule = time_of[instructor.pk].schedule
    hours = hours_intervals(
        weekly=schedule.weekly,
        overrides=schedule.overrides,
        zone=zone,
        first_on=first_on,
        last_on=last_on,
    )
    off = blackout_intervals(schedule.blackouts, zone=zone, first_on=first_on, last_on=last_on)
    opened = subtract(hours, off)
    return [row for row in rows if not covers(opened, Interval(row.start_at, row.end_at))]


def bookings_between(
    instructor: Instructor, first_on: date, last_on: date, now: datetime
) -> Sequence[Booking]:
    """Return what keeps time on the local dates: lessons and live holds, in order. Spec: R4"""
    zone = lesson_zone(instructor)
    begins = datetime.combine(first_on, time(), tzinfo=zone).astimezone(UTC)
    ends = datetime.combine(last_on + _DAY, time(), tzinfo=zone).astimezone(UTC)
    rows = Booking.objects.blocking(now).filter(instructor=instructor)
    return list(
        rows.filter(start_at__lt=ends, end_at__gt=begins)
        .select_related("learner", "student")
        .order_by("start_at", "pk")
    )
