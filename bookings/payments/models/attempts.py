"""Tries to pay and money given back (Spec: S14.2, S14.9, S14.13)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Sum
from django.utils.functional import cached_property

from bookings.payments.managers import PaymentAttemptQuerySet, RefundQuerySet
from instainstru import clock

OPEN_STATUSES = ["processing", "needs_action", "unknown"]


class PaymentAttempt(models.Model):
    """One try to pay one booking, or a tip for it; its key makes it one charge at the gateway.

    ``succeeded`` and ``declined`` are final. While a credit is reserved for the attempt it stands
    in ``CreditUse``, and the promo in ``PromoUse``. Lessons that are paid together have one attempt
    each: the first asks the gateway for all, the others are ``part_of`` it and follow its state, so
    each lesson has its own ledger, receipt and refund. Spec: S11.10, S14.2, S14.13, R19
    """

    class Status(models.TextChoices):
        PROCESSING = "processing", "Processing"
        NEEDS_ACTION = "needs_action", "Needs an extra step"
        UNKNOWN = "unknown", "Answer outstanding"
        SUCCEEDED = "succeeded", "Succeeded"
        DECLINED = "declined", "Declined"

    class Purpose(models.TextChoices):
        LESSON = "lesson", "Lesson"
        TIP = "tip", "Tip"

    booking = models.ForeignKey(
        "lessons.Booking", on_delete=models.PROTECT, related_name="payment_attempts"
    )
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payment_attempts"
    )
    purpose = models.CharField(max_length=8, choices=Purpose.choices, default=Purpose.LESSON)
    part_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="parts",
        help_text="The attempt whose charge pays this one too.",
    )
    number = models.PositiveSmallIntegerField(help_text="Counts the tries of one hold from 1.")
    idempotency_key = models.CharField(max_length=40, help_text="Hold id and number.")
    amount_cents = models.BigIntegerField(help_text="The part that the card pays.")
    credit_cents = models.BigIntegerField(default=0, help_text="The part that credits pay.")
    promo_cents = models.BigIntegerField(default=0, help_text="The part that a promo takes off.")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PROCESSING)
    gateway = models.CharField(max_length=20)
    gateway_reference = models.CharField(max_length=80, blank=True)
    decline_reason = models.CharField(max_length=40, blank=True)
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    refunded_cents = models.BigIntegerField(default=0, help_text="Ordered back to the card.")
    credited_cents = models.BigIntegerField(default=0, help_text="Given back as credit.")
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When it became final.")
    recorded_at = models.DateTimeField(null=True, blank=True, help_text="Its charge is booked.")

    objects = PaymentAttemptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["idempotency_key"], name="payment_attempt_key_unique"),
            models.UniqueConstraint(
                fields=["booking", "purpose"],
                condition=Q(status__in=OPEN_STATUSES),
                name="payment_attempt_one_open",
            ),
            models.UniqueConstraint(
                fields=["booking", "purpose"],
                condition=Q(status="succeeded"),
                name="payment_attempt_one_succeeded",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[*OPEN_STATUSES, "succeeded", "declined"]),
                name="payment_attempt_status_known",
            ),
            models.CheckConstraint(
                condition=Q(purpose="lesson") | Q(purpose="tip", credit_cents=0, promo_cents=0),
                name="payment_attempt_tips_by_card",
            ),
            models.CheckConstraint(
                condition=Q(part_of__isnull=True) | (Q(purpose="lesson") & ~Q(part_of=F("id"))),
                name="payment_attempt_part_of_lessons",
            ),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=0)
                & Q(credit_cents__gte=0)
                & Q(promo_cents__gte=0)
                & Q(refunded_cents__gte=0)
                & Q(credited_cents__gte=0),
                name="payment_attempt_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_cents__lte=F("amount_cents"))
                & Q(
                    refunded_cents__lte=F("amount_cents") + F("credit_cents") - F("credited_cents")
                ),
                name="payment_attempt_refunds_within_paid",
            ),
            models.CheckConstraint(
                condition=Q(card_last4="") | Q(card_last4__regex=r"^[0-9]{4}$"),
                name="payment_attempt_last4_only",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="payment_attempt_unfinished",
                condition=Q(status__in=OPEN_STATUSES)
                | Q(status="succeeded", recorded_at__isnull=True),
            ),
            models.Index(
                fields=["student", "settled_at"],
                name="payment_attempt_declines",
                condition=Q(status="declined"),
            ),
        ]

    def __str__(self) -> str:
        return self.idempotency_key

    @property
    def is_open(self) -> bool:
        """Whether its end is still unknown."""
        return self.status in OPEN_STATUSES

    @cached_property
    def charge_cents(self) -> int:
        """What the gateway is asked for: the card part of this lesson and of its other parts.

        All parts are written with the first one, so it is added up once.
        """
        parts = self.parts.aggregate(total=Sum("amount_cents"))["total"] or 0
        return self.amount_cents + int(parts)

    @property
    def paid_cents(self) -> int:
        """Card and credit together: what the student paid, and can have back."""
        return self.amount_cents + self.credit_cents

    @property
    def total_cents(self) -> int:
        """The price: what the student paid and the promo took off."""
        return self.paid_cents + self.promo_cents


class Refund(models.Model):
    """Money that goes back to a student: to the card through the gateway, or as credit at once.

    ``requested -> sent -> settled``; ``failed`` alerts and is sent again, also when a bank sends
    back days later what had been settled (Spec: S14.9).
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        SENT = "sent", "Sent"
        SETTLED = "settled", "Settled"
        FAILED = "failed", "Failed"

    attempt = models.ForeignKey(PaymentAttempt, on_delete=models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=80)
    amount_cents = models.BigIntegerField(help_text="To the card.")
    credit_cents = models.BigIntegerField(default=0, help_text="As credit.")
    replaced_credit_cents = models.BigIntegerField(
        default=0, help_text="Credit of an earlier refund that this one took back (C3)."
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.REQUESTED)
    tries = models.PositiveSmallIntegerField(default=0)
    returns = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often it came back after it was settled."
    )
    next_try_at = models.DateTimeField(null=True, blank=True)
    gateway_reference = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="refund_key_unique"),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=0)
                & Q(credit_cents__gte=0)
                & (Q(amount_cents__gt=0) | Q(credit_cents__gt=0)),
                name="refund_gives_something",
            ),
            models.CheckConstraint(
                condition=Q(replaced_credit_cents__gte=0)
                & Q(replaced_credit_cents__lte=F("amount_cents")),
                name="refund_replaces_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["requested", "sent", "settled", "failed"]),
                name="refund_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="settled", settled_at__isnull=False, next_try_at__isnull=True)
                | (~Q(status="settled") & Q(settled_at__isnull=True, next_try_at__isnull=False)),
                name="refund_settled_or_due",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="refund_due", condition=~Q(status="settled")),
        ]

    def __str__(self) -> str:
        return self.key
