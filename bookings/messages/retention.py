"""Messages go two years after the last lesson of the two (Spec: S6.3)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, OuterRef, Q, Subquery

from bookings.lessons.models import Booking
from bookings.messages.managers import MessageQuerySet
from bookings.messages.models import Message, MessageReport, Thread
from instainstru import clock

YEARS = timedelta(days=730)
# Nobody's new question goes unread because the last lesson was long ago.
LATELY = timedelta(days=90)
BATCH_SIZE = 500


def forget_old_messages(now: datetime | None = None) -> int:
    """Delete messages whose two years are over, and empty threads; return how many messages.

    What was written later than two years after the last lesson, or without any, is kept for two
    years of its own; whatever was written in the last 90 days stays, and so does a message that
    staff still have to look at. Spec: S6.3
    """
    before = (now or clock.now()) - YEARS
    gone = 0
    while True:
        with transaction.atomic():
            found = dict(_old(before).values_list("pk", "thread")[:BATCH_SIZE])
            Message.objects.filter(pk__in=found).delete()
            _tell_latest(set(found.values()))
        gone += len(found)
        if len(found) < BATCH_SIZE:
            break
    return gone


def _tell_latest(threads: Collection[int]) -> None:
    """Let threads say which message is their latest now; one without any goes."""
    rows = Thread.objects.select_for_update(no_key=True).filter(pk__in=threads).order_by("pk")
    for thread in rows:
        latest = thread.letters.aggregate(at=Max("created_at"))["at"]
        if latest is None:
            thread.delete()
        elif latest != thread.last_message_at:
            Thread.objects.filter(pk=thread.pk).update(last_message_at=latest)


def _old(before: datetime) -> MessageQuerySet:
    last_end = (
        Booking.objects.filter(
            student=OuterRef("thread__student"), instructor=OuterRef("thread__instructor"),
            code__isnull=False,
        )
        .order_by()
        .values("student")
        .annotate(at=Max("end_at"))
        .values("at")
    )  # fmt: skip
    waiting = MessageReport.objects.filter(handled_at__isnull=True).values("message")
    rows = Message.objects.annotate(last_end=Subquery(last_end)).exclude(pk__in=waiting)
    follows_lesson = Q(last_end__lt=before, created_at__lte=F("last_end") + YEARS) & Q(
        created_at__lt=before + YEARS - LATELY
    )
    stands_alone = Q(created_at__lt=before) & (Q(last_end__isnull=True) | Q(last_end__lt=before))
    return rows.filter(follows_lesson | stands_alone).order_by("pk")
