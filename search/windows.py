"""When somebody wants a lesson: the dates and hours of a query against bookable starts."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from search.parser import ParsedQuery

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 14


@dataclass(frozen=True)
class Window:
    """Dates, weekdays and hours that a whole lesson must lie in; empty means any."""

    dates: frozenset[date] = frozenset()
    weekdays: frozenset[str] = frozenset()
    closed_weekdays: frozenset[str] = frozenset()
    after: time | None = None
    before: time | None = None

    @property
    def is_open_ended(self) -> bool:
        """Whether any time will do."""
        return not (self.dates or self.weekdays or self.closed_weekdays or self.has_hours)

    @property
    def has_hours(self) -> bool:
        """Whether hours of the day are asked for."""
        return self.after is not None or self.before is not None

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
        local = start_at.astimezone(zone)
        end = (start_at + timedelta(minutes=minutes)).astimezone(zone)
        if self.after is not None and local.time() < self.after:
            return False
        if self.before is None:
            return True
        return end.date() == local.date() and end.time() <= self.before

    def fits(self, start_at: datetime, minutes: int, zone: ZoneInfo) -> bool:
        """Tell whether a start will do."""
        day = start_at.astimezone(zone).date()
        return self.fits_day(day) and self.fits_hours(start_at, minutes, zone)

    def horizon(self, today: date) -> tuple[date, date]:
        """Return the first and last date worth looking at."""
        last = today + timedelta(days=LOOK_AHEAD_DAYS - 1)
        if self.dates and not self.weekdays:
            return max(today, min(self.dates)), max(today, *self.dates)
        return today, max([last, *self.dates])


def window_of(query: ParsedQuery) -> Window:
    """Return the window that a query asks for."""
    wanted = query.constraints
    excluded = wanted.get("exclude", {})
    return Window(
        dates=frozenset(query.dates),
        weekdays=frozenset(query.weekdays),
        closed_weekdays=frozenset(excluded.get("weekdays", ())),
        after=_time(wanted.get("time_after")),
        before=_time(wanted.get("time_before")),
    )


def _time(text: str | None) -> time | None:
    # Midnight as an end is the last minute of the day for a comparison of clock faces.
    if text is None:
        return None
    return time(23, 59, 59) if text == "24:00" else time.fromisoformat(text)
