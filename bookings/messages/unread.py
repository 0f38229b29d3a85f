"""Mails about messages that nobody has read (Spec: S11.4, S13.5).

The clock decides what is due; a job looks for it every minute. A thread is locked while its mail is
written, so that two workers write one, and what they decided stands on the messages themselves.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from accounts.models import NotificationChoice, User
from accounts.profile import mail_off_url, wants_mail
from bookings.messages.models import Message, Thread
from bookings.messages.selectors import Pair, why_closed
from bookings.notifications.services import queue_mail
from instainstru import clock
from instainstru.templatetags.ui import counted

UNREAD_FOR = timedelta(minutes=5)
PAUSE = timedelta(hours=1)
BATCH_SIZE = 200

log = structlog.get_logger(__name__)


def tell_of_unread(now: datetime | None = None) -> int:
    """Write to everybody with messages unread for 5 minutes, an hour after the last mail at most.

    One mail tells of all unread messages of a thread; none is told of twice. Who wants no such
    mail, or is blocked, gets none. A thread that fails stops no other one; returns how many mails
    were written. Spec: S11.4
    """
    now = now or clock.now()
    written, last = 0, (0, 0)
    while True:
        batch = _due(now, last)
        written += sum(_tell_safely(thread, recipient, now) for thread, recipient in batch)
        if len(batch) < BATCH_SIZE:
            return written
        last = batch[-1]


def _due(now: datetime, last: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the next threads with the side that waits; those in their pause are seen again."""
    thread, recipient = last
    rows = Message.objects.untold(now - UNREAD_FOR).filter(
        Q(thread__gt=thread) | Q(thread=thread, recipient__gt=recipient)
    )
    pairs = rows.order_by("thread_id", "recipient_id").values_list("thread_id", "recipient_id")
    return list(pairs.distinct()[:BATCH_SIZE])


def _tell_safely(thread_id: int, recipient_id: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            return _tell(thread_id, recipient_id, now)
    except Exception:  # tried again by the next run
        log.exception("unread_mail_failed", thread=thread_id)
        return False


def _tell(thread_id: int, recipient_id: int, now: datetime) -> bool:
    rows = Thread.objects.with_people().select_for_update(of=("self",), skip_locked=True)
    thread = rows.filter(pk=thread_id).first()
    if thread is None:
        return False
    told_at = Message.objects.last_told_at(thread_id, recipient_id)
    if told_at is not None and now < told_at + PAUSE:
        return False
    # Read in the lock: another worker or the reader may have been faster.
    letters = thread.letters.filter(recipient=recipient_id)
    due = letters.untold(now - UNREAD_FOR)
    if not due.exists():
        return False
    # Younger ones stand in the same mail.
    new = letters.untold(now)
    newest = new.order_by("-pk").values_list("pk", flat=True)[0]
    pair = Pair.of(thread)
    person = pair.student if pair.student.pk == recipient_id else pair.instructor.user
    is_wanted = person.is_active and wants_mail(person, NotificationChoice.Kind.MESSAGE)
    is_written = is_wanted and not why_closed(pair, person)
    if is_written:
        _queue(pair, person, letters.unread_of(recipient_id).count(), newest)
    new.update(told_at=now)
    return is_written


def _queue(pair: Pair, person: User, count: int, newest: int) -> None:
    assert pair.thread is not None  # noqa: S101 - made from a thread
    other = pair.other_name(person)
    off_url = mail_off_url(person, NotificationChoice.Kind.MESSAGE)
    queue_mail(
        key=f"unread_messages:{pair.thread.pk}:{person.pk}:{newest}",
        to=person.email,
        subject=f"{other} wrote to you",
        template="unread_messages",
        context={
            "person": person,
            "other": other,
            "how_many": counted(count, "unread message"),
            "url": settings.SITE_URL + reverse("messages:thread", args=[pair.thread.public_id]),
            "off_url": off_url,
        },
        unsubscribe_url=off_url,
    )
