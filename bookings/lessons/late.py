"""Telling the other side that one runs late; it changes no state and no money (Spec: S11.9)."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from bookings.lessons import mails
from bookings.lessons.models import Booking, LateNotice
from bookings.lessons.models.changes import Side
from bookings.lessons.selectors import find_on_side
from bookings.lessons.states import Status
from bookings.lessons.transitions import current_status, lesson_changed
from instainstru import clock
from instainstru.errors import ConflictError, ValidationFailedError

# From when on before the start, and how long until the same side may say so again.
OPENS_BEFORE = timedelta(hours=24)
PAUSE = timedelta(minutes=10)


def may_run_late(booking: Booking, now: datetime) -> bool:
    """Tell whether "Running late" is offered: the last 24 hours before the start of a lesson."""
    is_coming = current_status(booking, now) is Status.CONFIRMED
    return is_coming and booking.start_at - OPENS_BEFORE <= now < booking.start_at


@transaction.atomic
def tell_late(
    *, by: User, code: str, side: Side, minutes: int, now: datetime | None = None
) -> LateNotice:
    """Tell the other side of a lesson that this one comes 5, 10 or 15 minutes late.

    Raises ``ValidationFailedError`` for other minutes, ``LessonChangedError`` outside the last 24
    hours before the start, ``ConflictError`` within ten minutes of the last time. Spec: S11.9
    """
    if minutes not in LateNotice.MINUTES:
        words = "Choose 5, 10 or 15 minutes."
        raise ValidationFailedError(words, fields={"minutes": words})
    booking = find_on_side(by=by, code=code, side=side)
    Booking.objects.select_for_update(no_key=True).filter(pk=booking.pk).values_list("pk").first()
    at = now or clock.database_now()
    lesson = find_on_side(by=by, code=code, side=side)
    if not may_run_late(lesson, at):
        raise lesson_changed(lesson, "late", "Nobody can run late for this lesson now")
    told = lesson.late_notices.filter(side=side, created_at__gt=at - PAUSE)
    if told.exists():
        raise ConflictError("You said so less than ten minutes ago.", code="told_already")
    notice = LateNotice.objects.create(booking=lesson, side=side, minutes=minutes, created_at=at)
    mails.queue_late(lesson, notice)
    return notice
