"""Chainable reads on threads, messages and reports in domain words."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, Max, Q

from catalog.interest_managers import ProfileReportQuerySet

if TYPE_CHECKING:
    from accounts.models import User
    from bookings.messages.models import Message, Thread  # noqa: F401


class ThreadQuerySet(models.QuerySet["Thread"]):
    """Threads, as the two who write in them see them."""

    def of(self, user: "User") -> "ThreadQuerySet":
        """A person's own, on either side."""
        return self.filter(Q(student=user) | Q(instructor__user=user))

    def with_people(self) -> "ThreadQuerySet":
        """Read both sides along."""
        return self.select_related("student", "instructor__user")

    def with_unread(self, user: "User") -> "ThreadQuerySet":
        """Add ``unread``: how many messages to this person they have not seen."""
        to_me = Q(letters__recipient=user, letters__read_at__isnull=True)
        return self.annotate(unread=Count("letters", filter=to_me))

    def unread_by(self, user: "User") -> "ThreadQuerySet":
        """Those in which somebody waits to be read by this person; ``unread`` says how much."""
        rows: ThreadQuerySet = self.with_unread(user).filter(Q(unread__gt=0))
        return rows

    def newest_first(self) -> "ThreadQuerySet":
        """The one with the latest message first, ids breaking ties."""
        return self.order_by("-last_message_at", "-pk")


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages, as their reader, the mail job and the statistics see them."""

    def unread_of(self, user_id: int) -> "MessageQuerySet":
        """Messages to a person that they have not seen."""
        return self.filter(recipient=user_id, read_at__isnull=True)

    def untold(self, until: datetime) -> "MessageQuerySet":
        """Unread messages written up to an instant about which no mail was decided."""
        return self.filter(read_at__isnull=True, told_at__isnull=True, created_at__lte=until)

    def written_since(self, instant: datetime) -> "MessageQuerySet":
        """Messages written after an instant."""
        return self.filter(created_at__gt=instant)

    def last_told_at(self, thread_id: int, recipient_id: int) -> datetime | None:
        """Return when this side of a thread was last told by mail."""
        rows = self.filter(thread=thread_id, recipient=recipient_id)
        newest: datetime | None = rows.aggregate(at=Max("told_at"))["at"]
        return newest


class ReportQuerySet(ProfileReportQuerySet):
    """The staff's list of reports: what waits first, safety before everything."""

    reads_along = ("message__author", "reporter")
