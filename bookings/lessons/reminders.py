"""Reminders before a lesson and the question after it (Spec: S13.5, T4, D14).

The clock decides what is due; a job writes the mails as rows, each once by its key, however often
it runs. What is long past is not sent late.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, Q

from accounts.models import NotificationChoice
from accounts.profile import wants_mail
from bookings.lessons import mails
from bookings.lessons.models import Booking
from bookings.notifications.models import OutgoingMail
from instainstru import clock

BATCH_SIZE = 500
# How long before the start, and until when a reminder that a stopped worker missed is still sent.
REMINDERS = {
    "24h": (timedelta(hours=24), timedelta(hours=12)),
    "2h": (timedelta(hours=2), timedelta(minutes=30)),
}
# "How did it go?" is asked for so long after the end.
ASKED_WITHIN = timedelta(hours=12)
Kind = NotificationChoice.Kind


def send_reminders(now: datetime | None = None) -> int:
    """Write the reminders that are due, to both sides; return how many mails were written.

    Absolute hours before the start. A lesson that was booked or moved after that instant gets
    none: its confirmation has just said when it is. A move makes new ones. Spec: S13.5, D14
    """
    now = now or clock.now()
    return sum(_remind(name, lead, least, now) for name, (lead, least) in REMINDERS.items())


def _remind(name: str, lead: timedelta, least: timedelta, now: datetime) -> int:
    rows = Booking.objects.filter(
        status=Booking.Status.CONFIRMED, start_at__gt=now + least, start_at__lte=now + lead
    ).filter(confirmed_at__lte=F("start_at") - lead)
    written = 0
    for booking in _unwritten(rows.order_by("start_at"), f"reminder_{name}"):
        moved = booking.revisions.order_by("-number").first()
        if moved is not None and moved.moved_at > booking.start_at - lead:
            continue
        for side, person in mails.people_of(booking):
            if wants_mail(person, Kind.REMINDER):
                mails.queue_reminder(booking, side, name)
                written += 1
    return written


def ask_how_it_went(now: datetime | None = None) -> int:
    """Ask the students of lessons that have just ended; return how many were asked.

    Spec: T11, S13.5
    """
    now = now or clock.now()
    over = Q(status__in=[Booking.Status.CONFIRMED, Booking.Status.ENDED])
    rows = Booking.objects.filter(over, end_at__lte=now, end_at__gt=now - ASKED_WITHIN)
    asked = 0
    for booking in _unwritten(rows.order_by("end_at"), "how_was_it"):
        student = booking.student
        if student is not None and wants_mail(student, Kind.REVIEW):
            mails.queue_how_was_it(booking)
            asked += 1
    return asked


def _unwritten(rows: Iterable[Booking], kind: str) -> list[Booking]:
    """Return the lessons of a list about which no mail of a kind was written for these times."""
    found = list(rows.with_people()[:BATCH_SIZE])  # type: ignore[attr-defined]
    keys = {mails.key_of(kind, booking, "student"): booking for booking in found}
    keys |= {mails.key_of(kind, booking, "instructor"): booking for booking in found}
    known = OutgoingMail.objects.filter(key__in=keys).values_list("key", flat=True)
    done = {keys[str(key)].pk for key in known}
    return [booking for booking in found if booking.pk not in done]
