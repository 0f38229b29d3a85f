"""The books of the offline gateway: the other party's memory, not ours (Spec: S14.1).

Nothing of the product reads these rows; only ``gateways.test`` does, as a payment company reads
its own database. They hold a token, a brand and four digits, never a card number.
"""

from django.db import models
from django.db.models import F, Q

from instainstru import clock


class OfflineIntent(models.Model):
    """One intended payment; the same key is always the same intent."""

    class Status(models.TextChoices):
        REQUIRES_CARD = "requires_card", "Requires a card"
        REQUIRES_ACTION = "requires_action", "Requires an extra step"
        PENDING = "pending", "Result outstanding"
        SUCCEEDED = "succeeded", "Succeeded"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    key = models.CharField(max_length=80)
    reference = models.CharField(max_length=40)
    amount_cents = models.BigIntegerField()
    refunded_cents = models.BigIntegerField(default=0)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.REQUIRES_CARD)
    card_token = models.CharField(max_length=40, blank=True, help_text="The card's behaviour.")
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    decline_reason = models.CharField(max_length=40, blank=True)
    result_at = models.DateTimeField(null=True, blank=True, help_text="A late result exists then.")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="offline_intent_key_unique"),
            models.UniqueConstraint(fields=["reference"], name="offline_intent_reference_unique"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0)
                & Q(refunded_cents__gte=0)
                & Q(refunded_cents__lte=F("amount_cents")),
                name="offline_intent_amounts_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class OfflineRefund(models.Model):
    """One refund of an intent; the same key is always the same refund."""

    key = models.CharField(max_length=80)
    reference = models.CharField(max_length=40)
    intent = models.ForeignKey(OfflineIntent, on_delete=models.PROTECT, related_name="refunds")
    amount_cents = models.BigIntegerField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="offline_refund_key_unique"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0), name="offline_refund_amount_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class OfflinePayee(models.Model):
    """A bank account that money can go to: how it behaves, and its last digits."""

    key = models.CharField(max_length=80)
    reference = models.CharField(max_length=40)
    account_token = models.CharField(max_length=40)
    last4 = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="offline_payee_key_unique"),
            models.UniqueConstraint(fields=["reference"], name="offline_payee_reference_unique"),
        ]

    def __str__(self) -> str:
        return self.reference


class OfflinePayout(models.Model):
    """One payout to a payee; the same key is always the same payout."""

    key = models.CharField(max_length=80)
    reference = models.CharField(max_length=40)
    payee = models.ForeignKey(OfflinePayee, on_delete=models.PROTECT, related_name="payouts")
    amount_cents = models.BigIntegerField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="offline_payout_key_unique"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0), name="offline_payout_amount_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class OfflineEvent(models.Model):
    """Something that the offline gateway has to tell, until somebody took it."""

    event_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=clock.now)
    next_try_at = models.DateTimeField(default=clock.now)
    delivered_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id"], name="offline_event_id_unique")]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="offline_event_to_send",
                condition=Q(delivered_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.event_id
