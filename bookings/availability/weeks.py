"""Hours of single days as they are edited: checked, joined, copied, compared. Nothing is read here.

Minutes count from midnight on the clock face; a window of a day ends at 1440 at the latest.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bookings.availability.clock import MINUTES_PER_DAY, existing_window
from bookings.availability.intervals import DayWindow, Schedule

DAYS_A_WEEK = 7
STEP_MINUTES = 15
Windows = Sequence[tuple[int, int]]
_DIGEST_BYTES = 6


class CopyMode(StrEnum):
    """What copying does with the hours that a week has already (Spec: S15.4)."""

    OVERWRITE = "overwrite"
    MERGE = "merge"


def monday_of(on: date) -> date:
    """Return the Monday of the week of a date: weeks run from Monday to Sunday."""
    return on - timedelta(days=on.weekday())


def dates_of_week(on: date) -> list[date]:
    """Return the seven dates of the week of a date, Monday first. Spec: D15"""
    first_on = monday_of(on)
    return [first_on + timedelta(days=number) for number in range(DAYS_A_WEEK)]


def joined(windows: Iterable[tuple[int, int]]) -> tuple[DayWindow, ...]:
    """Return the same minutes as separate windows in order; touching ones become one."""
    found: list[DayWindow] = []
    for start, end in sorted(windows):
        if found and start <= found[-1].end_minute:
            found[-1] = DayWindow(found[-1].start_minute, max(found[-1].end_minute, end))
        else:
            found.append(DayWindow(start, end))
    return tuple(found)


def faults_of(windows: Windows) -> dict[int, str]:
    """Return what is wrong with the windows of one day, by their number. Spec: S15.6

    Each is a quarter-hour window within the day, and no two of them overlap.
    """
    faults: dict[int, str] = {}
    sound: list[tuple[int, int, int]] = []
    for number, (start, end) in enumerate(windows):
        if not 0 <= start < MINUTES_PER_DAY or not 0 < end <= MINUTES_PER_DAY:
            faults[number] = "is not within one day"
        elif start % STEP_MINUTES or end % STEP_MINUTES:
            faults[number] = "use quarter hours, such as 10:15 AM"
        elif end <= start:
            faults[number] = f"{say_minute(start)} to {say_minute(end)} ends before it starts"
        else:
            sound.append((start, end, number))
    for start, end, number in sound:
        other = next(
            (row for row in sound if row[2] < number and row[0] < end and start < row[1]), None
        )
        if other is not None:
            faults[number] = f"overlaps {say_minute(other[0])} to {say_minute(other[1])}"
    return faults


def existing_windows(on: date, windows: Windows, zone: ZoneInfo) -> tuple[DayWindow, ...]:
    """Return the windows without the times that a clock change skips on the date. Spec: D7"""
    cut = (existing_window(on, start, end, zone) for start, end in joined(windows))
    return joined(window for window in cut if window is not None)


def weekly_windows(schedule: Schedule, weekday: int) -> tuple[DayWindow, ...]:
    """Return the hours that repeat on a weekday, Monday being 0."""
    return joined((start, end) for day, start, end in schedule.weekly if day == weekday)


def windows_on(schedule: Schedule, on: date) -> tuple[DayWindow, ...]:
    """Return the hours of a date: its own where it has an override, else the weekly ones. R3"""
    own = schedule.overrides.get(on)
    return weekly_windows(schedule, on.weekday()) if own is None else joined(own)


def differs(schedule: Schedule, on: date, zone: ZoneInfo) -> bool:
    """Tell whether a date opens at other times than its weekday usually does. Spec: S15.4"""
    usual = existing_windows(on, weekly_windows(schedule, on.weekday()), zone)
    return existing_windows(on, windows_on(schedule, on), zone) != usual


def weekly_version(schedule: Schedule) -> str:
    """Return the token of the weekly hours: one digest for each weekday. Spec: S15.6"""
    return _version([weekly_windows(schedule, weekday)] for weekday in range(DAYS_A_WEEK))


def week_version(schedule: Schedule, week_on: date) -> str:
    """Return the token of the hours of one week: what is shown of it, weekly hours included."""
    return _version(
        [windows_on(schedule, on), weekly_windows(schedule, on.weekday())]
        for on in dates_of_week(week_on)
    )


def _version(days: Iterable[Sequence[Windows]]) -> str:
    texts = (repr([[tuple(window) for window in windows] for windows in day]) for day in days)
    digests = (hashlib.sha256(text.encode()).hexdigest()[: 2 * _DIGEST_BYTES] for text in texts)
    return ".".join(digests)


def changed_days(before: str, after: str) -> list[int]:
    """Return the numbers of the days by which two tokens differ; all for a token of nothing."""
    old, new = before.split("."), after.split(".")
    if len(old) != len(new):
        return list(range(len(new)))
    return [number for number, digest in enumerate(new) if digest != old[number]]


def copied_week(
    schedule: Schedule, *, from_on: date, weeks: int, mode: CopyMode, zone: ZoneInfo
) -> dict[date, tuple[DayWindow, ...]]:
    """Return the hours of each date of the weeks after ``from_on``'s once that week is copied.

    The clock face is copied, whatever the offset of the date (D8). Merging keeps what is open.
    """
    source = {on.weekday(): windows_on(schedule, on) for on in dates_of_week(from_on)}
    copied = {}
    for number in range(1, weeks + 1):
        for on in dates_of_week(from_on + timedelta(weeks=number)):
            windows: Windows = source[on.weekday()]
            if mode is CopyMode.MERGE:
                windows = [*windows, *windows_on(schedule, on)]
            copied[on] = existing_windows(on, windows, zone)
    return copied


def overrides_for(
    schedule: Schedule, days: Mapping[date, Windows | None], zone: ZoneInfo
) -> dict[date, tuple[DayWindow, ...] | None]:
    """Return what to store for each date: its hours, or None where the weekly ones say the same.

    None as hours means the weekly ones. A date that is like every week keeps following it.
    """
    stored: dict[date, tuple[DayWindow, ...] | None] = {}
    for on, windows in days.items():
        if windows is None:
            stored[on] = None
            continue
        wanted = existing_windows(on, windows, zone)
        usual = existing_windows(on, weekly_windows(schedule, on.weekday()), zone)
        stored[on] = None if wanted == usual else wanted
    return stored


def minutes_of(windows: Windows) -> int:
    """Return how many minutes of the clock face the windows hold."""
    return sum(end - start for start, end in joined(windows))


def say_minute(minute: int) -> str:
    """Print a minute of the day as a time: ``10:15 AM``, and 1440 as ``12:00 AM``."""
    hour, rest = divmod(minute % MINUTES_PER_DAY, 60)
    return f"{hour % 12 or 12}:{rest:02d} {'AM' if hour < 12 else 'PM'}"  # noqa: PLR2004 - noon


def say_windows(windows: Windows) -> str:
    """Print the hours of a day: ``9:00 AM – 12:00 PM, 2:00 PM – 5:00 PM``, or ``Closed``."""
    parts = [f"{say_minute(start)} – {say_minute(end)}" for start, end in windows]
    return ", ".join(parts) or "Closed"
