"""Mails about reviews that are due (Spec: S13.5)."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from accounts.models import NotificationChoice
from bookings.lessons import mails
from bookings.lessons.models import Booking
from bookings.lessons.reminders import write_due
from bookings.lessons.states import Status
from instainstru import clock

REMINDERS = {"3d": timedelta(days=3), "10d": timedelta(days=10)}
"""How long after the end of a lesson a student who has not reviewed it is reminded."""
# A mail that a stopped worker missed is still sent for so long.
SENT_WITHIN = timedelta(days=1)


def remind_of_reviews(now: datetime | None = None) -> int:
    """Write to students whose review is due, 3 and 10 days after the end; return how many mails.

    Who has reviewed the lesson, or may no longer review it, gets none. Spec: S13.5, S11.3
    """
    now = now or clock.now()
    return sum(_remind(name, after, now) for name, after in REMINDERS.items())


def _remind(name: str, after: timedelta, now: datetime) -> int:
    is_over = Q(status__in=[Status.COMPLETED, Status.NO_SHOW_INSTRUCTOR]) | Q(
        status__in=[Status.CONFIRMED, Status.ENDED], closes_at__lte=now
    )
    rows = Booking.objects.with_review_until().filter(
        is_over & Q(review__isnull=True, review_until__gte=now),
        ~Q(instructor__user=F("student")),
        end_at__lte=now - after,
        end_at__gt=now - after - SENT_WITHIN,
    )
    return write_due(
        rows,
        kind=f"review_due_{name}",
        sides=mails.SIDES[:1],
        choice=NotificationChoice.Kind.REVIEW,
        write=lambda booking, _side: mails.queue_review_due(booking, name),
    )
