"""Writes on an instructor's time that other parts of the product need."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

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
    passes of the hour are closed whole. The caller holds the instructor's lock (R10).
    Spec: T9, S15.5
    """
    faces: dict[date, list[int]] = {}
    for passed in range(round((end_at - start_at) / timedelta(minutes=1))):
        at = (start_at + timedelta(minutes=passed)).astimezone(zone)
        faces.setdefault(at.date(), []).append(at.hour * 60 + at.minute)
    return Blackout.objects.bulk_create(
        Blackout(
            instructor_id=instructor_id,
            first_on=on,
            last_on=on,
            start_minute=min(minutes),
            end_minute=max(minutes) + 1,
            label=label,
            created_at=clock.now(),
        )
        for on, minutes in faces.items()
    )


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


def delete_old_changes() -> int:
    """Forget notes of changed calendars; return how many. Spec: S8.12"""
    old = CalendarChange.objects.filter(changed_at__lt=clock.now() - CHANGES_KEPT)
    return old.delete()[0]
