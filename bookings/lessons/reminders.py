"""Reminders before a lesson and the question after it (Spec: S13.5, T4, D14).

The clock decides what is due; a job writes the mails as rows, each once by its key, however often
it runs. What is long past is not sent late.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from accounts.models import NotificationChoice, TextNumber
from accounts.profile import who_wants_mail
from bookings.lessons import mails
from bookings.lessons.managers import BookingQuerySet
from bookings.lessons.models import Booking, BookingRevision
from bookings.notifications.models import OutgoingMail, OutgoingText
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

log = structlog.get_logger(__name__)


def send_reminders(now: datetime | None = None) -> int:
    """Write the reminders that are due, to both sides; return how many mails were written.

    Absolute hours before the start. A lesson that was booked or moved after that instant gets
    none: its confirmation has just said when it is. A move makes new ones. Spec: S13.5, D14
    """
    now = now or clock.now()
    return sum(_remind(name, lead, least, now) for name, (lead, least) in REMINDERS.items())


def _remind(name: str, lead: timedelta, least: timedelta, now: datetime) -> int:
    moved_since = BookingRevision.objects.filter(
        booking=OuterRef("pk"), moved_at__gt=OuterRef("start_at") - lead
    )
    rows = Booking.objects.filter(
        ~Exists(moved_since),
        status=Booking.Status.CONFIRMED,
        start_at__gt=now + least,
        start_at__lte=now + lead,
        confirmed_at__lte=F("start_at") - lead,
    )
    return write_due(
        rows,
        kind=f"reminder_{name}",
        sides=mails.SIDES,
        choice=Kind.REMINDER,
        text=mails.TEXTED_REMINDERS.get(name),
        write=lambda booking, side: mails.queue_reminder(booking, side, name),
    )


def ask_how_it_went(now: datetime | None = None) -> int:
    """Ask the students of lessons that have just ended; return how many were asked.

    Spec: T11, S13.5
    """
    now = now or clock.now()
    over = Q(status__in=[Booking.Status.CONFIRMED, Booking.Status.ENDED])
    rows = Booking.objects.filter(
        over, student__isnull=False, end_at__lte=now, end_at__gt=now - ASKED_WITHIN
    )
    return write_due(
        rows,
        kind="how_was_it",
        sides=mails.SIDES[:1],
        choice=Kind.REVIEW,
        write=lambda booking, _side: mails.queue_how_was_it(booking),
    )


def ask_who_came(now: datetime | None = None) -> int:
    """Ask the instructors of lessons that have just ended; return how many were asked. Spec: T11

    Only who wants such mail is asked; what nobody reports completes by itself.
    """
    now = now or clock.now()
    rows = Booking.objects.filter(
        status__in=[Booking.Status.CONFIRMED, Booking.Status.ENDED],
        student__isnull=False,
        end_at__lte=now,
        end_at__gt=now - ASKED_WITHIN,
    )
    return write_due(
        rows,
        kind="mark",
        sides=mails.SIDES[1:],
        choice=Kind.REVIEW,
        write=lambda booking, _side: mails.queue_mark(booking),
    )


def write_due(
    rows: BookingQuerySet,
    *,
    kind: str,
    sides: Sequence[str],
    choice: str,
    write: Callable[[Booking, str], None],
    text: NotificationChoice.TextKind | None = None,
) -> int:
    """Write to the sides of these lessons that want such news and have none about these times.

    ``rows`` is everything that is due now, ``kind`` the first part of the keys, ``choice`` the kind
    of mail and ``text`` the kind of text that somebody may want. A lesson's mails
    are written together, while nobody can change it; a lesson that fails stops no other one.
    Returns how many sides were written to. Spec: S13.5, S4.2
    """
    written = 0
    for batch in _batches(rows):
        for booking, some in _unwritten(batch, kind, sides, choice, text):
            written += _write_one(rows, booking, some, write)
    return written


def _batches(rows: BookingQuerySet) -> Iterator[list[Booking]]:
    """Go through all lessons, those that are done too: how many they are must starve nobody."""
    last = 0
    while True:
        batch = list(rows.filter(pk__gt=last).with_people().order_by("pk")[:BATCH_SIZE])
        yield batch
        if len(batch) < BATCH_SIZE:
            return
        last = batch[-1].pk


def _unwritten(
    batch: Sequence[Booking],
    kind: str,
    sides: Sequence[str],
    choice: str,
    text: NotificationChoice.TextKind | None,
) -> list[tuple[Booking, list[str]]]:
    """Return the lessons with the sides to write to, by one question for all of each kind."""
    keys = [mails.key_of(kind, booking, side) for booking in batch for side in sides]
    known = set(OutgoingMail.objects.filter(key__in=keys).values_list("key", flat=True))
    if text is not None:
        known |= set(OutgoingText.objects.filter(key__in=keys).values_list("key", flat=True))
    missing = [
        (booking, side, person.pk)
        for booking in batch
        for side, person in mails.people_of(booking)
        if side in sides and mails.key_of(kind, booking, side) not in known
    ]
    people = {person for _, _, person in missing}
    willing = who_wants_mail(people, choice) if people else set()
    if text is not None and people - willing:
        willing |= set(TextNumber.objects.wanting(people - willing, text))
    found: dict[Booking, list[str]] = {}
    for booking, side, person in missing:
        if person in willing:
            found.setdefault(booking, []).append(side)
    return list(found.items())


def _write_one(
    rows: BookingQuerySet,
    booking: Booking,
    sides: Sequence[str],
    write: Callable[[Booking, str], None],
) -> int:
    try:
        with transaction.atomic():
            same = rows.filter(pk=booking.pk, revision=booking.revision).with_people()
            locked = same.select_for_update(of=("self",), no_key=True).first()
            if locked is None:
                return 0
            for side in sides:
                write(locked, side)
            return len(sides)
    except Exception:  # tried again by the next run; the others are written now
        log.exception("due_mail_failed", lesson=booking.code)
        return 0
