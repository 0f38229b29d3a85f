"""What a gateway still has to forget of somebody whose account is gone (Spec: S6.2, S14.11)."""

from django.db import models
from django.db.models import Q

from bookings.payments.managers import GatewayRemovalQuerySet
from instainstru import clock


class GatewayRemoval(models.Model):
    """One thing to remove at a gateway; the row is written with the erasure, a job does the rest.

    A customer is known there by a payment of theirs: nobody wrote the customer down here.
    """

    class Kind(models.TextChoices):
        CUSTOMER = "customer", "The customer of a payment, with their cards"
        PAYEE = "payee", "The account of an instructor"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    gateway = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, help_text="Of the payment, or of the payee.")
    created_at = models.DateTimeField(default=clock.now)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = GatewayRemovalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "kind", "reference"], name="gateway_removal_once"
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, next_try_at__isnull=False)
                | Q(done_at__isnull=False, next_try_at__isnull=True),
                name="gateway_removal_done_or_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="gateway_removal_due",
                condition=Q(done_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"removal {self.pk}"
