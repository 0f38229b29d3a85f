"""What instructors are paid, and where to (Spec: S14.6, S14.11)."""

from django.db import models
from django.db.models import Q

from bookings.payments.managers import PayoutQuerySet
from bookings.payments.models.ledger import LedgerTransaction
from catalog.models import Instructor
from instainstru import clock


class Payee(models.Model):
    """An instructor as the gateway knows them: their bank details are there, not here (S14.11)."""

    instructor = models.OneToOneField(Instructor, on_delete=models.PROTECT, related_name="payee")
    gateway = models.CharField(max_length=20)
    reference = models.CharField(max_length=80)
    last4 = models.CharField(max_length=4, help_text="Of the bank account.")
    bank_reference = models.CharField(
        max_length=80, blank=True, help_text="Which bank account, where the gateway names it."
    )
    changed_at = models.DateTimeField(default=clock.now)
    delayed_until = models.DateTimeField(
        null=True, blank=True, help_text="Nothing is paid out before: the details are new."
    )
    held_at = models.DateTimeField(null=True, blank=True, help_text="Staff hold the payouts.")
    hold_reason = models.CharField(max_length=300, blank=True, help_text="Shown under Earnings.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "reference"], name="payee_reference_unique"),
            models.CheckConstraint(
                condition=Q(last4__regex=r"^[0-9]{4}$"), name="payee_last4_only"
            ),
            models.CheckConstraint(
                condition=Q(held_at__isnull=True, hold_reason="")
                | (Q(held_at__isnull=False) & ~Q(hold_reason="")),
                name="payee_hold_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"payee {self.pk}"


class PayeePage(models.Model):
    """The page of the gateway that an instructor opened to tell their bank details (S14.11).

    Whoever closes it without coming back may have changed them: a job looks for a day. One that
    was never finished is opened again for the same payee.
    """

    instructor = models.OneToOneField(
        Instructor, on_delete=models.PROTECT, related_name="payee_page"
    )
    gateway = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, help_text="The payee there.")
    opened_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"page {self.pk}"


class Payout(models.Model):
    """What one instructor is paid on one payday; its lines say for which events (S14.6).

    ``due -> sent -> paid``; a refused one is ``failed`` and tried again, ``stopped`` at last until
    the bank details change.
    """

    class Status(models.TextChoices):
        DUE = "due", "Due"
        SENT = "sent", "Sent"
        PAID = "paid", "Paid"
        FAILED = "failed", "Failed, tried again"
        STOPPED = "stopped", "Stopped"

    instructor = models.ForeignKey(Instructor, on_delete=models.PROTECT, related_name="payouts")
    payday = models.DateField(help_text="In New York.")
    amount_cents = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DUE)
    failures = models.PositiveSmallIntegerField(default=0)
    failure_reason = models.CharField(max_length=80, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)
    gateway = models.CharField(max_length=20, blank=True)
    payee_reference = models.CharField(
        max_length=80, blank=True, help_text="Whom it was sent to; stays until the answer is known."
    )
    gateway_reference = models.CharField(max_length=80, blank=True)
    bank_last4 = models.CharField(max_length=4, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    paid_at = models.DateTimeField(null=True, blank=True)

    objects = PayoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instructor", "payday"], name="payout_one_a_week"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["due", "sent", "paid", "failed", "stopped"]),
                name="payout_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="paid", paid_at__isnull=False, next_try_at__isnull=True)
                | Q(status="stopped", paid_at__isnull=True, next_try_at__isnull=True)
                | Q(
                    status__in=["due", "sent", "failed"],
                    paid_at__isnull=True,
                    next_try_at__isnull=False,
                ),
                name="payout_paid_or_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="payout_to_send",
                condition=Q(next_try_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"payout {self.pk}"

    @property
    def key(self) -> str:
        """The gateway's idempotency key: a refused try is over, one without an answer goes on."""
        return f"payout-{self.pk}-{self.failures}"


class PayoutLine(models.Model):
    """One money event that a payout settles; none is in two payouts (S14.6)."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="lines")
    event = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="payout_line"
    )
    lesson_cents = models.BigIntegerField(help_text="Negative for what was refunded.")
    tip_cents = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tip_cents__gte=0), name="payout_line_tip_positive")
        ]

    def __str__(self) -> str:
        return f"line {self.pk}"
