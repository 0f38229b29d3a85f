"""Chip labels in the words of the interface."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from search.parser.query import HOUR
from search.parser.windows import NOON, Window

SHORTEST_SPAN = 3  # days in a row that are shown as "from – to"
_DAY_NAMES = {
    "mon": "Mondays", "tue": "Tuesdays", "wed": "Wednesdays", "thu": "Thursdays",
    "fri": "Fridays", "sat": "Saturdays", "sun": "Sundays",
}  # fmt: skip
MODALITY_LABELS = {
    "online": "Online",
    "in_person": "In person",
    "at_student": "At my place",
    "at_instructor": "At the instructor’s place",
}
AGE_GROUP_LABELS = {
    "toddler": "Toddlers", "kid": "Kids", "teen": "Teens", "adult": "Adults", "senior": "Seniors",
}  # fmt: skip
PRICE_PREF_LABELS = {"low": "Lower prices first", "high": "Premium first"}


def price_label(low: float | None, high: float | None, per: str) -> str:
    """“Up to $90/hour”, “From $50/lesson”, “$50–$70/hour”."""
    if low is not None and high is not None:
        return f"{_dollars(low)}–{_dollars(high)}/{per}"
    if high is not None:
        return f"Up to {_dollars(high)}/{per}"
    return f"From {_dollars(low or 0)}/{per}"


def per_label(basis: str, minutes: int) -> str:
    """“hour”, “lesson”, “half hour”, “45 minutes”: what a price is for."""
    if basis == "lesson" or minutes == HOUR:
        return basis
    return "half hour" if minutes == HOUR // 2 else duration_label(minutes)


def _dollars(value: float) -> str:
    return f"${value:,.0f}" if value == int(value) else f"${value:,.2f}"


def when_label(dates: Sequence[date], weekdays: Sequence[str]) -> str:
    """“Sat, Jan 17”, “Mon, Jan 19 – Sun, Jan 25”, “Tuesdays and Thursdays”, “Weekends”."""
    parts = []
    if dates:
        parts.append(_dates_label(dates))
    if weekdays:
        parts.append(weekdays_label(weekdays))
    return " or ".join(parts)


def _dates_label(dates: Sequence[date]) -> str:
    consecutive = all(b - a == timedelta(1) for a, b in pairwise(dates))
    if len(dates) >= SHORTEST_SPAN and consecutive:
        return f"{_date_label(dates[0])} – {_date_label(dates[-1])}"
    return _join([_date_label(day) for day in dates], "or")


def _date_label(day: date) -> str:
    return f"{day:%a}, {day:%b} {day.day}"


def weekdays_label(codes: Sequence[str]) -> str:
    """“Weekdays”, “Weekends” or the names."""
    if set(codes) == {"mon", "tue", "wed", "thu", "fri"}:
        return "Weekdays"
    if set(codes) == {"sat", "sun"}:
        return "Weekends"
    return _join([_DAY_NAMES[code] for code in codes], "and")


def _join(words: Sequence[str], last: str) -> str:
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def time_label(window: Window) -> str:
    """“After 5:00 PM”, “Before 12:00 PM”, “At 3:00 PM”, “12:00 PM – 5:00 PM”."""
    if window.is_start and window.after is not None:
        return f"At {_clock_label(window.after)}"
    if window.after is not None and window.before is not None:
        return f"{_clock_label(window.after)} – {_clock_label(window.before)}"
    if window.after is not None:
        return f"After {_clock_label(window.after)}"
    return f"Before {_clock_label(window.before or 0)}"


def _clock_label(minute: int) -> str:
    hour, rest = divmod(minute, 60)
    return f"{(hour - 1) % 12 + 1}:{rest:02d} {'AM' if minute < NOON else 'PM'}"


def places_label(names: Sequence[str]) -> str:
    """“Park Slope” or “Tribeca or Chelsea”."""
    return _join(names, "or")


def duration_label(minutes: int) -> str:
    """“45 minutes”, “2 hours”."""
    hours, rest = divmod(minutes, 60)
    if rest:
        return f"{minutes} minutes"
    return "1 hour" if hours == 1 else f"{hours} hours"


def age_label(years: object) -> str:
    """“Age 6”."""
    return f"Age {years}"
