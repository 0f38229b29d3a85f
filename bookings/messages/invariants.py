"""What must always hold of threads, beyond what the constraints can say (Spec: S11.4, S16.6)."""

from collections.abc import Iterator

from django.db.models import F, Max, OuterRef, Q, Subquery

from bookings.messages.models import Message, Thread


def thread_violations() -> list[str]:
    """Return one sentence per broken promise; none means all is well."""
    return [*_strangers(), *_wrong_times()]


def _strangers() -> Iterator[str]:
    """Only the two of a thread write in it, each to the other."""
    student, teacher = F("thread__student"), F("thread__instructor__user")
    rows = Message.objects.exclude(
        Q(author=student, recipient=teacher) | Q(author=teacher, recipient=student)
    )
    for public_id in rows.values_list("public_id", flat=True):
        yield f"message {public_id} is not between the two of its thread"


def _wrong_times() -> Iterator[str]:
    """A thread holds messages, and says when the latest was written."""
    newest = (
        Message.objects.filter(thread=OuterRef("pk"))
        .order_by()
        .values("thread")
        .annotate(at=Max("created_at"))
        .values("at")
    )
    rows = Thread.objects.annotate(newest=Subquery(newest)).filter(
        Q(newest__isnull=True) | ~Q(newest=F("last_message_at"))
    )
    for public_id in rows.values_list("public_id", flat=True):
        yield f"thread {public_id} does not tell its latest message"
