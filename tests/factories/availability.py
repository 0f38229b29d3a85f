"""Hours, overrides and time off; minutes count from local midnight."""

from collections.abc import Iterable
from datetime import date

from bookings.availability.models import Blackout, OverrideDay, OverrideWindow, WeeklyWindow
from catalog.models import Instructor

EVERY_DAY = tuple((weekday, 9 * 60, 20 * 60) for weekday in range(7))


def open_weekly(instructor: Instructor, windows: Iterable[tuple[int, int, int]]) -> None:
    """Add weekly hours: (weekday with Monday 0, start minute, end minute)."""
    WeeklyWindow.objects.bulk_create(
        WeeklyWindow(instructor=instructor, weekday=weekday, start_minute=start, end_minute=end)
        for weekday, start, end in windows
    )


def override_day(
    instructor: Instructor, local_on: date, windows: Iterable[tuple[int, int]] = ()
) -> OverrideDay:
    """Replace the hours of one date; without windows the date is closed."""
    day = OverrideDay.objects.create(instructor=instructor, local_on=local_on)
    OverrideWindow.objects.bulk_create(
        OverrideWindow(day=day, start_minute=start, end_minute=end) for start, end in windows
    )
    return day


def black_out(instructor: Instructor, first_on: date, last_on: date | None = None) -> Blackout:
    """Close whole dates, both included."""
    return Blackout.objects.create(
        instructor=instructor, first_on=first_on, last_on=last_on or first_on, label="Away"
    )
