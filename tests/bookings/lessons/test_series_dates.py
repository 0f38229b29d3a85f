"""The dates of a weekly series: wall time, holidays, what is not free (Spec: R19, D2, S12.6)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.availability.holidays import holiday_on
from bookings.availability.intervals import Blackout, Schedule
from bookings.lessons.series_dates import (
    NO_SUCH_TIME,
    DateState,
    Picks,
    SeriesDate,
    series_dates,
    wall_starts,
)
from tests.bookings.lessons.builders import EVERY_DAY, NY, booking, facts, local, on, rules

pytestmark = pytest.mark.S12
ZONES = [
    "America/New_York", "America/Los_Angeles", "America/Phoenix", "Europe/London", "Europe/Berlin",
    "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago",
    "Pacific/Auckland",
]  # fmt: skip
NOW = "2026-03-01 08:00"


def dates(
    first: str, weeks: int = 4, picks: Picks | None = None, *, now: str = NOW, **values: object
) -> list[SeriesDate]:
    return series_dates(facts(**values), local(first), weeks, 60, local(now), picks)


def states(found: list[SeriesDate]) -> list[str]:
    return [str(one.state) for one in found]


def test_the_wall_time_stays_across_the_change() -> None:
    """D2: weekly Sunday 15:00 on Mar 1 and Mar 8 is 20:00Z, then 19:00Z."""
    starts = wall_starts(local("2026-03-01 15:00"), 2, NY)
    assert starts == [
        datetime(2026, 3, 1, 20, tzinfo=UTC),
        datetime(2026, 3, 8, 19, tzinfo=UTC),
    ]


def test_a_time_that_the_clocks_skip_is_not_booked() -> None:
    """D7: 2:30 AM does not exist on Mar 8; the week after it is back."""
    night = Schedule(weekly=tuple((weekday, 0, 8 * 60) for weekday in range(7)))
    found = dates("2026-03-01 02:30", 3, schedule=night, now="2026-02-20 08:00")
    assert [one.start_at is None for one in found] == [False, True, False]
    assert (found[1].state, found[1].words) == (DateState.TAKEN, NO_SUCH_TIME)
    assert found[1].on == on("2026-03-08")
    assert found[1].nearest
    assert found[1].chosen_at is None


def test_of_a_time_that_comes_twice_one_is_taken() -> None:
    """D4: on Nov 1 the 1:30 AM with the offset of the first lesson."""
    starts = wall_starts(local("2026-10-25 01:30"), 3, NY)
    assert starts[1] == local("2026-11-01 01:30", fold=0)
    later = wall_starts(local("2026-11-01 01:30", fold=1), 2, NY)
    assert later == [local("2026-11-01 01:30", fold=1), local("2026-11-08 01:30")]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines
@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    first=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    weeks=st.integers(2, 12),
)
def test_every_start_reads_the_same_on_the_wall(
    zone: ZoneInfo, first: datetime, weeks: int
) -> None:
    """05 section 5: wall time constant over all clock changes of ten zones in two years."""
    minute = first.replace(second=0, microsecond=0, tzinfo=zone)
    instant = minute.astimezone(UTC)
    face = instant.astimezone(zone)
    for week, start in enumerate(wall_starts(instant, weeks, zone)):
        wanted = face.replace(tzinfo=None) + timedelta(weeks=week)
        if start is None:
            there = wanted.replace(tzinfo=zone)
            assert there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wanted
        else:
            assert start.astimezone(zone).replace(tzinfo=None) == wanted


def test_every_date_has_its_state_and_only_free_ones_are_chosen() -> None:
    """R19: time off and bookings are left out and read the same (S12.6)."""
    found = dates(
        "2026-03-03 10:00",
        5,
        bookings=(booking("2026-03-10 10:30"),),
        schedule=Schedule(
            weekly=EVERY_DAY, blackouts=(Blackout(on("2026-03-17"), on("2026-03-17"), label="x"),)
        ),
        rules=rules(max_advance_days=28),
    )
    assert states(found) == ["open", "taken", "taken", "open", "taken"]
    assert [one.chosen_at is not None for one in found] == [True, False, False, True, False]
    assert found[1].words == found[2].words == "Not available."
    assert found[4].words == "Too far ahead to book."
    assert [f"{at.astimezone(NY):%a %H:%M}" for at in found[1].nearest] == [
        "Tue 09:30", "Tue 09:00", "Tue 11:30",
    ]  # fmt: skip
    assert all(abs(at - found[2].start_at) < timedelta(days=4) for at in found[2].nearest)  # type: ignore[operator]


def test_picking_another_time_takes_it() -> None:
    """R19"""
    busy = (booking("2026-03-10 10:30"),)
    pick = local("2026-03-10 11:30")
    found = dates("2026-03-03 10:00", 3, {2: pick, 3: "skip"}, bookings=busy)
    assert [one.chosen_at for one in found] == [local("2026-03-03 10:00"), pick, None]


@pytest.mark.parametrize("pick", ["book", local("2026-03-10 10:30"), local("2026-03-24 10:00")])
def test_a_pick_that_is_not_offered_takes_nothing(pick: str | datetime) -> None:
    """S17: what a form says is no reason to book."""
    found = dates("2026-03-03 10:00", 3, {2: pick}, bookings=(booking("2026-03-10 10:30"),))
    assert found[1].chosen_at is None


def test_a_holiday_is_skipped_unless_it_is_asked_for() -> None:
    """R19"""
    now = "2026-11-01 08:00"
    found = dates("2026-11-19 10:00", 3, now=now)
    assert states(found) == ["open", "holiday", "open"]
    assert (found[1].words, found[1].chosen_at) == ("Thanksgiving Day", None)
    asked = dates("2026-11-19 10:00", 3, {2: "book"}, now=now)
    assert asked[1].chosen_at == local("2026-11-26 10:00")


def test_chosen_dates_must_go_together() -> None:
    """R6: two lessons in one week pass the weekly minutes."""
    strict = rules(max_minutes_per_week=60)
    busy = (booking("2026-03-14 10:00", id="x"),)
    alone = dates("2026-03-03 10:00", 3, rules=strict)
    assert all(one.chosen_at for one in alone)
    full = dates("2026-03-03 10:00", 3, rules=strict, bookings=busy)
    assert [one.chosen_at is None for one in full] == [False, True, False]


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 1, 1), "New Year's Day"),
        (date(2026, 1, 19), "Martin Luther King Jr. Day"),
        (date(2026, 2, 16), "Presidents' Day"),
        (date(2026, 5, 25), "Memorial Day"),
        (date(2026, 6, 19), "Juneteenth"),
        (date(2026, 7, 4), "Independence Day"),
        (date(2026, 9, 7), "Labor Day"),
        (date(2026, 10, 12), "Columbus Day"),
        (date(2026, 11, 11), "Veterans Day"),
        (date(2026, 11, 26), "Thanksgiving Day"),
        (date(2026, 12, 25), "Christmas Day"),
        (date(2027, 5, 31), "Memorial Day"),
        (date(2026, 5, 18), ""),
        (date(2026, 11, 19), ""),
    ],
)
def test_holidays_by_date(day: date, name: str) -> None:
    assert holiday_on(day) == name


def test_a_year_has_eleven_holidays() -> None:
    days = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]
    assert sum(bool(holiday_on(day)) for day in days) == 11
