"""Reads on attempts, refunds and credits in the words of payment."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q, Sum

if TYPE_CHECKING:
    from bookings.payments.models import (  # noqa: F401
        Credit,
        GatewayRemoval,
        PaymentAttempt,
        Payout,
        PromoCode,
        PromoUse,
        Refund,
        WebhookEvent,
    )


class PaymentAttemptQuerySet(models.QuerySet["PaymentAttempt"]):
    """Reads on attempts."""

    def for_lessons(self) -> "PaymentAttemptQuerySet":
        """Attempts to pay lessons, not tips."""
        return self.filter(purpose="lesson")

    def open(self) -> "PaymentAttemptQuerySet":
        """Attempts to pay lessons whose end is not known yet."""
        return self.for_lessons().filter(status__in=["processing", "needs_action", "unknown"])

    def succeeded(self) -> "PaymentAttemptQuerySet":
        """Attempts that paid lessons, by card, by credit, by promo."""
        return self.for_lessons().filter(status="succeeded")

    def whole(self) -> "PaymentAttemptQuerySet":
        """Attempts that ask the gateway themselves; the parts of a series follow theirs."""
        return self.filter(part_of__isnull=True)

    def tips(self) -> "PaymentAttemptQuerySet":
        """Attempts to pay tips."""
        return self.filter(purpose="tip")

    def tries_since(self, student_id: int, since: datetime) -> "PaymentAttemptQuerySet":
        """Return one student's attempts that were declined after an instant, or may still be.

        Only the declined ones are settled. Spec: S14.4
        """
        declined = Q(status="declined", settled_at__gt=since) & ~Q(decline_reason="abandoned")
        running = Q(status__in=["processing", "needs_action", "unknown"], created_at__gt=since)
        return self.whole().filter(declined | running, student_id=student_id)

    def unfinished(self, now: datetime, *, older_than: timedelta) -> "PaymentAttemptQuerySet":
        """Attempts that nobody finished: open, or paid and not in the ledger (Spec: S14.13)."""
        paid_unwritten = Q(status="succeeded", recorded_at__isnull=True)
        return (
            self.whole()
            .filter(
                Q(status__in=["processing", "needs_action", "unknown"]) | paid_unwritten,
                created_at__lte=now - older_than,
            )
            .order_by("created_at")
        )


class RefundQuerySet(models.QuerySet["Refund"]):
    """Reads on refunds."""

    def due(self, now: datetime) -> "RefundQuerySet":
        """Refunds that have to be sent now, longest waiting first."""
        return self.exclude(status="settled").filter(next_try_at__lte=now).order_by("next_try_at")


class GatewayRemovalQuerySet(models.QuerySet["GatewayRemoval"]):
    """Reads on removals."""

    def due(self, now: datetime) -> "GatewayRemovalQuerySet":
        """Removals that are to be done now, longest waiting first."""
        return self.filter(done_at=None, next_try_at__lte=now).order_by("next_try_at", "pk")


class PayoutQuerySet(models.QuerySet["Payout"]):
    """Reads on payouts."""

    def to_send(self, now: datetime) -> "PayoutQuerySet":
        """Payouts that go out now, longest waiting first; those that staff hold wait.

        So do those that would go to new bank details. One that was sent is asked about.
        """
        rows = self.filter(next_try_at__lte=now, instructor__payee__held_at__isnull=True)
        is_delayed = Q(instructor__payee__delayed_until__gt=now)
        return rows.exclude(~Q(status="sent") & is_delayed).order_by("next_try_at", "pk")


class CreditQuerySet(models.QuerySet["Credit"]):
    """Reads on credits."""

    def spendable(self, user_id: int, now: datetime) -> "CreditQuerySet":
        """Return what is left and has not expired, soonest expiry first (Spec: S14.7)."""
        left = self.filter(user_id=user_id, remaining_cents__gt=0, expires_at__gt=now)
        return left.order_by("expires_at", "pk")

    def remaining_sum_cents(self) -> int:
        """Return what is left of these credits together, in cents."""
        total: int | None = self.aggregate(total=Sum("remaining_cents"))["total"]
        return total or 0


class PromoUseQuerySet(models.QuerySet["PromoUse"]):
    """Reads on uses of promo codes."""

    def of(self, promo: "PromoCode", user_id: int) -> "PromoUseQuerySet":
        """What one person has reserved or spent of a code now."""
        return self.filter(promo=promo, user_id=user_id, status__in=["reserved", "spent"])


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    """Reads on events of gateways."""

    def waiting(self, most_tries: int) -> "WebhookEventQuerySet":
        """Events that nobody has acted on yet, the oldest first."""
        rows = self.filter(processed_at__isnull=True, tries__lt=most_tries)
        return rows.order_by("received_at", "pk")
