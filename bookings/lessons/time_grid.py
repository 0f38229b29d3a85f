"""Months, weeks and parts of the day that the time page lays out; pure.

Spec: S12.1, S12.2, D4, D15
"""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.lessons.rules import DayState

NOON, EVENING = 12, 17
# Clocks change in these hours; a later time on the day is not touched.
SMALL_HOURS = 4
# A column of the week shows so many times; the day itself shows all.
WEEK_TIMES = 7
SUNDAY_FIRST = calendar.Calendar(firstweekday=6)

Starts = Mapping[date, Sequence[datetime]]


@dataclass(frozen=True)
class MonthDay:
    """One cell of the month."""

    on: date
    state: DayState
    count: int
    is_in_month: bool
    is_selected: bool
    is_today: bool

    @property
    def label(self) -> str:
        """What a screen reader says: the day and how many times it has."""
        words = {
            DayState.FULL: "no times left",
            DayState.CLOSED: "not available",
            DayState.OUTSIDE: "cannot be booked",
        }
        return f"{self.on:%A, %B} {self.on.day}, {words.get(self.state, count_words(self.count))}"

    @property
    def is_link(self) -> bool:
        """Whether choosing the day leads anywhere: to its times, or to why it has none."""
        return self.state in (DayState.OPEN, DayState.FEW, DayState.FULL)


def count_words(count: int) -> str:
    """Return ``1 time``, ``6 times``."""
    return "1 time" if count == 1 else f"{count} times"


@dataclass(frozen=True)
class TimeGroup:
    """Starts of one part of the day; ``taken_at`` was asked for and is gone."""

    title: str
    starts: Sequence[datetime]
    chosen_at: datetime | None
    taken_at: datetime | None
    next_start: datetime | None

    @property
    def slots(self) -> list[dict[str, object]]:
        """The radio buttons of the group."""
        taken = [self.taken_at] if self.taken_at else []
        return as_slots(sorted([*self.starts, *taken]), self.chosen_at, self.taken_at)


@dataclass(frozen=True)
class DayOfWeek:
    """One column of the week."""

    on: date
    starts: Sequence[datetime]
    chosen_at: datetime | None
    is_today: bool
    is_past: bool

    @property
    def slots(self) -> list[dict[str, object]]:
        """The radio buttons of the column."""
        return as_slots(self.starts[:WEEK_TIMES], self.chosen_at)

    @property
    def more(self) -> int:
        """How many times only the day itself shows."""
        return max(0, len(self.starts) - WEEK_TIMES)


def as_slots(
    starts: Sequence[datetime], chosen_at: datetime | None, taken_at: datetime | None = None
) -> list[dict[str, object]]:
    """Return starts as ``components/slot.html`` wants them; a value is the UTC instant."""
    return [
        {
            "start_at": start,
            "value": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "state": "taken" if start == taken_at else "open",
            "checked": start == chosen_at,
        }
        for start in starts
    ]


def bookable_dates(month_on: date, today: date, last_on: date) -> list[date]:
    """Return the dates of a month from today to the last one that can be booked."""
    days = calendar.monthrange(month_on.year, month_on.month)[1]
    dates = (month_on + timedelta(days=number) for number in range(days))
    return [on for on in dates if today <= on <= last_on]


def month_bounds(month_on: date) -> tuple[date, date]:
    """Return the first and last date of the whole weeks that show a month."""
    weeks = SUNDAY_FIRST.monthdatescalendar(month_on.year, month_on.month)
    return weeks[0][0], weeks[-1][-1]


def months_around(month_on: date, today: date, last_on: date) -> tuple[date | None, date | None]:
    """Return the month before and after, None where nothing can be booked any more or yet."""
    earlier = (month_on - timedelta(days=1)).replace(day=1)
    later = (month_on + timedelta(days=32)).replace(day=1)
    return (
        earlier if earlier >= today.replace(day=1) else None,
        later if later <= last_on else None,
    )


def week_start(on: date) -> date:
    """Return the Sunday of a date's week."""
    return on - timedelta(days=(on.weekday() + 1) % 7)


def weeks_of_month(
    month_on: date,
    states: Mapping[date, DayState],
    by_day: Starts,
    selected: date | None,
    today: date,
) -> list[list[MonthDay]]:
    """Return the cells of a month, week by week from Sunday."""
    weeks = SUNDAY_FIRST.monthdatescalendar(month_on.year, month_on.month)
    return [
        [
            MonthDay(
                on=on,
                state=states[on],
                count=len(by_day.get(on, ())),
                is_in_month=on.month == month_on.month,
                is_selected=on == selected,
                is_today=on == today,
            )
            for on in week
        ]
        for week in weeks
    ]


def days_of_week(
    first_on: date, by_day: Starts, chosen_at: datetime | None, today: date
) -> list[DayOfWeek]:
    """Return the seven columns of a week that starts on ``first_on``."""
    days = [first_on + timedelta(days=number) for number in range(7)]
    return [DayOfWeek(on, by_day.get(on, ()), chosen_at, on == today, on < today) for on in days]


def _part(hour: int) -> str:
    return "Morning" if hour < NOON else "Afternoon" if hour < EVENING else "Evening"


def day_groups(
    by_day: Starts,
    on: date,
    zone: ZoneInfo,
    chosen_at: datetime | None = None,
    taken_at: datetime | None = None,
) -> list[TimeGroup]:
    """Return the starts of a date in three parts; an empty part names its next start."""

    def part(start: datetime) -> str:
        return _part(start.astimezone(zone).hour)

    if taken_at is not None and taken_at.astimezone(zone).date() != on:
        taken_at = None
    later = [start for day in sorted(by_day) if day > on for start in by_day[day]]
    return [
        TimeGroup(
            title=title,
            starts=[start for start in by_day.get(on, ()) if part(start) == title],
            chosen_at=chosen_at,
            taken_at=taken_at if taken_at is not None and part(taken_at) == title else None,
            next_start=next((start for start in later if part(start) == title), None),
        )
        for title in ("Morning", "Afternoon", "Evening")
    ]


def _clock_jump(on: date, zone: ZoneInfo) -> int:
    """Return by how many minutes the clock jumps on a local date: 60, -60, 0 on ordinary days."""
    midnight = datetime(on.year, on.month, on.day, tzinfo=zone)
    before, after = midnight.utcoffset(), (midnight + timedelta(days=1)).utcoffset()
    return int(((after or timedelta()) - (before or timedelta())).total_seconds() // 60)


def clock_change_note(on: date | None, starts: Sequence[datetime], zone: ZoneInfo) -> str:
    """Say what the clock does in the night, if a shown time is near it. Spec: D3, D4."""
    if on is None or not any(start.astimezone(zone).hour < SMALL_HOURS for start in starts):
        return ""
    minutes = _clock_jump(on, zone)
    if minutes > 0:
        return "Clocks go forward in this night: one hour does not exist."
    if minutes < 0:
        return "Clocks go back in this night: one hour comes twice, so its times carry their zone."
    return ""
