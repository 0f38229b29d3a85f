"""Reads and one-table writes on the mail outbox."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.db.models import F

if TYPE_CHECKING:
    from accounts.models import User
    from bookings.notifications.models import Notice, OutgoingMail  # noqa: F401 - the base names it


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    """The outbox, seen by the relay and by the mail page."""

    def newest_first(self) -> "OutgoingMailQuerySet":
        """Every mail, the latest first."""
        return self.order_by("-created_at", "-pk")

    def sent_until(self, instant: datetime) -> "OutgoingMailQuerySet":
        """Mails that were delivered up to an instant."""
        return self.filter(status="sent", sent_at__lte=instant)

    def due(self, now: datetime) -> "OutgoingMailQuerySet":
        """Mails that should go out now."""
        return self.filter(status="pending", next_attempt_at__lte=now)

    @transaction.atomic
    def claim(
        self, now: datetime, *, limit: int, lease: timedelta, max_attempts: int
    ) -> list["OutgoingMail"]:
        """Take due mails for this process alone and return them, oldest first.

        A claim counts as an attempt and lasts for ``lease``: a process that dies while sending
        gives its mails back when the lease ends. Mails out of attempts become failed here.
        """
        rows = self.due(now).select_for_update(skip_locked=True).order_by("next_attempt_at", "pk")
        claimed = list(rows[:limit])
        worn_out = [mail.pk for mail in claimed if mail.attempts >= max_attempts]
        self.filter(pk__in=worn_out).update(status="failed")
        fresh = [mail for mail in claimed if mail.attempts < max_attempts]
        self.filter(pk__in=[mail.pk for mail in fresh]).update(
            attempts=F("attempts") + 1, next_attempt_at=now + lease
        )
        for mail in fresh:
            mail.attempts += 1
        return fresh


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices, as their reader and the broom see them."""

    def of(self, user: "User") -> "NoticeQuerySet":
        """A person's own."""
        return self.filter(user=user)

    def newest_first(self) -> "NoticeQuerySet":
        """The latest first."""
        return self.order_by("-created_at", "-pk")

    def unread(self) -> "NoticeQuerySet":
        """Those not marked as read."""
        return self.filter(read_at__isnull=True)

    def until(self, instant: datetime) -> "NoticeQuerySet":
        """Those left up to an instant."""
        return self.filter(created_at__lte=instant)
