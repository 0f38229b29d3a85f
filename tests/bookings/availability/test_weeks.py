"""Hours of single days as they are edited: checked, joined, copied, compared."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.availability import weeks
from bookings.availability.clock import instants_of
from bookings.availability.intervals import Schedule
from bookings.availability.weeks import CopyMode

pytestmark = pytest.mark.S15
NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = 6
SPRING = date(2026, 3, 8)
AUTUMN = date(2026, 11, 1)

quarter = st.integers(0, 95)
window = st.tuples(quarter, quarter).map(lambda pair: (min(pair) * 15, max(pair) * 15 + 15))
hours = st.lists(window, max_size=3).map(weeks.joined)
mondays = st.dates(date(2025, 6, 2), date(2028, 6, 5)).map(weeks.monday_of)


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ([(780, 600)], {0: "1:00 PM to 10:00 AM ends before it starts"}),
        ([(600, 600)], {0: "10:00 AM to 10:00 AM ends before it starts"}),
        ([(605, 660)], {0: "use quarter hours, such as 10:15 AM"}),
        ([(600, 720), (660, 780)], {1: "overlaps 10:00 AM to 12:00 PM"}),
        ([(600, 1500)], {0: "is not within one day"}),
        ([(600, 720), (720, 1440)], {}),
    ],
)
def test_faults_name_the_window(windows: list[tuple[int, int]], words: dict[int, str]) -> None:
    """S15.6"""
    assert weeks.faults_of(windows) == words


def test_touching_windows_become_one() -> None:
    assert weeks.joined([(720, 780), (600, 720), (900, 960)]) == ((600, 780), (900, 960))


def test_override_on_the_day_of_the_change_begins_where_the_clock_does() -> None:
    """D7: 02:30–05:00 on Mar 8 is saved as 03:00–05:00."""
    assert weeks.existing_windows(SPRING, [(150, 300)], NEW_YORK) == ((180, 300),)
    assert weeks.existing_windows(SPRING, [(120, 180)], NEW_YORK) == ()
    assert weeks.existing_windows(SPRING - timedelta(days=1), [(150, 300)], NEW_YORK) == (
        (150, 300),
    )


@pytest.mark.parametrize("changes_on", [SPRING, AUTUMN])
def test_copying_across_the_change_keeps_the_clock_not_utc(changes_on: date) -> None:
    """D8: ten in the morning stays ten in the morning, an hour earlier or later in UTC."""
    from_on = weeks.monday_of(changes_on)
    monday = Schedule(overrides={from_on: [(600, 720)]})
    copied = weeks.copied_week(
        monday, from_on=from_on, weeks=2, mode=CopyMode.OVERWRITE, zone=NEW_YORK
    )
    after = from_on + timedelta(weeks=1)
    assert copied[after] == copied[after + timedelta(weeks=1)] == ((600, 720),)
    (before,), (later,) = (instants_of(on, 600, NEW_YORK) for on in (from_on, after))
    assert abs(later - before - timedelta(weeks=1)) == timedelta(hours=1)


def test_copying_on_to_the_change_leaves_out_what_the_clock_skips() -> None:
    """D7, D8"""
    first_on = SPRING - timedelta(weeks=1)
    source = Schedule(overrides={first_on: [(150, 300)]})
    copied = weeks.copied_week(
        source, from_on=first_on, weeks=2, mode=CopyMode.OVERWRITE, zone=NEW_YORK
    )
    assert copied[SPRING] == ((180, 300),)
    assert copied[SPRING + timedelta(weeks=1)] == ((150, 300),)


@pytest.mark.parametrize(
    ("on", "first_on", "last_on"),
    [
        (date(2028, 2, 29), date(2028, 2, 28), date(2028, 3, 5)),
        (date(2025, 12, 31), date(2025, 12, 29), date(2026, 1, 4)),
        (date(2027, 1, 3), date(2026, 12, 28), date(2027, 1, 3)),
    ],
)
def test_weeks_of_leap_days_and_new_year(on: date, first_on: date, last_on: date) -> None:
    """D15"""
    dates = weeks.dates_of_week(on)
    assert (dates[0], dates[-1], len(set(dates))) == (first_on, last_on, 7)


def test_week_with_the_leap_day_is_copied_by_weekday() -> None:
    """D15: Feb 29 2028 is a Tuesday; the week after has Mar 7."""
    source = Schedule(overrides={date(2028, 2, 29): [(600, 720)]})
    copied = weeks.copied_week(
        source, from_on=date(2028, 2, 28), weeks=1, mode=CopyMode.OVERWRITE, zone=NEW_YORK
    )
    assert sorted(copied) == [date(2028, 3, 6) + timedelta(days=day) for day in range(7)]
    assert [on for on, windows in copied.items() if windows] == [date(2028, 3, 7)]


def test_new_year_week_is_copied_into_the_new_year() -> None:
    """D15: Dec 29 – Jan 4."""
    source = Schedule(overrides={date(2025, 12, 31): [(600, 720)]})
    copied = weeks.copied_week(
        source, from_on=date(2026, 1, 4), weeks=1, mode=CopyMode.OVERWRITE, zone=NEW_YORK
    )
    assert {on: windows for on, windows in copied.items() if windows} == {
        date(2026, 1, 7): ((600, 720),)
    }


@settings(deadline=None, max_examples=60)
@given(
    from_on=mondays,
    own=st.dictionaries(st.integers(0, 13), hours, max_size=8),
    weekly=st.dictionaries(st.integers(0, 6), hours, max_size=7),
    mode=st.sampled_from(CopyMode),
    number=st.integers(1, 26),
)
def test_copying_is_idempotent_and_keeps_the_clock(
    from_on: date,
    own: dict[int, weeks.Windows],
    weekly: dict[int, weeks.Windows],
    mode: CopyMode,
    number: int,
) -> None:
    """D8, D15: over three years of clock changes."""
    schedule = Schedule(
        weekly=[(day, *each) for day, windows in weekly.items() for each in windows],
        overrides={from_on + timedelta(days=day): windows for day, windows in own.items()},
    )
    once = weeks.copied_week(schedule, from_on=from_on, weeks=number, mode=mode, zone=NEW_YORK)
    stored = weeks.overrides_for(schedule, once, NEW_YORK)
    after = Schedule(
        weekly=schedule.weekly,
        overrides={on: w for on, w in schedule.overrides.items() if on not in stored}
        | {on: w for on, w in stored.items() if w is not None},
    )
    assert once == weeks.copied_week(after, from_on=from_on, weeks=number, mode=mode, zone=NEW_YORK)
    for on, windows in once.items():
        source = from_on + timedelta(days=on.weekday())
        wanted = weeks.existing_windows(on, weeks.windows_on(schedule, source), NEW_YORK)
        if mode is CopyMode.OVERWRITE:
            assert windows == wanted
        else:
            both = [*wanted, *weeks.existing_windows(on, weeks.windows_on(schedule, on), NEW_YORK)]
            assert set(both) <= set(windows) or weeks.minutes_of(both) == weeks.minutes_of(windows)
        assert weeks.existing_windows(on, weeks.windows_on(after, on), NEW_YORK) == windows
    assert weeks.week_version(after, from_on) == weeks.week_version(schedule, from_on)
