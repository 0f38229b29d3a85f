"""Sets of instants and the layers of an instructor's time (Spec: R3, S15.5)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.availability.intervals import (
    Blackout,
    Interval,
    covers,
    merge,
    open_intervals,
    subtract,
)

NY = ZoneInfo("America/New_York")
ZERO = datetime(2026, 6, 1, tzinfo=UTC)
MONDAY = date(2026, 6, 1)


def span(first: int, last: int) -> Interval:
    return Interval(ZERO + timedelta(hours=first), ZERO + timedelta(hours=last))


def hours(intervals: list[Interval]) -> list[tuple[int, int]]:
    hour = timedelta(hours=1)
    return [((one.start - ZERO) // hour, (one.end - ZERO) // hour) for one in intervals]


def opened(**layers: object) -> list[tuple[str, str]]:
    plain: dict[str, object] = {
        "weekly": [(0, 540, 720), (0, 840, 1020)],
        "overrides": {},
        "blackouts": [],
        "busy": [],
        "zone": NY,
        "first_on": MONDAY,
        "last_on": MONDAY,
    }
    found = open_intervals(**plain | layers)  # type: ignore[arg-type]
    return [
        (f"{one.start.astimezone(NY):%a %H:%M}", f"{one.end.astimezone(NY):%a %H:%M}")
        for one in found
    ]


@pytest.mark.parametrize(
    ("given_spans", "expected"),
    [
        ([], []),
        ([(1, 2), (3, 4)], [(1, 2), (3, 4)]),
        ([(3, 4), (1, 2)], [(1, 2), (3, 4)]),
        ([(1, 2), (2, 3)], [(1, 3)]),
        ([(1, 5), (2, 3)], [(1, 5)]),
        ([(1, 3), (2, 5), (5, 6), (8, 9)], [(1, 6), (8, 9)]),
    ],
)
def test_merging_sorts_and_joins_touching_intervals(
    given_spans: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    assert hours(merge(span(*one) for one in given_spans)) == expected


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        ([], [(0, 4), (6, 10)]),
        ([(1, 2)], [(0, 1), (2, 4), (6, 10)]),
        ([(0, 4)], [(6, 10)]),
        ([(3, 7)], [(0, 3), (7, 10)]),
        ([(4, 6)], [(0, 4), (6, 10)]),
        ([(7, 8), (1, 2), (8, 9)], [(0, 1), (2, 4), (6, 7), (9, 10)]),
        ([(0, 12)], []),
    ],
)
def test_subtracting_leaves_what_no_hole_covers(
    removed: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    left = subtract([span(0, 4), span(6, 10)], [span(*one) for one in removed])
    assert hours(left) == expected


HOURS = st.integers(0, 30)
SPANS = st.lists(st.tuples(HOURS, HOURS).filter(lambda pair: pair[0] < pair[1]), max_size=8)


@given(SPANS, SPANS)
def test_set_operations_agree_with_single_hours(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    def cells(spans: list[tuple[int, int]]) -> set[int]:
        return {hour for low, high in spans for hour in range(low, high)}

    left = subtract([span(*one) for one in first], [span(*one) for one in second])
    assert cells(hours(left)) == cells(first) - cells(second)
    assert left == merge(left)
    for low in range(31):
        inside = all(hour in cells(hours(left)) for hour in (low, low + 1))
        assert covers(left, span(low, low + 2)) == inside


def test_interval_refuses_local_naive_and_empty_ones() -> None:
    for start, end in [
        (ZERO, ZERO),
        (ZERO + timedelta(hours=1), ZERO),
        (ZERO.replace(tzinfo=None), (ZERO + timedelta(hours=1)).replace(tzinfo=None)),
        (ZERO.astimezone(NY), (ZERO + timedelta(hours=1)).astimezone(NY)),
    ]:
        with pytest.raises((ValueError, TypeError)):
            Interval(start, end)


def test_template_opens_its_weekday_only() -> None:
    """R3."""
    assert opened() == [("Mon 09:00", "Mon 12:00"), ("Mon 14:00", "Mon 17:00")]
    assert opened(first_on=date(2026, 6, 2), last_on=date(2026, 6, 7)) == []


def test_override_replaces_the_whole_date() -> None:
    """S15.5: it opens a closed day, closes an open one and may have several windows."""
    tuesday = date(2026, 6, 2)
    assert opened(overrides={MONDAY: [(600, 660)]}) == [("Mon 10:00", "Mon 11:00")]
    assert opened(overrides={MONDAY: []}) == []
    assert opened(overrides={tuesday: [(600, 660), (720, 780)]}, last_on=tuesday)[2:] == [
        ("Tue 10:00", "Tue 11:00"),
        ("Tue 12:00", "Tue 13:00"),
    ]


def test_blackout_beats_override_and_template() -> None:
    """R3: booking > blackout > override > template."""
    blackout = Blackout(MONDAY, MONDAY)
    assert opened(blackouts=[blackout], overrides={MONDAY: [(600, 660)]}) == []
    lunch = Blackout(date(2026, 5, 1), date(2026, 7, 1), 600, 660, "Lunch")
    assert opened(blackouts=[lunch])[:2] == [("Mon 09:00", "Mon 10:00"), ("Mon 11:00", "Mon 12:00")]


def test_blackout_covers_its_first_and_last_date_only() -> None:
    """S15.5: ranges of dates."""
    weekly = [(weekday, 540, 600) for weekday in range(7)]
    away = Blackout(date(2026, 6, 3), date(2026, 6, 5))
    left = opened(weekly=weekly, blackouts=[away], last_on=date(2026, 6, 7))
    assert [start[:3] for start, _ in left] == ["Mon", "Tue", "Sat", "Sun"]


def test_external_busy_time_is_cut_out() -> None:
    """R3."""
    busy = Interval(datetime(2026, 6, 1, 14, tzinfo=UTC), datetime(2026, 6, 1, 15, tzinfo=UTC))
    assert opened(busy=[busy])[:2] == [("Mon 09:00", "Mon 10:00"), ("Mon 11:00", "Mon 12:00")]


def test_windows_that_touch_merge_over_midnight_too() -> None:
    """R3, D10."""
    weekly = [(0, 1320, 1440), (1, 0, 60), (1, 60, 120)]
    assert opened(weekly=weekly, last_on=date(2026, 6, 2)) == [("Mon 22:00", "Tue 02:00")]
