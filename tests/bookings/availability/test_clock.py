"""Wall-clock windows as instants where clocks change (Spec: 05 §5)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.availability.clock import (
    existing_window,
    grid_starts,
    instants_of,
    is_on_grid,
    wall_pieces,
)
from bookings.availability.intervals import wall_intervals

NY = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)


def utc(on: date, start: int, end: int, zone: ZoneInfo = NY) -> list[tuple[str, str]]:
    return [
        (f"{one.start:%d %H:%M}", f"{one.end:%d %H:%M}")
        for one in wall_intervals(on, start, end, zone)
    ]


@pytest.mark.parametrize(
    ("on", "hours"),
    [
        (date(2026, 3, 7), ("07 18:00", "07 23:00")),
        (date(2026, 3, 8), ("08 17:00", "08 22:00")),
        (date(2026, 3, 9), ("09 17:00", "09 22:00")),
    ],
)
def test_d1_afternoon_keeps_its_wall_clock_over_the_change(
    on: date, hours: tuple[str, str]
) -> None:
    """D1."""
    assert utc(on, 13 * 60, 18 * 60) == [hours]


@pytest.mark.parametrize(
    ("year", "spring", "autumn"),
    [
        (2026, (3, 8), (11, 1)),
        (2027, (3, 14), (11, 7)),
        (2028, (3, 12), (11, 5)),
    ],
)
def test_days_of_us_changes_are_an_hour_short_and_long(
    year: int, spring: tuple[int, int], autumn: tuple[int, int]
) -> None:
    """05 §5: the dates of the changes."""
    for month_day, hours in ((spring, 23), (autumn, 25)):
        [whole] = wall_intervals(date(year, *month_day), 0, 1440, NY)
        assert whole.end - whole.start == timedelta(hours=hours)


def test_d3_skipped_hour_shortens_a_window() -> None:
    """D3."""
    assert utc(SPRING, 60, 240) == [("08 06:00", "08 08:00")]


def test_d4_repeated_hour_lengthens_a_window() -> None:
    """D4."""
    assert utc(AUTUMN, 0, 180) == [("01 04:00", "01 08:00")]


def test_window_inside_the_repeated_hour_happens_twice() -> None:
    """05 §5: an instant is open exactly when its clock face is inside the window."""
    assert utc(AUTUMN, 75, 105) == [("01 05:15", "01 05:45"), ("01 06:15", "01 06:45")]
    assert utc(AUTUMN, 90, 180) == [("01 05:30", "01 06:00"), ("01 06:30", "01 08:00")]


def test_window_that_does_not_exist_is_empty() -> None:
    """05 §5: local times that do not exist are never offered."""
    assert wall_pieces(SPRING, 120, 180, NY) == ()
    assert existing_window(SPRING, 130, 170, NY) is None


@pytest.mark.parametrize(
    ("window", "saved"),
    [
        ((150, 300), (180, 300)),
        ((60, 150), (60, 120)),
        ((60, 240), (60, 240)),
        ((540, 600), (540, 600)),
    ],
)
def test_d7_override_is_saved_without_the_minutes_that_do_not_exist(
    window: tuple[int, int], saved: tuple[int, int]
) -> None:
    """D7."""
    assert existing_window(SPRING, *window, NY) == saved
    assert existing_window(date(2026, 3, 9), *window, NY) == window


def test_existing_window_keeps_the_repeated_hour_as_written() -> None:
    assert existing_window(AUTUMN, 90, 105, NY) == (90, 105)
    assert existing_window(AUTUMN, 0, 1440, NY) == (0, 1440)


def test_local_minute_has_none_one_or_two_instants() -> None:
    """D4, D7: 2:30 AM on Mar 8 does not exist, 1:30 AM on Nov 1 happens twice."""
    assert instants_of(SPRING, 150, NY) == ()
    assert instants_of(SPRING, 90, NY) == (datetime(2026, 3, 8, 6, 30, tzinfo=UTC),)
    assert instants_of(AUTUMN, 90, NY) == (
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(("on", "count"), [(SPRING, 46), (AUTUMN, 50), (date(2026, 7, 1), 48)])
def test_grid_follows_the_clock_face(on: date, count: int) -> None:
    """R5."""
    grid = grid_starts(on, 30, NY)
    assert len(grid) == count
    assert list(grid) == sorted(set(grid))
    assert all(is_on_grid(start.astimezone(NY), 30) for start in grid)
    assert all(start.astimezone(NY).date() == on for start in grid)


def test_seconds_are_never_on_the_grid() -> None:
    """R5."""
    assert not is_on_grid(datetime(2026, 3, 1, 9, 0, 1, tzinfo=NY), 30)
    assert not is_on_grid(datetime(2026, 3, 1, 9, 0, 0, 1, tzinfo=NY), 30)


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("Asia/Beirut", date(2026, 10, 24), 25),
        ("Asia/Kathmandu", date(2026, 3, 8), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Kiritimati", date(2026, 1, 1), 24),
        ("Pacific/Pago_Pago", date(2026, 1, 1), 24),
    ],
)
def test_days_of_unusual_zones_have_their_real_length(zone: str, on: date, hours: float) -> None:
    """D12: half-hour changes, changes at midnight, a date that was skipped."""
    whole = wall_intervals(on, 0, 1440, ZoneInfo(zone))
    assert sum((one.end - one.start for one in whole), timedelta()) == timedelta(hours=hours)


@pytest.mark.parametrize("window", [(-1, 60), (60, 60), (120, 60), (0, 1441)])
def test_window_outside_one_day_is_refused(window: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="window"):
        wall_pieces(SPRING, *window, NY)


def test_every_minute_of_two_years_is_open_exactly_once_per_instant() -> None:
    """D9, D15: the days of a zone tile time without holes or overlaps."""
    last = None
    for days in range(731):
        [whole] = wall_intervals(date(2026, 1, 1) + timedelta(days=days), 0, 1440, NY)
        assert last is None or whole.start == last
        last = whole.end
