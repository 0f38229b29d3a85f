"""The states of a lesson and the whole table of allowed changes, as data (Spec: 05 §2).

Services compare and swap along this table, the database trigger holds the same pairs, and tests
walk it. A change that is not here is T15: 409, nothing written.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Status(StrEnum):
    """Where a booking stands; "in progress" is derived, a reschedule is no state."""

    HELD = "held"
    EXPIRED = "expired"
    CONFIRMED = "confirmed"
    CANCELLED_STUDENT = "cancelled_student"
    CANCELLED_INSTRUCTOR = "cancelled_instructor"
    CANCELLED_STAFF = "cancelled_staff"
    ENDED = "ended"
    COMPLETED = "completed"
    REPORTED = "reported"
    NO_SHOW_STUDENT = "no_show_student"
    NO_SHOW_INSTRUCTOR = "no_show_instructor"


class Actor(StrEnum):
    """Who may cause a change; the clock acts when a job writes down what time decided."""

    GUEST = "guest"
    STUDENT = "student"
    INSTRUCTOR = "instructor"
    STAFF = "staff"
    CLOCK = "clock"


S, A = Status, Actor

CANCELLED = frozenset({S.CANCELLED_STUDENT, S.CANCELLED_INSTRUCTOR, S.CANCELLED_STAFF})
NO_SHOW = frozenset({S.NO_SHOW_STUDENT, S.NO_SHOW_INSTRUCTOR})
FINAL = frozenset({S.EXPIRED}) | CANCELLED | NO_SHOW
# Rows that keep others out (R4, R11); a lapsed hold no longer does, see ``status_at``.
BLOCKING = frozenset({S.HELD, S.CONFIRMED, S.ENDED, S.REPORTED})
# Lessons that used up an instructor's day and week (R6), though they block nobody any more.
COUNTED = BLOCKING | {S.COMPLETED, S.NO_SHOW_STUDENT}


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table; ``None`` as a source is "no booking yet"."""

    number: str
    sources: frozenset[Status | None]
    targets: frozenset[Status]
    actors: frozenset[Actor]
    guard: str


def _row(
    number: str,
    sources: Iterable[Status | None],
    targets: Iterable[Status],
    actors: Iterable[Actor],
    guard: str,
) -> Transition:
    return Transition(number, frozenset(sources), frozenset(targets), frozenset(actors), guard)


TRANSITIONS: tuple[Transition, ...] = (
    _row("T1", [None], [S.HELD], [A.STUDENT, A.GUEST], "bookable; live holds and holds per hour"),
    _row("T2", [S.HELD], [S.HELD], [A.STUDENT, A.GUEST], "payment needs an extra step; once"),
    _row("T3", [S.HELD], [S.EXPIRED], [A.CLOCK, A.STUDENT, A.GUEST], "lapsed, or given up"),
    _row("T4", [S.HELD], [S.CONFIRMED], [A.STUDENT], "not lapsed; paid at the held price"),
    _row("T5", [S.CONFIRMED], [S.CONFIRMED], [A.STUDENT], "12 h before; moves left; bookable"),
    _row("T6", [S.CONFIRMED], [S.CONFIRMED], [A.INSTRUCTOR, A.STUDENT], "30 min before; none open"),
    _row(
        "T7",
        [S.CONFIRMED],
        [S.CONFIRMED],
        [A.STUDENT, A.INSTRUCTOR, A.CLOCK],
        "the proposal is open",
    ),
    _row("T8", [S.CONFIRMED], [S.CANCELLED_STUDENT], [A.STUDENT], "before the start"),
    _row("T9", [S.CONFIRMED], [S.CANCELLED_INSTRUCTOR], [A.INSTRUCTOR], "before the start; reason"),
    _row("T10", [S.CONFIRMED, S.REPORTED], [S.CANCELLED_STAFF], [A.STAFF], "reason; split <= paid"),
    _row("T11", [S.CONFIRMED], [S.ENDED], [A.CLOCK], "the end has come"),
    _row("T12", [S.ENDED], [S.COMPLETED], [A.STUDENT, A.CLOCK], "after the end; alone at +24 h"),
    _row(
        "T13",
        [S.CONFIRMED, S.ENDED, S.COMPLETED],
        [S.REPORTED],
        [A.STUDENT, A.INSTRUCTOR],
        "start + 10 min to end + 48 h",
    ),
    _row(
        "T14",
        [S.REPORTED],
        [S.COMPLETED, S.NO_SHOW_STUDENT, S.NO_SHOW_INSTRUCTOR, S.CANCELLED_STAFF],
        [A.STUDENT, A.INSTRUCTOR, A.CLOCK, A.STAFF],
        "agreement, silence of 48 h, or staff",
    ),
)

BY_NUMBER = {row.number: row for row in TRANSITIONS}

# Every pair of different states that may follow each other: what the database trigger holds (R13).
ALLOWED_CHANGES = frozenset(
    (source, target)
    for row in TRANSITIONS
    for source in row.sources
    for target in row.targets
    if source is not None and source != target
)


def is_allowed(source: Status, target: Status) -> bool:
    """Tell whether a booking may go from ``source`` to a different ``target`` (Spec: 05 §2)."""
    return (source, target) in ALLOWED_CHANGES


def sources_of(number: str) -> frozenset[Status]:
    """Return the states a transition may start from, for its compare-and-swap (Spec: R13)."""
    return frozenset(source for source in BY_NUMBER[number].sources if source is not None)


def status_at(
    status: Status,
    *,
    end_at: datetime,
    expires_at: datetime | None,
    now: datetime,
    auto_complete_hours: int,
) -> Status:
    """Return the state that a stored row is in at ``now``, before any job wrote it down.

    A hold lapses at ``expires_at`` (equality = expired), a lesson ends at ``end_at`` and completes
    by itself ``auto_complete_hours`` later (Spec: T3, T11, T12).
    """
    status = Status(status)
    if status is Status.HELD and expires_at is not None and now >= expires_at:
        return Status.EXPIRED
    if status is Status.CONFIRMED and now >= end_at:
        status = Status.ENDED
    if status is Status.ENDED and now >= end_at + timedelta(hours=auto_complete_hours):
        return Status.COMPLETED
    return status


def is_in_progress(status: Status, *, start_at: datetime, end_at: datetime, now: datetime) -> bool:
    """Tell whether the lesson is going on: CONFIRMED with start <= now < end (Spec: 05 §2)."""
    return status == Status.CONFIRMED and start_at <= now < end_at
