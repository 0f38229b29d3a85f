"""Times and dates at the edges: daylight saving, midnight, year ends, merged windows."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.search.catalogue import NEW_YORK, WEDNESDAY_IN_MARCH, constraints, read

pytestmark = pytest.mark.S8


def _at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=NEW_YORK)  # type: ignore[arg-type, misc]


def test_in_two_hours_follows_the_clock_over_the_spring_gap() -> None:
    """01:30 EST plus two real hours is 04:30 EDT. Spec: S8.1"""
    found = constraints("yoga in 2 hours", _at(2026, 3, 8, 1, 30))
    assert found == {"date_expr": ["2026-03-08"], "time_after": "04:30"}


def test_in_two_hours_follows_the_clock_over_the_autumn_overlap() -> None:
    """00:30 EDT plus two real hours is 01:30 EST. Spec: S8.1"""
    found = constraints("yoga in 2 hours", _at(2026, 11, 1, 0, 30))
    assert found["time_after"] == "01:30"


def test_the_day_is_the_one_of_the_zone_not_of_utc() -> None:
    """Spec: S8.1"""
    late_evening = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)  # Mar 4, 22:00 in New York
    assert constraints("boxing today", late_evening)["date_expr"] == ["2026-03-04"]


def test_now_late_in_the_evening_stays_within_the_day() -> None:
    """Spec: S8.1"""
    found = constraints("boxing now", _at(2026, 3, 4, 22, 30))
    assert found == {"date_expr": ["2026-03-04"], "time_after": "22:30", "time_before": "23:59"}


def test_in_hours_over_midnight_is_the_next_day() -> None:
    """Spec: S8.1"""
    found = constraints("boxing in 3 hours", _at(2026, 3, 4, 22, 0))
    assert found == {"date_expr": ["2026-03-05"], "time_after": "01:00"}


def test_now_leaves_room_for_the_wanted_length() -> None:
    """Spec: S8.1"""
    found = constraints("90 minute boxing now", WEDNESDAY_IN_MARCH)
    assert found["time_before"] == "14:30"


def test_this_weekend_on_sunday_is_that_sunday() -> None:
    """Spec: S8.1"""
    assert constraints("this weekend", _at(2026, 3, 8, 9))["date_expr"] == ["2026-03-08"]


def test_next_week_crosses_the_year() -> None:
    """Spec: S8.1"""
    days = constraints("next week", _at(2026, 12, 30, 9))["date_expr"]
    assert (days[0], days[-1]) == ("2027-01-04", "2027-01-10")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("2/29", ["2028-02-29"]),
        ("dec 24", ["2026-12-24"]),
        ("jan 13", ["2027-01-13"]),
        ("jan 14", ["2026-01-14"]),
        ("1/22/2026", ["2026-01-22"]),
        ("2026-02-03", ["2026-02-03"]),
        ("friday january 23rd", ["2026-01-23"]),
        ("the 5th", ["2026-02-05"]),
        ("on the 31st", ["2026-01-31"]),
        ("jan 20-22", ["2026-01-20", "2026-01-21", "2026-01-22"]),
        ("in 3 days", ["2026-01-17"]),
        ("in two weeks", ["2026-01-28"]),
        ("day after tomorrow", ["2026-01-16"]),
        ("this morning", ["2026-01-14"]),
        ("tuesday next week", ["2026-01-20"]),
        ("monday and wednesday", ["2026-01-14", "2026-01-19"]),
        ("by friday", ["2026-01-14", "2026-01-15", "2026-01-16"]),
    ],
)
def test_dates_by_the_calendar(query: str, expected: list[str]) -> None:
    """Spec: S8.1"""
    assert constraints(f"piano {query}")["date_expr"] == expected


@pytest.mark.parametrize(
    ("query", "after", "before"),
    [
        ("10-2pm", "10:00", "14:00"),
        ("9-12pm", "09:00", "12:00"),
        ("11am to 1pm", "11:00", "13:00"),
        ("10am to noon", "10:00", "12:00"),
        ("10pm - midnight", "22:00", "23:59"),
        ("friday 6-8", "18:00", "20:00"),
        ("friday 11-1", "11:00", "13:00"),
        ("from 9 to 5", "09:00", "17:00"),
        ("between five and seven", "17:00", "19:00"),
        ("8-10 in the evening", "20:00", "22:00"),
        ("tonight at 8", "20:00", "21:00"),
        ("7 in the morning", "07:00", "08:00"),
        ("half past six pm", "18:30", "19:30"),
        ("quarter to 5 pm", "16:45", "17:45"),
        ("four thirty pm", "16:30", "17:30"),
        ("3 o'clock", "15:00", "16:00"),
        ("15:00", "15:00", "16:00"),
        ("1730", None, None),
        ("530pm", "17:30", "18:30"),
        ("7p", "19:00", "20:00"),
        ("at 11:30pm", "23:30", "23:59"),
        ("after 5 but not after 8", "17:00", "20:00"),
        ("after 4pm and before 7pm", "16:00", "19:00"),
        ("evening after 7", "19:00", None),
        ("mornings not before 8", "08:00", "12:00"),
        ("no later than 6", None, "18:00"),
        ("5pm or later", "17:00", None),
        ("from 6 onwards", "18:00", None),
        ("afternoon or evening", "12:00", None),
        ("not in the morning", "12:00", None),
        ("morning or evening", None, None),
    ],
)
def test_windows(query: str, after: str | None, before: str | None) -> None:
    """Spec: S8.1"""
    found: dict[str, Any] = constraints(f"piano {query}")
    assert (found.get("time_after"), found.get("time_before")) == (after, before)


def test_dates_and_weekdays_are_resolved_values() -> None:
    """Spec: S8.1"""
    assert read("piano saturdays").weekdays == ("sat",)
    assert read("piano saturdays").dates == ()
    assert read("piano saturday").dates == (date(2026, 1, 17),)


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ("half an hour", 30), ("45-minute lesson", 45), ("1h30", 90), ("hour and a half", 90),
        ("1 1/2 hours", 90), ("1½ hours", 90), ("ninety minutes", 90), ("hour long lesson", 60),
        ("for an hour", 60), ("$60 for an hour", 60), ("30 minutes twice a week", 30),
        ("$60 an hour", None), ("20 minutes away", None), ("24 hours notice", None),
        ("in 2 hours", None),
    ],
)  # fmt: skip
def test_durations(query: str, minutes: int | None) -> None:
    """Spec: S8.1"""
    assert constraints(f"piano {query}").get("duration_minutes") == minutes
