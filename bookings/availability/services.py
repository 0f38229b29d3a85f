"""Writes on an instructor's time that other parts of the product need."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.availability.clock import MINUTES_PER_DAY, local_date
from bookings.availability.models import (
    Blackout,
    CalendarChange,
    OverrideDay,
    OverrideWindow,
    WeeklyWindow,
)
from bookings.availability.weeks import Windows
from instainstru import clock

# Far longer than a transaction lasts and than a process goes without looking.
CHANGES_KEPT = timedelta(days=1)


def close_once(
    *, instructor_id: int, start_at: datetime, end_at: datetime, zone: ZoneInfo, label: str
) -> list[Blackout]:
    """Close ``[start_at, end_at)`` once, as blackouts of hours on the instructor's clock.

    Over midnight that is one blackout a date. Where the clock is set back within the time, both
    passes of the hour are closed. The caller holds the instructor's lock (R10). Spec: T9, S15.5
    """
    first_on, last_on = local_date(start_at, zone), local_date(end_at, zone)
    rows, on = [], first_on
    minutes = round((end_at - start_at) / timedelta(minutes=1))
    begins = _minute(start_at, zone)
    while on <= last_on:
        until = _minute(end_at, zone) if on == last_on else MINUTES_PER_DAY
        if on == first_on and until <= begins:  # set back: the end reads no later than the start
            until = min(begins + minutes, MINUTES_PER_DAY)
        if until:
            rows.append(
                Blackout(
                    instructor_id=instructor_id,
                    first_on=on,
                    last_on=on,
                    start_minute=begins,
                    end_minute=until,
                    label=label,
                    created_at=clock.now(),
                )
            )
        on, begins = on + timedelta(days=1), 0
    return Blackout.objects.bulk_create(rows)


def replace_weekly(*, instructor_id: int, days: Mapping[int, Windows]) -> None:
    """Let the weekdays (Monday is 0) have these hours instead of theirs.

    The windows are checked already and the caller holds the instructor's lock (R10).
    """
    WeeklyWindow.objects.filter(instructor_id=instructor_id, weekday__in=days).delete()
    WeeklyWindow.objects.bulk_create(
        WeeklyWindow(
            instructor_id=instructor_id, weekday=weekday, start_minute=start, end_minute=end
        )
        for weekday, windows in days.items()
        for start, end in windows
    )


def replace_overrides(*, instructor_id: int, days: Mapping[date, Windows | None]) -> None:
    """Let the dates have these hours of their own; None gives them back to the weekly hours.

    The windows are checked already and the caller holds the instructor's lock (R10). A handful of
    statements, however many dates there are. Spec: S15.5
    """
    of_dates = {"instructor_id": instructor_id, "local_on__in": list(days)}
    windows = OverrideWindow.objects.filter(
        **{f"day__{name}": value for name, value in of_dates.items()}
    )
    # Windows first: the note of their change reads the day that they belong to.
    windows.delete()
    OverrideDay.objects.filter(**of_dates).delete()
    created = OverrideDay.objects.bulk_create(
        OverrideDay(instructor_id=instructor_id, local_on=on)
        for on, hours in days.items()
        if hours is not None
    )
    OverrideWindow.objects.bulk_create(
        OverrideWindow(day=day, start_minute=start, end_minute=end)
        for day in created
        for start, end in days[day.local_on] or ()
    )


def _minute(instant: datetime, zone: ZoneInfo) -> int:
    local = instant.astimezone(zone)
    return local.hour * 60 + local.minute


def delete_old_changes() -> int:
    """Forget notes of changed calendars; return how many. Spec: S8.12"""
    old = CalendarChange.objects.filter(changed_at__lt=clock.now() - CHANGES_KEPT)
    return old.delete()[0]
