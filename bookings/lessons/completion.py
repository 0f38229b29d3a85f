"""Saying that a lesson happened (Spec: T12, 06 section 3)."""

from datetime import datetime

from accounts.models import User
from bookings.lessons.locks import booking_transaction
from bookings.lessons.models import Booking
from bookings.lessons.selectors import find_lesson
from bookings.lessons.states import Status
from bookings.lessons.transitions import catch_up, lesson_changed, swap


def confirm_outcome(*, by: User, code: str, now: datetime | None = None) -> Booking:
    """Complete the person's own lesson after its end; saying it twice changes nothing.

    Raises ``LessonChangedError`` before the end, or when the lesson is reported or cancelled.
    Spec: T11, T12, R13
    """
    booking = find_lesson(by=by, code=code)
    with booking_transaction(
        instructor_ids=[booking.instructor_id], learner_ids=[booking.learner_id]
    ) as locked_at:
        now = now or locked_at
        booking = find_lesson(by=by, code=code)
        state = catch_up(booking, now)
        if state is Status.COMPLETED:
            return booking
        if state is not Status.ENDED:
            raise lesson_changed(booking, "T12")
        swap(booking, "T12", Status.COMPLETED, completed_at=now)
    return find_lesson(by=by, code=code)
