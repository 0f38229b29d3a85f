"""Credits and what they pay (Spec: S14.7)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from bookings.payments.managers import CreditQuerySet
from bookings.payments.models.attempts import PaymentAttempt
from instainstru import clock


class Credit(models.Model):
    """Money that a student may spend on lessons until it expires (Spec: S14.7)."""

    class Reason(models.TextChoices):
        CANCELLATION = "cancellation", "Cancelled lesson"
        RETURNED = "returned", "Credit returned"
        APOLOGY = "apology", "Apology"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="credits"
    )
    key = models.CharField(max_length=100)
    amount_cents = models.BigIntegerField()
    remaining_cents = models.BigIntegerField()
    expires_at = models.DateTimeField(help_text="Unusable from this instant on.")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    source_booking = models.ForeignKey(
        "lessons.Booking", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)

    objects = CreditQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="credit_key_unique"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0)
                & Q(remaining_cents__gte=0)
                & Q(remaining_cents__lte=F("amount_cents")),
                name="credit_remaining_in_range",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "expires_at"],
                name="credit_to_spend",
                condition=Q(remaining_cents__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class CreditUse(models.Model):
    """A part of a credit that an attempt reserved, then spent or gave free again."""

    class Status(models.TextChoices):
        RESERVED = "reserved", "Reserved"
        SPENT = "spent", "Spent"
        RELEASED = "released", "Released"

    credit = models.ForeignKey(Credit, on_delete=models.PROTECT, related_name="uses")
    attempt = models.ForeignKey(
        PaymentAttempt, on_delete=models.PROTECT, related_name="credit_uses", db_index=False
    )
    amount_cents = models.BigIntegerField()
    returned_cents = models.BigIntegerField(default=0, help_text="Came back by a refund.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RESERVED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "credit"], name="credit_use_unique"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0)
                & Q(returned_cents__gte=0)
                & Q(returned_cents__lte=F("amount_cents")),
                name="credit_use_amounts_in_range",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["reserved", "spent", "released"]),
                name="credit_use_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"use {self.pk}"
