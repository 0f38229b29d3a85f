"""Public holidays on which a weekly series pauses (Spec: R19)."""

from datetime import date, timedelta

MONDAY, THURSDAY = 0, 3


def holiday_on(on: date) -> str:
    """Return the name of the federal holiday of the United States on a date, or an empty string."""
    return _fixed(on) or _nth_weekday(on)


def _fixed(on: date) -> str:
    names = {
        (1, 1): "New Year's Day",
        (6, 19): "Juneteenth",
        (7, 4): "Independence Day",
        (11, 11): "Veterans Day",
        (12, 25): "Christmas Day",
    }
    return names.get((on.month, on.day), "")


def _nth_weekday(on: date) -> str:
    is_last = (on + timedelta(days=7)).month != on.month
    if (on.month, on.weekday()) == (5, MONDAY) and is_last:
        return "Memorial Day"
    nth = (on.day - 1) // 7 + 1
    names = {
        (1, MONDAY, 3): "Martin Luther King Jr. Day",
        (2, MONDAY, 3): "Presidents' Day",
        (9, MONDAY, 1): "Labor Day",
        (10, MONDAY, 2): "Columbus Day",
        (11, THURSDAY, 4): "Thanksgiving Day",
    }
    return names.get((on.month, on.weekday(), nth), "")
