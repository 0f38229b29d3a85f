"""Reads and one-table writes on the outbox."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models, transaction
from django.db.models import F

if TYPE_CHECKING:
    from accounts.models import User
    from bookings.notifications.models import (  # noqa: F401 - the bases name them
        InboundText,
        Notice,
        OutgoingMail,
        OutgoingText,
    )

Row = TypeVar("Row", bound=models.Model)


class OutgoingQuerySet(models.QuerySet[Row]):
    """Rows of one channel, seen by the relay and by the pages that list them."""

    def newest_first(self) -> "OutgoingQuerySet[Row]":
        """Every row, the latest first."""
        return self.order_by("-created_at", "-pk")

    def sent_until(self, instant: datetime) -> "OutgoingQuerySet[Row]":
        """Rows that were delivered up to an instant."""
        return self.filter(status="sent", sent_at__lte=instant)

    def due(self, now: datetime) -> "OutgoingQuerySet[Row]":
        """Rows that should go out now."""
        return self.filter(status="pending", next_attempt_at__lte=now)

    @transaction.atomic
    def claim(self, now: datetime, *, limit: int, lease: timedelta, max_attempts: int) -> list[Row]:
        """Take due rows for this process alone and return them, oldest first.

        A claim counts as an attempt and lasts for ``lease``: a process that dies while sending
        gives its rows back when the lease ends. Rows out of attempts become failed here.
        """
        rows = self.due(now).select_for_update(skip_locked=True).order_by("next_attempt_at", "pk")
        claimed: list[Any] = list(rows[:limit])
        worn_out = [row.pk for row in claimed if row.attempts >= max_attempts]
        self.filter(pk__in=worn_out).update(status="failed")
        fresh = [row for row in claimed if row.attempts < max_attempts]
        self.filter(pk__in=[row.pk for row in fresh]).update(
            attempts=F("attempts") + 1, next_attempt_at=now + lease
        )
        for row in fresh:
            row.attempts += 1
        return fresh


class OutgoingMailQuerySet(OutgoingQuerySet["OutgoingMail"]):
    """Mails."""


class OutgoingTextQuerySet(OutgoingQuerySet["OutgoingText"]):
    """Text messages."""

    def over_until(self, instant: datetime) -> "OutgoingTextQuerySet":
        """Texts written up to an instant that do not wait any more."""
        return self.filter(created_at__lte=instant).exclude(status="pending")


class InboundTextQuerySet(models.QuerySet["InboundText"]):
    """Texts that came in."""

    def until(self, instant: datetime) -> "InboundTextQuerySet":
        """Those received up to an instant."""
        return self.filter(received_at__lte=instant)


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

    def since(self, instant: datetime) -> "NoticeQuerySet":
        """Those left from an instant on."""
        return self.filter(created_at__gte=instant)
