"""The clock table, as far as rules alone decide it (Spec: 05 §5, D1-D18)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.availability.clock import instants_of, local_date
from bookings.availability.intervals import Schedule
from bookings.lessons.facts import BookabilityFacts
from bookings.lessons.policies import PolicyNumbers, cancel_deadlines
from bookings.lessons.rules import bookable_starts, day_states, explain
from catalog.models import Policy
from tests.bookings.lessons.builders import NY, booking, faces, facts, failed, local, on, rules


def shown(wanted: BookabilityFacts, day: str, minutes: int = 60) -> list[datetime]:
    """The starts of one date, asked two days before."""
    now = local(f"{day} 08:00") - timedelta(days=2)
    return bookable_starts(wanted, minutes, on(day), on(day), now)


def test_d1_hours_keep_their_wall_clock() -> None:
    """D1: 13:00-18:00 is UTC 18-23, then 17-22."""
    wanted = facts(schedule=Schedule(weekly=[(d, 780, 1080) for d in range(7)]))
    for day, first, last in [("07", 18, 22), ("08", 17, 21), ("09", 17, 21)]:
        starts = shown(wanted, f"2026-03-{day}")
        assert (starts[0].hour, starts[-1].hour) == (first, last)
        assert faces(starts)[0].startswith("13:00")


def test_d2_weekly_lesson_keeps_its_wall_clock() -> None:
    """D2: Sunday 15:00 on Mar 1 and Mar 8 is 20:00Z and 19:00Z."""
    wanted = facts(schedule=Schedule(weekly=[(6, 900, 960)]))
    assert shown(wanted, "2026-03-01") == [datetime(2026, 3, 1, 20, tzinfo=UTC)]
    assert shown(wanted, "2026-03-08") == [datetime(2026, 3, 8, 19, tzinfo=UTC)]


def test_d3_skipped_hour_is_not_offered() -> None:
    """D3: window 01:00-04:00 on Mar 8, step 60."""
    wanted = facts(rules=rules(slot_step_minutes=60), schedule=Schedule(weekly=[(6, 60, 240)]))
    assert faces(shown(wanted, "2026-03-08")) == ["01:00 EST", "03:00 EDT"]


def test_d4_repeated_hour_is_offered_twice() -> None:
    """D4: booking one of the two leaves the other free."""
    hourly = rules(slot_step_minutes=60)
    wanted = facts(rules=hourly, schedule=Schedule(weekly=[(6, 0, 180)]))
    both = shown(wanted, "2026-11-01")
    assert faces(both) == ["00:00 EDT", "01:00 EDT", "01:00 EST", "02:00 EST"]
    for taken in both[1:3]:
        row = booking("2026-11-01 00:00")
        row = type(row)(id=1, start_at=taken, end_at=taken + timedelta(hours=1))
        left = facts(rules=hourly, schedule=wanted.schedule, bookings=(row,))
        assert shown(left, "2026-11-01") == [start for start in both if start != taken]


def test_d5_lesson_over_the_change_lasts_its_minutes() -> None:
    """D5: 1:30 AM EDT + 60 min ends 1:30 AM EST."""
    wanted = facts(schedule=Schedule(weekly=[(6, 60, 150)]))
    start = local("2026-11-01 01:30", fold=0)
    assert start in shown(wanted, "2026-11-01")
    assert faces([start, start + timedelta(minutes=60)]) == ["01:30 EDT", "01:30 EST"]


@pytest.mark.parametrize(
    ("start", "until"),
    [
        ("2026-03-08 10:00", "Sat Mar 07 09:00 EST"),
        ("2026-11-01 10:00", "Sat Oct 31 11:00 EDT"),
    ],
)
def test_d6_free_cancellation_is_absolute(start: str, until: str) -> None:
    """D6."""
    deadlines = cancel_deadlines(local(start), PolicyNumbers.of(Policy()), local(start))
    deadline = deadlines.free_until.astimezone(NY)
    assert f"{deadline:%a %b %d %H:%M %Z}" == until


def test_d7_time_that_does_not_exist_has_no_instant_to_book() -> None:
    """D7: a single start or proposal at 02:30 has no instant; the override opens at 3:00."""
    assert instants_of(date(2026, 3, 8), 150, NY) == ()
    wanted = facts(schedule=Schedule(overrides={date(2026, 3, 8): [(150, 300)]}))
    assert faces(shown(wanted, "2026-03-08"))[0] == "03:00 EDT"


@pytest.mark.parametrize(
    ("now", "last"), [("2026-03-06 23:59", "2026-03-09"), ("2026-10-30 00:00", "2026-11-02")]
)
def test_d9_advance_counts_local_dates(now: str, last: str) -> None:
    """D9, R2: a hold at 23:59 on the last day is valid."""
    wanted = facts(
        rules=rules(max_advance_days=3, slot_step_minutes=1),
        schedule=Schedule(weekly=[(d, 0, 1440) for d in range(7)]),
    )
    assert failed(wanted, f"{last} 23:59", now=now) == []
    beyond = local(f"{last} 23:59") + timedelta(minutes=1)
    assert [one.rule for one in explain(wanted, beyond, 60, local(now))] == ["R2"]


def test_d10_lesson_over_midnight_belongs_to_its_start_date() -> None:
    """D10: 22:00-24:00 plus 00:00-01:00; 23:30 for 60 min is bookable and counted that day."""
    hours = Schedule(weekly=[(0, 1320, 1440), (1, 0, 60)])
    wanted = facts(schedule=hours)
    monday = ["22:00 EDT", "22:30 EDT", "23:00 EDT", "23:30 EDT"]
    assert faces(shown(wanted, "2026-06-01")) == monday
    assert faces(shown(wanted, "2026-06-02")) == ["00:00 EDT"]
    late = facts(
        schedule=hours,
        rules=rules(max_lessons_per_day=1),
        bookings=(booking("2026-06-01 23:30", minutes=30),),
    )
    assert shown(late, "2026-06-01") == []
    assert faces(shown(late, "2026-06-02")) == ["00:00 EDT"]


def test_d11_day_of_the_viewer_may_differ() -> None:
    """D11: 00:30 ET on Mar 9 is Sunday evening in Los Angeles."""
    start = local("2026-03-09 00:30")
    west = ZoneInfo("America/Los_Angeles")
    assert local_date(start, west) == date(2026, 3, 8)
    assert faces([start], west) == ["21:30 PDT"]


@pytest.mark.parametrize(
    ("name", "minutes"),
    [("Asia/Kolkata", {0, 30}), ("Asia/Kathmandu", {0, 30}), ("Australia/Lord_Howe", {0, 30})],
)
def test_d12_grid_is_on_the_instructors_clock_face(name: str, minutes: set[int]) -> None:
    """D12: zones of :30, :45 and half-hour changes."""
    zone = ZoneInfo(name)
    wanted = facts(
        rules=rules(zone=zone), schedule=Schedule(weekly=[(d, 0, 1440) for d in range(7)])
    )
    now = local("2026-10-01 08:00")
    starts = bookable_starts(wanted, 60, on("2026-10-03"), on("2026-10-05"), now)
    assert {start.astimezone(zone).minute for start in starts} == minutes
    changed = name == "Australia/Lord_Howe"  # 2:00 becomes 2:30 on Oct 4: one start fewer
    assert len(starts) == 3 * 48 - (1 if changed else 0)


def test_d13_other_zone_re_reads_the_hours_and_keeps_the_bookings() -> None:
    """D13."""
    taken = booking("2026-06-02 12:00")
    hours = Schedule(weekly=[(1, 540, 780)])
    west = ZoneInfo("America/Los_Angeles")
    moved = facts(schedule=hours, bookings=(taken,), rules=rules(zone=west))
    assert faces(shown(moved, "2026-06-02"), west)[0] == "10:00 PDT"
    assert faces(shown(facts(schedule=hours, bookings=(taken,)), "2026-06-02")) == [
        f"{face} EDT" for face in ("09:00", "09:30", "10:00", "10:30", "11:00")
    ]


def test_d15_unusual_dates_have_their_days() -> None:
    """D15: Feb 29 2028, the week of Dec 29 to Jan 4, a month of six rows."""
    wanted = facts(rules=rules(max_advance_days=365))
    assert len(shown(wanted, "2028-02-29")) == 15
    now = local("2025-12-20 08:00")
    turn = day_states(wanted, 60, on("2025-12-29"), on("2026-01-04"), now)
    assert len(turn) == 7
    assert set(turn.values()) == {"open"}
    six_rows = day_states(wanted, 60, on("2026-07-27"), on("2026-09-06"), local("2026-07-01 08:00"))
    assert len(six_rows) == 42
    capped = facts(rules=rules(max_minutes_per_week=60), bookings=(booking("2025-12-29 09:00"),))
    assert failed(capped, "2026-01-04 09:00", now="2025-12-20 08:00") == ["R6"]
    assert failed(capped, "2026-01-05 09:00", now="2025-12-20 08:00") == []


def test_d18_only_the_given_now_decides() -> None:
    """D18, G8: no rule looks at a clock of its own."""
    past, future = local("2020-06-02 08:00"), local("2035-06-05 08:00")
    assert shown(facts(), "2020-06-02")
    assert explain(facts(), past + timedelta(hours=4), 60, past) == ()
    assert explain(facts(), future + timedelta(hours=4), 60, future) == ()
