"""Compare and swap along the table of states: the one way to change a lesson's status (R13)."""

from datetime import datetime
from typing import Any

import structlog

from bookings.lessons.errors import LessonChangedError
from bookings.lessons.models import Booking
from bookings.lessons.states import Status, sources_of, status_at
from instainstru.page_store.versions import bump, of_person

CHANGED = "This lesson changed"

log = structlog.get_logger(__name__)


def swap(booking: Booking, number: str, target: Status, **values: Any) -> None:
    """Bring a booking to ``target`` by the row ``number`` of the table, with other new values.

    Raises ``LessonChangedError`` when somebody or the clock was faster; nothing is written then
    and the attempt is logged (T15). Spec: R13, 05 section 2
    """
    rows = Booking.objects.filter(pk=booking.pk, status__in=sources_of(number))
    if not rows.update(status=target, **values):
        raise lesson_changed(booking, number)
    if booking.student_id is not None:
        bump(of_person(booking.student_id))


def current_status(booking: Booking, now: datetime) -> Status:
    """Return the state at ``now``, before any job wrote it down. Spec: S4.3."""
    return status_at(
        Status(booking.status),
        end_at=booking.end_at,
        expires_at=booking.expires_at,
        now=now,
        auto_complete_hours=booking.policy.auto_complete_hours,
    )


def catch_up(booking: Booking, now: datetime) -> Status:
    """Write down what the clock has decided about one lesson and return its state.

    The caller holds the locks. The table allows no way past ENDED, so each step is written.
    Spec: T11, T12, S4.3
    """
    state = current_status(booking, now)
    row = Booking.objects.filter(pk=booking.pk)
    if state in {Status.ENDED, Status.COMPLETED}:
        row.filter(status=Status.CONFIRMED).update(status=Status.ENDED)
    if state is Status.COMPLETED:
        row.filter(status=Status.ENDED).update(
            status=Status.COMPLETED, completed_at=booking.closes_by_itself_at
        )
    return state


def lesson_changed(booking: Booking, number: str, message: str = CHANGED) -> LessonChangedError:
    """Log that a change was tried that the lesson's state forbids, and return the refusal (T15)."""
    log.info(
        "lesson_change_refused", booking=booking.pk, transition=number, status=str(booking.status)
    )
    return LessonChangedError(message)
