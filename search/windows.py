"""When somebody wants a lesson: the dates and hours of a query against bookable starts."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bookings.availability.clock import MINUTES_PER_DAY, dates_between
from bookings.availability.minutes import origin_of, runs, wall_minutes
from search.parser import ParsedQuery

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 14
NEAR_DAYS = timedelta(days=3)
LAST_SECOND = time(23, 59, 59)


Hours = tuple[time | None, time | None]
"""From and until on the clock; None is the start or the end of the day."""


@dataclass(frozen=True)
class Window:
    """Dates, weekdays and hours that a whole lesson must lie in; empty means any."""

    dates: frozenset[date] = frozenset()
    weekdays: frozenset[str] = frozenset()
    closed_weekdays: frozenset[str] = frozenset()
    hours: tuple[Hours, ...] = ()

    @property
    def is_open_ended(self) -> bool:
        """Whether any time will do."""
        return not (self.dates or self.weekdays or self.closed_weekdays or self.has_hours)

    @property
    def has_hours(self) -> bool:
        """Whether hours of the day are asked for."""
        return bool(self.hours)

    @property
    def has_days(self) -> bool:
        """Whether dates or weekdays are asked for."""
        return bool(self.dates or self.weekdays)

    def fits_day(self, on: date) -> bool:
        """Tell whether a date will do."""
        code = WEEKDAYS[on.weekday()]
        if code in self.closed_weekdays:
            return False
        return not self.has_days or on in self.dates or code in self.weekdays

    def days_off(self, on: date) -> int:
        """Return how many days a date lies from the nearest wanted one; 0 when none is named."""
        return min((abs((on - wanted).days) for wanted in self.dates), default=0)

    def horizon(self, today: date) -> tuple[date, date]:
        """Return the first and last date worth looking at: two weeks, or around far dates."""
        last = usual_horizon(today)[1]
        if self.dates and not self.weekdays and min(self.dates) > last:
            return min(self.dates) - NEAR_DAYS, max(self.dates) + NEAR_DAYS
        return today, max([last, *self.dates])


def usual_horizon(today: date) -> tuple[date, date]:
    """Return the first and last date of the two weeks from today."""
    return today, today + timedelta(days=LOOK_AHEAD_DAYS - 1)


@lru_cache(maxsize=64)
def wanted_starts(
    window: Window, zone: ZoneInfo, first_on: date, last_on: date, length: int
) -> int:
    """Return the minutes at which a lesson of ``length`` minutes lies inside the window.

    Dates are those of ``zone``; minutes count from ``origin_of(first_on)``. Spec: S8.1, S8.4
    """
    origin = origin_of(first_on)
    days = [on for on in dates_between(first_on, last_on) if window.fits_day(on)]
    found = 0
    for after, before in window.hours or [(None, None)]:
        low = minute_of_day(after) if after else 0
        if before is None:
            # A lesson that may begin late may end when it likes.
            found |= wall_minutes(days, low, MINUTES_PER_DAY, zone, origin)
        elif low < (high := minute_of_day(before)):
            for on in days:
                found |= runs(wall_minutes([on], low, high, zone, origin), length)
    return found


@lru_cache(maxsize=64)
def nearest_days(window: Window, zone: ZoneInfo, first_on: date, last_on: date) -> tuple[int, ...]:
    """Return the minutes of the wanted days, then those of the days nearer and farther off.

    Days are equally near where no date is named. Spec: S8.4
    """
    origin = origin_of(first_on)
    by_distance: dict[int, list[date]] = {}
    for on in dates_between(first_on, last_on):
        off = -1 if window.fits_day(on) else window.days_off(on)
        by_distance.setdefault(off, []).append(on)
    days = [by_distance.pop(-1, []), *(by_distance[off] for off in sorted(by_distance))]
    return tuple(wall_minutes(each, 0, MINUTES_PER_DAY, zone, origin) for each in days)


def minute_of_day(face: time) -> int:
    """Return the minute of a clock face; the last second of the day is its end."""
    return MINUTES_PER_DAY if face == LAST_SECOND else face.hour * 60 + face.minute


def window_of(query: ParsedQuery) -> Window:
    """Return the window that the words ask for."""
    wanted = query.constraints
    after, before = _time(wanted.get("time_after")), _time(wanted.get("time_before"))
    excluded = wanted.get("exclude", {})
    return Window(
        dates=frozenset(query.dates),
        weekdays=frozenset(query.weekdays),
        closed_weekdays=frozenset(excluded.get("weekdays", ())),
        hours=() if after is None and before is None else ((after, before),),
    )


def _time(text: str | None) -> time | None:
    # No clock face reads midnight as an end of the day; its last second stands for it.
    if text is None:
        return None
    return LAST_SECOND if text == "24:00" else time.fromisoformat(text)
