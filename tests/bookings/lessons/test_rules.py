"""R1-R8, one statement at a time, at their boundaries (Spec: 05 §1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings.availability.intervals import Blackout, Interval, Schedule
from bookings.lessons.facts import BookabilityFacts, OfferFacts
from bookings.lessons.reasons import Failure, student_reasons
from bookings.lessons.rules import (
    DayState,
    bookable_starts,
    day_states,
    explain,
    explain_day,
    is_bookable,
    nearest_starts,
)
from tests.bookings.lessons.builders import (
    EVERY_DAY,
    NY,
    booking,
    faces,
    facts,
    failed,
    local,
    on,
    rules,
)

NOW = "2026-06-01 08:00"  # a Monday
MORNING = Schedule(weekly=[(1, 540, 720)])


def offered(
    wanted: BookabilityFacts, day: str = "2026-06-02", minutes: int = 60, now: str = NOW
) -> list[str]:
    return [
        face[:5] for face in faces(bookable_starts(wanted, minutes, on(day), on(day), local(now)))
    ]


# --- the examples of §1, verbatim ---


@pytest.mark.parametrize(("before", "after", "times"), [(0, 15, []), (0, 0, ["09:00", "11:00"])])
def test_examples_of_buffers_around_a_booked_hour(
    before: int, after: int, times: list[str]
) -> None:
    """Step 30, 60 minutes, window 09:00-12:00, booked 10:00-11:00."""
    wanted = facts(
        rules=rules(buffer_before_minutes=before, buffer_after_minutes=after),
        schedule=MORNING,
        bookings=(
            booking("2026-06-02 10:00", buffer_before_minutes=before, buffer_after_minutes=after),
        ),
    )
    assert offered(wanted) == times


@pytest.mark.parametrize(
    ("start", "numbers"),
    [("11:00", ["R4"]), ("11:15", ["R5"]), ("11:30", ["R3"]), ("09:00", ["R4"])],
)
def test_examples_say_which_rule_refuses(start: str, numbers: list[str]) -> None:
    """11:00 breaks the gap, 11:15 is off-grid, 11:30 ends 12:30, 09:00 ends without a gap."""
    wanted = facts(
        rules=rules(buffer_after_minutes=15),
        schedule=Schedule(weekly=[(1, 540, 720 if start == "11:30" else 1020)]),
        bookings=(booking("2026-06-02 10:00", buffer_after_minutes=15),),
    )
    assert failed(wanted, f"2026-06-02 {start}", now=NOW) == numbers


def test_example_of_notice_to_the_second() -> None:
    """R1: notice 120, now 08:00:00 offers 10:00; now 08:00:01 does not."""
    wanted = facts(rules=rules(min_notice_minutes=120))
    start, now = local("2026-06-01 10:00"), local(NOW)
    assert is_bookable(wanted, start, 60, now)
    later = explain(wanted, start, 60, now + timedelta(seconds=1))
    assert [failure.rule for failure in later] == ["R1"]
    assert start in bookable_starts(wanted, 60, on("2026-06-01"), on("2026-06-01"), now)


# --- R1, R2 ---


def test_instructor_proposals_need_thirty_minutes_whatever_the_notice() -> None:
    """R1: students only; proposals of the instructor need at least 30 minutes."""
    wanted = facts(rules=rules(min_notice_minutes=2880), is_instructor_proposal=True)
    assert failed(wanted, "2026-06-01 09:00", now="2026-06-01 08:30") == []
    assert failed(wanted, "2026-06-01 09:00", now="2026-06-01 08:31") == ["R1"]


def test_past_times_fail_even_without_notice() -> None:
    """R1."""
    assert failed(facts(), "2026-06-01 09:00", now="2026-06-01 09:00") == []
    assert failed(facts(), "2026-06-01 09:00", now="2026-06-01 09:01") == ["R1"]


@pytest.mark.parametrize("now", ["2026-06-01 00:00", "2026-06-01 23:59"])
def test_whole_last_day_counts(now: str) -> None:
    """R2: local dates, not 24-hour units."""
    wanted = facts(
        rules=rules(max_advance_days=10), schedule=Schedule(weekly=[(d, 0, 1440) for d in range(7)])
    )
    assert failed(wanted, "2026-06-11 23:30", now=now) == []
    assert failed(wanted, "2026-06-12 00:00", now=now) == ["R2"]


# --- R3 ---


@pytest.mark.parametrize(
    ("start", "minutes", "numbers"),
    [
        ("09:00", 60, []),
        ("08:30", 60, ["R3"]),
        ("11:00", 60, []),
        ("11:30", 60, ["R3"]),
        ("11:30", 30, []),
    ],
)
def test_lesson_lies_wholly_inside_the_hours(start: str, minutes: int, numbers: list[str]) -> None:
    """R3."""
    wanted = facts(schedule=MORNING)
    assert failed(wanted, f"2026-06-02 {start}", minutes, now=NOW) == numbers


def test_lesson_may_run_over_a_seam_of_two_windows() -> None:
    """R3: touching intervals merge, also over midnight."""
    schedule = Schedule(weekly=[(1, 540, 600), (1, 600, 660), (1, 1380, 1440), (2, 0, 60)])
    wanted = facts(schedule=schedule)
    assert offered(wanted) == ["09:00", "09:30", "10:00", "23:00", "23:30"]


@pytest.mark.parametrize(
    ("layer", "code"),
    [
        ({"overrides": {on("2026-06-02"): []}}, "closed"),
        (
            {"blackouts": [Blackout(on("2026-06-02"), on("2026-06-02"), label="Dentist")]},
            "time_off",
        ),
        (
            {"busy": [Interval(local("2026-06-02 10:30"), local("2026-06-02 10:45"))]},
            "external_busy",
        ),
    ],
)
def test_each_layer_closes_and_is_named(layer: dict[str, Any], code: str) -> None:
    """R3, S15.8."""
    wanted = facts(schedule=Schedule(weekly=EVERY_DAY, **layer))
    [failure] = explain(wanted, local("2026-06-02 10:00"), 60, local(NOW))
    assert (failure.rule, failure.code) == ("R3", code)
    assert ("Dentist" in failure.instructor_text) == (code == "time_off")


# --- R4 ---


@pytest.mark.parametrize(
    ("mine", "theirs", "start", "is_free"),
    [
        ((0, 0), (0, 0), "11:00", True),
        ((0, 0), (0, 0), "10:30", False),
        ((0, 0), (0, 30), "11:00", False),
        ((0, 0), (0, 30), "11:30", True),
        ((30, 0), (0, 0), "11:00", False),
        ((30, 0), (0, 0), "11:30", True),
        ((30, 0), (0, 45), "11:30", False),
        ((30, 0), (0, 45), "12:00", True),
        ((0, 0), (30, 0), "09:00", False),
        ((0, 60), (30, 0), "08:30", False),
        ((0, 30), (30, 0), "08:30", True),
        ((60, 0), (0, 60), "09:00", True),
    ],
)
def test_gap_is_the_larger_of_the_two_buffers_that_face_it(
    mine: tuple[int, int], theirs: tuple[int, int], start: str, is_free: bool
) -> None:
    """R4: the earlier one's buffer after and the later one's buffer before."""
    wanted = facts(
        rules=rules(buffer_before_minutes=mine[0], buffer_after_minutes=mine[1]),
        schedule=Schedule(weekly=[(1, 0, 1440)]),
        bookings=(
            booking(
                "2026-06-02 10:00",
                buffer_before_minutes=theirs[0],
                buffer_after_minutes=theirs[1],
            ),
        ),
    )
    assert (failed(wanted, f"2026-06-02 {start}", now=NOW) == []) is is_free


def test_longer_lesson_nearby_changes_nothing_for_the_end_of_a_shorter_one() -> None:
    """R4: a lesson may begin at the instant another ends."""
    rows = (booking("2026-06-02 10:00"), booking("2026-06-02 13:00", minutes=120))
    wanted = facts(bookings=rows)
    assert failed(wanted, "2026-06-02 11:00", now=NOW) == []
    assert failed(wanted, "2026-06-02 12:00", now=NOW) == []
    assert failed(wanted, "2026-06-02 12:30", now=NOW) == ["R4"]


def test_buffers_may_reach_outside_the_hours() -> None:
    """R4."""
    wanted = facts(
        rules=rules(buffer_before_minutes=120, buffer_after_minutes=120), schedule=MORNING
    )
    assert offered(wanted) == ["09:00", "09:30", "10:00", "10:30", "11:00"]


def test_hold_blocks_until_it_expires() -> None:
    """R4, T3: equality is expired."""
    hold = booking("2026-06-02 10:00", expires_at=local("2026-06-01 08:10"))
    wanted = facts(bookings=(hold,))
    assert failed(wanted, "2026-06-02 10:00", now="2026-06-01 08:09") == ["R4"]
    assert failed(wanted, "2026-06-02 10:00", now="2026-06-01 08:10") == []


def test_completed_lessons_block_nobody() -> None:
    """R4: only HELD, CONFIRMED, ENDED and REPORTED rows block."""
    wanted = facts(bookings=(booking("2026-06-02 10:00", is_blocking=False),))
    assert failed(wanted, "2026-06-02 10:00", now=NOW) == []


def test_own_hold_gives_way_to_an_overlapping_time_only() -> None:
    """T3: a new overlapping hold of the same learner takes the place of the old one."""
    hold = booking("2026-06-02 10:00", buffer_after_minutes=30, is_own_hold=True)
    wanted = facts(bookings=(hold,), learner_bookings=(hold,), rules=rules(max_lessons_per_day=1))
    assert failed(wanted, "2026-06-02 10:30", now=NOW) == []
    assert failed(wanted, "2026-06-02 11:00", now=NOW) == ["R4", "R6"]


# --- R5, R6, R7, R8 ---


def test_grid_counts_from_midnight_not_from_the_window() -> None:
    """R5: window 09:10-12:00, step 30, first 09:30."""
    wanted = facts(schedule=Schedule(weekly=[(1, 550, 720)]))
    assert offered(wanted) == ["09:30", "10:00", "10:30", "11:00"]
    assert failed(wanted, "2026-06-02 09:10", now=NOW) == ["R5"]
    assert offered(replace(wanted, rules=rules(slot_step_minutes=15)))[0] == "09:15"
    assert offered(replace(wanted, rules=rules(slot_step_minutes=60))) == ["10:00", "11:00"]


def test_seconds_past_the_grid_fail() -> None:
    """R5."""
    found = explain(facts(), local("2026-06-02 10:00") + timedelta(seconds=30), 60, local(NOW))
    assert [failure.rule for failure in found] == ["R5"]


def test_day_is_full_at_its_cap() -> None:
    """R6: completed lessons count, rows that are no lesson do not."""
    two = (booking("2026-06-02 09:00"), booking("2026-06-02 12:00", is_blocking=False))
    wanted = facts(rules=rules(max_lessons_per_day=3), bookings=two)
    assert failed(wanted, "2026-06-02 15:00", now=NOW) == []
    full = replace(wanted, bookings=(*two, booking("2026-06-02 13:00")))
    assert failed(full, "2026-06-02 15:00", now=NOW) == ["R6"]
    assert failed(full, "2026-06-03 15:00", now=NOW) == []
    target = booking("2026-06-02 13:00", is_counted=False)
    assert failed(replace(full, bookings=(*two, target)), "2026-06-02 15:00", now=NOW) == []


def test_week_runs_monday_to_sunday_by_local_date_of_start() -> None:
    """R6."""
    sunday_night = booking("2026-06-07 23:30")  # already Monday in UTC
    wanted = facts(
        rules=rules(max_minutes_per_week=120),
        bookings=(booking("2026-06-01 09:00"), sunday_night),
    )
    assert failed(wanted, "2026-06-05 10:00", now=NOW) == ["R6"]
    assert failed(wanted, "2026-06-08 10:00", now=NOW) == []
    roomy = replace(wanted, rules=rules(max_minutes_per_week=150))
    assert failed(roomy, "2026-06-05 10:00", 30, now=NOW) == []
    assert failed(roomy, "2026-06-05 10:00", 60, now=NOW) == ["R6"]


def test_a_move_ignores_its_own_row() -> None:
    """R6, R16: own row ignored in R4, R6 and R7."""
    own = booking("2026-06-02 10:00", id="own")
    wanted = facts(
        rules=rules(max_lessons_per_day=1, max_minutes_per_week=60),
        bookings=(own,),
        learner_bookings=(own,),
    )
    assert failed(wanted, "2026-06-02 10:30", now=NOW) == ["R4", "R6", "R7"]
    moving = replace(wanted, ignored_ids=frozenset({"own"}))
    assert failed(moving, "2026-06-02 10:30", now=NOW) == []


def test_learner_cannot_be_in_two_places_but_needs_no_buffer() -> None:
    """R7."""
    elsewhere = booking("2026-06-02 10:00", buffer_before_minutes=60, buffer_after_minutes=60)
    wanted = facts(learner_bookings=(elsewhere,))
    assert failed(wanted, "2026-06-02 10:30", now=NOW) == ["R7"]
    assert failed(wanted, "2026-06-02 11:00", now=NOW) == []
    assert failed(wanted, "2026-06-02 09:00", now=NOW) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"is_instructor_live": False}, "instructor_not_live"),
        ({"is_offer_active": False}, "offer_inactive"),
        ({"priced_minutes": frozenset({45})}, "duration_not_priced"),
        ({"is_mode_allowed": False}, "mode_not_allowed"),
        ({"is_place_inside": False}, "place_outside"),
        ({"is_blocked": True}, "blocked"),
        ({"is_self_booking": True}, "self_booking"),
    ],
)
def test_each_fact_of_the_offer_refuses_everything(change: dict[str, Any], code: str) -> None:
    """R8."""
    wanted = facts(offer=replace(OfferFacts(priced_minutes=frozenset({60})), **change))
    [failure] = explain(wanted, local("2026-06-02 10:00"), 60, local(NOW))
    assert (failure.rule, failure.code) == ("R8", code)
    assert offered(wanted) == []
    assert nearest_starts(wanted, local("2026-06-02 10:00"), 60, local(NOW)) == []


# --- explain ---


def test_failures_come_in_the_order_of_the_rules() -> None:
    """05 §1: the ordered failed rules, each once."""
    wanted = facts(
        rules=rules(
            min_notice_minutes=2880,
            max_advance_days=0,
            max_lessons_per_day=0,
            max_minutes_per_week=0,
        ),
        offer=OfferFacts(priced_minutes=frozenset(), is_blocked=True),
        schedule=Schedule(),
        bookings=(booking("2026-06-02 10:00"),),
        learner_bookings=(booking("2026-06-02 10:00"),),
    )
    numbers = failed(wanted, "2026-06-02 10:10", now=NOW)
    assert numbers == ["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"]


def test_student_cannot_tell_what_makes_a_time_unavailable() -> None:
    """S12.6: bookings, external busy time, time off, caps and blocks read the same."""
    day, start, now = on("2026-06-02"), local("2026-06-02 10:00"), local(NOW)
    span = Interval(start, start + timedelta(hours=1))
    private = [
        facts(bookings=(booking("2026-06-02 10:00", label="II-SECRET"),)),
        facts(bookings=(booking("2026-06-02 08:30", buffer_after_minutes=60, label="II-SECRET"),)),
        facts(schedule=Schedule(weekly=EVERY_DAY, busy=[span])),
        facts(
            schedule=Schedule(weekly=EVERY_DAY, blackouts=[Blackout(day, day, label="II-SECRET")])
        ),
        facts(rules=rules(max_lessons_per_day=0)),
        facts(rules=rules(max_minutes_per_week=0)),
        facts(offer=OfferFacts(priced_minutes=frozenset({60}), is_blocked=True)),
    ]
    texts = {student_reasons(explain(one, start, 60, now)) for one in private}
    assert texts == {("Not available.",)}
    assert all("SECRET" not in sentence for text in texts for sentence in text)


def test_instructor_reads_which_booking_is_in_the_way() -> None:
    """S15.8."""
    taken = booking("2026-06-02 10:00", label="II-7K2M9Q", id=7)
    [failure] = explain(facts(bookings=(taken,)), local("2026-06-02 10:30"), 60, local(NOW))
    assert failure.booking_id == 7
    assert failure.instructor_text == (
        "Taken by II-7K2M9Q, Tue Jun 2, 10:00 AM EDT to 11:00 AM EDT."
    )


@pytest.mark.parametrize("year", [1, 1970, 2500, 9999])
def test_absurd_dates_are_refused_without_harm(year: int) -> None:
    """S12.4: a stale or forged value is an answer, not a crash."""
    start = datetime(year, 12, 31, 23, 30, tzinfo=UTC)
    assert failed_rules(explain(facts(), start, 60, local(NOW))) <= {"R1", "R2"}
    assert explain_day(facts(), 60, start.date(), local(NOW))
    assert len(nearest_starts(facts(), start, 60, local(NOW))) == 3


def failed_rules(found: tuple[Failure, ...]) -> set[str]:
    assert found
    return {failure.rule for failure in found}


@pytest.mark.parametrize("minutes", [-60, 0, 10**9])
def test_absurd_lengths_are_refused_without_harm(minutes: int) -> None:
    """S12.4."""
    assert "R8" in failed_rules(explain(facts(), local("2026-06-02 10:00"), minutes, local(NOW)))
    assert offered(facts(), minutes=minutes) == []


# --- many starts ---


def test_dates_outside_the_window_give_nothing() -> None:
    wanted = facts(rules=rules(max_advance_days=2))
    starts = bookable_starts(wanted, 60, on("2026-01-01"), on("2026-12-31"), local(NOW))
    assert {start.astimezone(NY).date() for start in starts} == {
        on("2026-06-01"),
        on("2026-06-02"),
        on("2026-06-03"),
    }


def test_nearest_starts_come_nearest_first_and_leave_out_the_refused_one() -> None:
    """R12, S12.4."""
    wanted = facts(bookings=(booking("2026-06-02 10:00"),))
    start, now = local("2026-06-02 10:00"), local(NOW)
    assert faces(nearest_starts(wanted, start, 60, now)) == ["09:00 EDT", "11:00 EDT", "11:30 EDT"]
    free = local("2026-06-03 12:00")
    assert free not in nearest_starts(wanted, free, 60, now)


def test_nearest_starts_look_as_far_as_the_window_reaches() -> None:
    """R12."""
    away = Blackout(on("2026-06-01"), on("2026-07-20"))
    wanted = facts(schedule=Schedule(weekly=EVERY_DAY, blackouts=[away]))
    start, now = local("2026-06-02 10:00"), local(NOW)
    found = nearest_starts(wanted, start, 60, now)
    assert found == [local(f"2026-07-21 {face}") for face in ("09:00", "09:30", "10:00")]
    assert nearest_starts(wanted, start, 60, now, limit=1) == found[:1]


def test_nearest_starts_prefer_a_close_start_across_midnight() -> None:
    """R12: nearness is absolute time, not the calendar."""
    schedule = Schedule(weekly=[(1, 1410, 1440), (2, 0, 90)])
    wanted = facts(schedule=schedule)
    found = nearest_starts(wanted, local("2026-06-02 22:00"), 60, local(NOW), limit=2)
    assert found == [local("2026-06-02 23:30"), local("2026-06-03 00:00")]


def test_nearest_starts_stay_on_the_dates_that_were_read() -> None:
    """R12: a date whose bookings nobody read is not known to be free."""
    wanted = facts(schedule=Schedule(weekly=[(1, 540, 600)]))
    start, now = local("2026-06-09 09:00"), local(NOW)
    read = (on("2026-06-03"), on("2026-06-17"))
    assert nearest_starts(wanted, start, 60, now, within=read) == [local("2026-06-16 09:00")]
    assert len(nearest_starts(wanted, start, 60, now)) == 3


def test_nearest_starts_look_past_enough_distant_ones() -> None:
    """R12: three starts 70 hours before are not nearer than three 50 hours after."""
    wanted = facts(schedule=Schedule(weekly=[(1, 0, 120), (6, 0, 120)]))
    found = nearest_starts(wanted, local("2026-06-04 22:00"), 60, local(NOW))
    assert found == [local(f"2026-06-07 {face}") for face in ("00:00", "00:30", "01:00")]


def test_states_of_a_month() -> None:
    """S12.1: open, few (at most 2), full, closed, outside."""
    day = Schedule(
        weekly=[(1, 540, 720), (2, 540, 660), (3, 540, 600), (5, 540, 570)],
        blackouts=[Blackout(on("2026-06-09"), on("2026-06-09"))],
        busy=[Interval(local("2026-06-10 00:00"), local("2026-06-11 00:00"))],
    )
    wanted = facts(
        rules=rules(max_advance_days=10, slot_step_minutes=60),
        schedule=day,
        bookings=(booking("2026-06-04 09:00"),),
    )
    states = day_states(wanted, 60, on("2026-05-31"), on("2026-06-12"), local(NOW))
    assert states == {
        on("2026-05-31"): DayState.OUTSIDE,
        on("2026-06-01"): DayState.CLOSED,
        on("2026-06-02"): DayState.OPEN,
        on("2026-06-03"): DayState.FEW,
        on("2026-06-04"): DayState.FULL,
        on("2026-06-05"): DayState.CLOSED,
        on("2026-06-06"): DayState.CLOSED,
        on("2026-06-07"): DayState.CLOSED,
        on("2026-06-08"): DayState.CLOSED,
        on("2026-06-09"): DayState.CLOSED,
        on("2026-06-10"): DayState.FULL,
        on("2026-06-11"): DayState.FEW,
        on("2026-06-12"): DayState.OUTSIDE,
    }


def test_today_is_outside_once_its_hours_are_too_soon() -> None:
    """S12.1, R1."""
    today = on("2026-06-01")
    wanted = facts(rules=rules(min_notice_minutes=120))
    for now, state in [
        ("2026-06-01 08:00", DayState.OPEN),
        ("2026-06-01 13:30", DayState.FEW),
        ("2026-06-01 14:30", DayState.OUTSIDE),
    ]:
        assert day_states(wanted, 60, today, today, local(now)) == {today: state}


def test_today_is_full_while_its_remaining_hours_are_booked() -> None:
    """S12.1: hours that have passed do not make a booked afternoon look outside."""
    today = on("2026-06-01")
    wanted = facts(bookings=(booking("2026-06-01 13:00", minutes=240),))
    states = day_states(wanted, 60, today, today, local("2026-06-01 12:30"))
    assert states == {today: DayState.FULL}


def test_empty_day_names_the_rule_of_its_nearest_miss() -> None:
    """S12.6."""
    now = local(NOW)
    tuesday, wednesday = on("2026-06-02"), on("2026-06-03")
    wanted = facts(
        schedule=Schedule(weekly=[(1, 540, 600)]), bookings=(booking("2026-06-02 09:00"),)
    )
    assert [one.rule for one in explain_day(wanted, 60, tuesday, now)] == ["R4"]
    assert [one.code for one in explain_day(wanted, 60, wednesday, now)] == ["closed"]
    assert explain_day(facts(), 60, tuesday, now) == ()


def test_now_and_start_may_be_given_in_any_zone() -> None:
    """G7."""
    start, now = local("2026-06-02 10:00"), local(NOW)
    assert explain(facts(), start.astimezone(NY), 60, now.astimezone(NY)) == ()
    given_local = bookable_starts(
        facts(), 60, on("2026-06-02"), on("2026-06-02"), now.astimezone(NY)
    )
    assert all(one.tzinfo is UTC for one in given_local)
