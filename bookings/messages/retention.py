"""Messages go two years after the last lesson of the two (Spec: S6.3)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, OuterRef, Q, Subquery

from bookings.lessons.models import Booking
from bookings.messages.managers import MessageQuerySet
from bookings.messages.models import Message, MessageReport, Thread
from instainstru import clock

YEARS = timedelta(days=730)
BATCH_SIZE = 500


def forget_old_messages(now: datetime | None = None) -> int:
    """Delete messages whose two years are over, and empty threads; return how many messages.

    What was written later than two years after the last lesson, or without any, is kept for two
    years of its own. A message that staff still have to look at stays. Spec: S6.3
    """
    before = (now or clock.now()) - YEARS
    gone = 0
    while True:
        with transaction.atomic():
            keys = list(_old(before).values_list("pk", flat=True)[:BATCH_SIZE])
            Message.objects.filter(pk__in=keys).delete()
        gone += len(keys)
        if len(keys) < BATCH_SIZE:
            break
    Thread.objects.filter(letters__isnull=True, created_at__lt=before).delete()
    return gone


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
    follows_lesson = Q(last_end__lt=before, created_at__lte=F("last_end") + YEARS)
    stands_alone = Q(created_at__lt=before) & (Q(last_end__isnull=True) | Q(last_end__lt=before))
    return rows.filter(follows_lesson | stands_alone).order_by("pk")
