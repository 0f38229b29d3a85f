"""Saying that a lesson happened (Spec: T12, 06 section 3)."""

from datetime import datetime

from accounts.models import User
from bookings.lessons.cancellation import CHANGED, current_status, find_lesson
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.locks import booking_transaction
from bookings.lessons.models import Booking
from bookings.lessons.states import Status
from instainstru import clock


def confirm_outcome(*, by: User, code: str, now: datetime | None = None) -> Booking:
    """Complete the person's own lesson after its end; saying it twice changes nothing.

    Raises ``LessonChangedError`` before the end, or when the lesson is reported or cancelled.
    Spec: T11, T12, R13
    """
    booking = find_lesson(by=by, code=code)
    with booking_transaction(
        instructor_ids=[booking.instructor_id], learner_ids=[booking.learner_id]
    ):
        now = now or clock.database_now()
        booking = find_lesson(by=by, code=code)
        state = current_status(booking, now)
        if state is Status.COMPLETED:
            return booking
        if state is not Status.ENDED:
            raise LessonChangedError(CHANGED)
        # The clock's own step first: the table allows no way past ENDED.
        row = Booking.objects.filter(pk=booking.pk)
        row.filter(status=Status.CONFIRMED).update(status=Status.ENDED)
        row.filter(status=Status.ENDED).update(status=Status.COMPLETED, completed_at=now)
    return find_lesson(by=by, code=code)
