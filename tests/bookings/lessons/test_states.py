"""The table of 05 §2 as data."""

from datetime import UTC, datetime, timedelta

import pytest

from bookings.lessons.states import (
    ALLOWED_CHANGES,
    BLOCKING,
    BY_NUMBER,
    COUNTED,
    FINAL,
    TRANSITIONS,
    Actor,
    Status,
    is_allowed,
    is_in_progress,
    sources_of,
    status_at,
)

# 05 §2, first paragraph, as written.
GRAPH = {
    "held": {"expired", "confirmed"},
    "confirmed": {
        "cancelled_student",
        "cancelled_instructor",
        "cancelled_staff",
        "ended",
        "reported",
    },
    "ended": {"completed", "reported"},
    "completed": {"reported"},
    "reported": {"completed", "no_show_student", "no_show_instructor", "cancelled_staff"},
}
START = datetime(2026, 6, 2, 14, tzinfo=UTC)
END = START + timedelta(hours=1)


@pytest.mark.parametrize("source", list(Status))
@pytest.mark.parametrize("target", list(Status))
def test_changes_are_exactly_those_of_the_graph(source: Status, target: Status) -> None:
    """05 §2: everything else is T15."""
    assert is_allowed(source, target) == (target.value in GRAPH.get(source.value, set()))


def test_transitions_are_numbered_and_sourced() -> None:
    assert [row.number for row in TRANSITIONS] == [f"T{number}" for number in range(1, 15)]
    assert sources_of("T1") == frozenset()
    assert sources_of("T8") == {Status.CONFIRMED}
    assert sources_of("T13") == {Status.CONFIRMED, Status.ENDED, Status.COMPLETED}
    assert BY_NUMBER["T8"].actors == {Actor.STUDENT}
    assert BY_NUMBER["T10"].actors == {Actor.STAFF}


def test_final_states_lead_nowhere() -> None:
    """R13."""
    assert {status.value for status in FINAL} == {
        "expired",
        "cancelled_student",
        "cancelled_instructor",
        "cancelled_staff",
        "no_show_student",
        "no_show_instructor",
    }
    assert not [pair for pair in ALLOWED_CHANGES if pair[0] in FINAL]
    assert {source for source, _ in ALLOWED_CHANGES} == set(Status) - FINAL


def test_blocking_states_are_those_of_the_constraint() -> None:
    """R4, R11."""
    assert {status.value for status in BLOCKING} == {"held", "confirmed", "ended", "reported"}
    assert Status.COMPLETED in COUNTED
    assert not COUNTED & {Status.EXPIRED, Status.CANCELLED_STUDENT, Status.NO_SHOW_INSTRUCTOR}


@pytest.mark.parametrize(
    ("stored", "seconds", "seen"),
    [
        ("held", -1, "held"),
        ("held", 0, "expired"),
        ("confirmed", -1, "confirmed"),
        ("confirmed", 0, "ended"),
        ("ended", 24 * 3600 - 1, "ended"),
        ("ended", 24 * 3600, "completed"),
        ("confirmed", 24 * 3600, "completed"),
        ("reported", 99 * 3600, "reported"),
        ("cancelled_student", 99 * 3600, "cancelled_student"),
    ],
)
def test_clock_decides_at_read_time(stored: str, seconds: int, seen: str) -> None:
    """T3, T11, T12: equality is expired, ended, completed."""
    now = END + timedelta(seconds=seconds)
    found = status_at(Status(stored), end_at=END, expires_at=END, now=now, auto_complete_hours=24)
    assert found is Status(seen)


def test_in_progress_is_derived() -> None:
    """05 §2: CONFIRMED with start <= now < end."""
    second = timedelta(seconds=1)
    for now, expected in [
        (START - second, False),
        (START, True),
        (END - second, True),
        (END, False),
    ]:
        assert is_in_progress(Status.CONFIRMED, start_at=START, end_at=END, now=now) is expected
    assert not is_in_progress(Status.REPORTED, start_at=START, end_at=END, now=START)
