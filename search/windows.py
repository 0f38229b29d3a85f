"""When somebody wants a lesson: the dates and hours of a query against bookable starts."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from search.parser import ParsedQuery

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 14
NEAR_DAYS = timedelta(days=3)


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

    def fits_hours(self, start_at: datetime, minutes: int, zone: ZoneInfo) -> bool:
        """Tell whether the whole lesson lies inside the hours. Spec: S8.1."""
        if not self.hours:
            return True
        local = start_at.astimezone(zone)
        end = (start_at + timedelta(minutes=minutes)).astimezone(zone)
        return any(_lies_in(span, local, end) for span in self.hours)

    def fits(self, start_at: datetime, minutes: int, zone: ZoneInfo) -> bool:
        """Tell whether a start will do."""
        day = start_at.astimezone(zone).date()
        return self.fits_day(day) and self.fits_hours(start_at, minutes, zone)

    def days_off(self, on: date) -> int:
        """Return how many days a date lies from the nearest wanted one; 0 when none is named."""
        return min((abs((on - wanted).days) for wanted in self.dates), default=0)

    def horizon(self, today: date) -> tuple[date, date]:
        """Return the first and last date worth looking at: two weeks, or around far dates."""
        last = today + timedelta(days=LOOK_AHEAD_DAYS - 1)
        if self.dates and not self.weekdays and min(self.dates) > last:
            return min(self.dates) - NEAR_DAYS, max(self.dates) + NEAR_DAYS
        return today, max([last, *self.dates])


def _lies_in(span: Hours, start: datetime, end: datetime) -> bool:
    after, before = span
    if after is not None and start.time() < after:
        return False
    return before is None or (end.date() == start.date() and end.time() <= before)


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
    # Midnight as an end is the last minute of the day for a comparison of clock faces.
    if text is None:
        return None
    return time(23, 59, 59) if text == "24:00" else time.fromisoformat(text)
