"""What must hold for every instructor, every calendar and every clock change (Spec: 05 §1, §5)."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.availability.clock import grid_starts, instants_of
from bookings.availability.intervals import (
    Blackout,
    BusyInterval,
    Interval,
    Schedule,
    wall_intervals,
)
from bookings.lessons.facts import (
    BookabilityFacts,
    ExistingBooking,
    InstructorRules,
    OfferFacts,
)
from bookings.lessons.rules import (
    DayState,
    bookable_starts,
    day_states,
    explain,
    explain_day,
    nearest_starts,
)
from tests.bookings.lessons.builders import facts, local, on, rules

ZONES = [
    "America/New_York",
    "America/Los_Angeles",
    "America/Santiago",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Beirut",
    "Africa/Cairo",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
]
CHANGES = [date(2026, 3, 8), date(2026, 11, 1), date(2026, 6, 10), date(2026, 4, 5)]
Situation = tuple[BookabilityFacts, date, datetime]
QUARTERS = st.integers(0, 96).map(lambda quarter: quarter * 15)


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int]:
    start, end = draw(st.tuples(QUARTERS, QUARTERS).filter(lambda pair: pair[0] < pair[1]))
    return start, end


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    day = draw(st.sampled_from(CHANGES))
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    minutes = st.integers(-48 * 4, 48 * 4).map(lambda quarter: timedelta(minutes=15 * quarter))
    buffers = st.sampled_from([0, 10, 15, 45, 120])

    def existing(index: int) -> ExistingBooking:
        start_at = noon + draw(minutes)
        return ExistingBooking(
            id=index,
            start_at=start_at,
            end_at=start_at + timedelta(minutes=draw(st.sampled_from([30, 45, 60, 120]))),
            buffer_before_minutes=draw(buffers),
            buffer_after_minutes=draw(buffers),
            expires_at=draw(st.none() | st.just(noon) | st.just(noon + timedelta(minutes=5))),
            is_blocking=draw(st.booleans()),
            is_counted=draw(st.booleans()),
            is_own_hold=draw(st.booleans()),
        )

    busy_from = noon + draw(minutes)
    some = BookabilityFacts(
        rules=InstructorRules(
            zone=zone,
            slot_step_minutes=draw(st.sampled_from([15, 30, 60])),
            buffer_before_minutes=draw(buffers),
            buffer_after_minutes=draw(buffers),
            min_notice_minutes=draw(st.sampled_from([0, 30, 120, 1440])),
            max_advance_days=draw(st.sampled_from([1, 2, 60])),
            max_lessons_per_day=draw(st.none() | st.integers(0, 3)),
            max_minutes_per_week=draw(st.none() | st.integers(60, 300)),
        ),
        offer=OfferFacts(
            priced_minutes=frozenset({45, 60}), is_place_inside=draw(st.integers(0, 9)) > 0
        ),
        schedule=Schedule(
            weekly=[(draw(st.integers(0, 6)), *draw(windows())) for _ in range(6)],
            overrides={
                day + timedelta(days=draw(st.integers(-1, 1))): draw(
                    st.lists(windows(), max_size=2)
                )
            },
            blackouts=[Blackout(day, day, *draw(windows()))] if draw(st.booleans()) else [],
            busy=[Interval(busy_from, busy_from + timedelta(minutes=50))],
        ),
        bookings=tuple(existing(index) for index in range(draw(st.integers(0, 4)))),
        learner_bookings=tuple(existing(index) for index in range(draw(st.integers(0, 1)))),
        ignored_ids=frozenset({0}) if draw(st.booleans()) else frozenset(),
    )
    return some, day, noon + draw(minutes)


@given(situations(), st.sampled_from([45, 60, 90]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_start_is_offered_exactly_when_nothing_explains_it_away(
    situation: Situation, minutes: int
) -> None:
    """05 §1: ``explain`` is empty exactly when the slot is offered."""
    some, day, now = situation
    first_on, last_on = day - timedelta(days=1), day + timedelta(days=1)
    shown = bookable_starts(some, minutes, first_on, last_on, now)
    assert shown == sorted(set(shown))
    asked = [
        start
        for days in range(-1, 2)
        for start in grid_starts(day + timedelta(days=days), 15, some.rules.zone)
    ]
    assert shown == [start for start in asked if not explain(some, start, minutes, now)]


@given(situations(), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_busy_hours_close_what_time_off_of_the_same_hours_closes(
    situation: Situation, data: st.DataObject
) -> None:
    """R3, S15.9: no start runs into busy time, and the two layers leave the same starts."""
    some, day, now = situation
    first_on, last_on = day - timedelta(days=1), day + timedelta(days=1)
    off = [
        Blackout(on_date, on_date, *data.draw(windows()))
        for on_date in (first_on, day, last_on, last_on + timedelta(days=1))
    ]
    busy = [
        BusyInterval(part.start, part.end, "Family")
        for one in off
        for part in wall_intervals(one.first_on, one.start_minute, one.end_minute, some.rules.zone)
    ]
    ours = some.schedule
    by_busy = replace(some, schedule=replace(ours, busy=[*ours.busy, *busy]))
    by_off = replace(some, schedule=replace(ours, blackouts=[*ours.blackouts, *off]))
    shown = bookable_starts(by_busy, 60, first_on, last_on, now)
    assert shown == bookable_starts(by_off, 60, first_on, last_on, now)
    lessons = [Interval(start, start + timedelta(minutes=60)) for start in shown]
    assert not any(lesson.overlaps(one) for lesson in lessons for one in busy)


@given(situations())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_month_day_and_neighbours_agree_with_the_starts(situation: Situation) -> None:
    """S12.1, S12.6, R12."""
    some, day, now = situation
    shown = bookable_starts(some, 60, day, day, now)
    state = day_states(some, 60, day, day, now)[day]
    assert (state in {DayState.OPEN, DayState.FEW}) == bool(shown)
    assert (state is DayState.FEW) == (1 <= len(shown) <= 2)
    assert (explain_day(some, 60, day, now) == ()) == bool(shown)
    if shown:
        noon = datetime(day.year, day.month, day.day, 12, 7, tzinfo=UTC)
        nearest = nearest_starts(some, noon, 60, now)
        best = min(abs(start - noon) for start in shown)
        assert abs(nearest[0] - noon) <= best
        assert not any(explain(some, start, 60, now) for start in nearest)


@given(
    st.tuples(*[st.sampled_from([0, 10, 15, 45, 120])] * 4),
    st.integers(-30, 30).map(lambda step: step * 15),
    st.sampled_from([30, 60, 90]),
)
@settings(max_examples=200, deadline=None)
def test_gap_rule_is_the_overlap_of_blocked_and_taught_time(
    buffers: tuple[int, int, int, int], offset: int, length: int
) -> None:
    """R4: blocked(X) && span(Y), or span(X) && blocked(Y)."""
    mine_before, mine_after, their_before, their_after = (timedelta(minutes=m) for m in buffers)
    theirs = ExistingBooking(
        id=1,
        start_at=local("2026-06-10 12:00"),
        end_at=local("2026-06-10 13:00"),
        buffer_before_minutes=buffers[2],
        buffer_after_minutes=buffers[3],
    )
    start = theirs.start_at + timedelta(minutes=offset)
    end = start + timedelta(minutes=length)
    conflict = (start - mine_before < theirs.end_at and theirs.start_at < end + mine_after) or (
        start < theirs.end_at + their_after and theirs.start_at - their_before < end
    )
    wanted = facts(
        rules=rules(
            buffer_before_minutes=buffers[0],
            buffer_after_minutes=buffers[1],
            slot_step_minutes=15,
        ),
        schedule=Schedule(weekly=[(weekday, 0, 1440) for weekday in range(7)]),
        bookings=(theirs,),
    )
    found = explain(wanted, start, length, local("2026-06-09 08:00"))
    assert [failure.rule for failure in found] == (["R4"] if conflict else [])


def changes_of(zone: ZoneInfo) -> list[date]:
    """The UTC dates of 2026 and 2027 on which a zone changes its offset."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    found = []
    for days in range(730):
        before, after = noon + timedelta(days=days - 1), noon + timedelta(days=days)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            found.append(after.date())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("step", [15, 30, 60])
def test_wall_time_is_constant_over_every_change(name: str, step: int) -> None:
    """05 §5 benchmark: offered = bookable, wall time constant, over the changes of two years."""
    zone = ZoneInfo(name)
    changes = changes_of(zone)
    assert len(changes) >= 4
    weekly = [(weekday, *window) for weekday in range(7) for window in ((0, 330), (1320, 1440))]
    for change in changes:
        some = facts(
            rules=rules(zone=zone, slot_step_minutes=step), schedule=Schedule(weekly=weekly)
        )
        now = datetime(change.year, change.month, change.day, tzinfo=UTC) - timedelta(days=4)
        for days in range(-2, 3):
            day = change + timedelta(days=days)
            shown = bookable_starts(some, 60, day, day, now)
            expected = sorted(
                start
                for minute in range(0, 1440, step)
                for start in instants_of(day, minute, zone)
                if not explain(some, start, 60, now)
            )
            assert shown == expected
            for start in shown:
                face = start.astimezone(zone)
                minute = face.hour * 60 + face.minute
                assert face.date() == day
                assert minute % step == 0
                assert minute < 330 or minute >= 1320
                # a face that the clocks show is one that a person can type in again
                assert start in instants_of(day, minute, zone)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_d16_zone_of_the_server_changes_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """D16."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        shown = bookable_starts(
            facts(), 60, on("2026-03-07"), on("2026-03-09"), local("2026-03-06 08:00")
        )
    finally:
        monkeypatch.undo()
        time.tzset()
    assert len(shown) == 3 * 15
    assert shown[0] == datetime(2026, 3, 7, 14, tzinfo=UTC)
    assert shown[-1] == datetime(2026, 3, 9, 20, tzinfo=UTC)


def test_sixty_days_with_three_hundred_bookings_take_milliseconds() -> None:
    """S12.4 asks 150 ms for the whole page; the rules may have a fraction of it."""
    start = local("2026-06-01 09:00")
    taken = tuple(
        ExistingBooking(
            id=(day, hour),
            start_at=start + timedelta(days=day, hours=hour),
            end_at=start + timedelta(days=day, hours=hour + 1),
            buffer_after_minutes=15,
        )
        for day in range(60)
        for hour in (0, 2, 4, 6, 7)
    )
    busy = facts(bookings=taken, rules=rules(max_lessons_per_day=8, max_minutes_per_week=3000))
    best = 1.0
    for _ in range(5):
        before = time.perf_counter()
        bookable_starts(busy, 60, on("2026-06-01"), on("2026-07-31"), local("2026-06-01 08:00"))
        best = min(best, time.perf_counter() - before)
    assert best < 0.05
