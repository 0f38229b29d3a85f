"""Discounts that the platform pays (Spec: S14.7, 00 section 5)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from bookings.payments.entries import percent_of
from bookings.payments.managers import PromoUseQuerySet
from bookings.payments.models.attempts import PaymentAttempt
from instainstru import clock


class PromoCode(models.Model):
    """A code that takes an amount or a share off the price of a lesson.

    With an ``owner`` it is theirs alone. ``uses`` counts what is reserved or spent now.
    """

    code = models.CharField(max_length=24, help_text="Capital letters, digits and hyphens.")
    amount_cents = models.BigIntegerField(null=True, blank=True)
    percent = models.PositiveSmallIntegerField(null=True, blank=True)
    cap_cents = models.BigIntegerField(
        null=True, blank=True, help_text="The most that a share takes off."
    )
    starts_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(
        null=True, blank=True, help_text="Not valid any more from this instant on."
    )
    uses = models.PositiveIntegerField(default=0, editable=False)
    uses_total = models.PositiveIntegerField(
        null=True, blank=True, help_text="By everybody together; empty means any number."
    )
    uses_per_user = models.PositiveSmallIntegerField(default=1)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="promo_codes",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code"], name="promo_code_unique"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[A-Z0-9][A-Z0-9-]{2,23}$"), name="promo_code_form"
            ),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0, percent__isnull=True, cap_cents__isnull=True)
                | (
                    Q(amount_cents__isnull=True, percent__gte=1, percent__lte=100)
                    & (Q(cap_cents__isnull=True) | Q(cap_cents__gt=0))
                ),
                name="promo_code_amount_or_share",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="promo_code_period_ordered",
            ),
            models.CheckConstraint(
                condition=Q(uses_per_user__gte=1)
                & (Q(uses_total__isnull=True) | Q(uses__lte=F("uses_total"))),
                name="promo_code_uses_within_total",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def discount_cents(self, total_cents: int) -> int:
        """Return what it takes off a total, in cents; never more than the total."""
        if self.amount_cents is not None:
            return min(self.amount_cents, total_cents)
        off = percent_of(total_cents, self.percent or 0)
        return min(off, total_cents, off if self.cap_cents is None else self.cap_cents)


class PromoChoice(models.Model):
    """The code with which somebody wants to pay for a hold."""

    booking = models.OneToOneField(
        "lessons.Booking", on_delete=models.CASCADE, related_name="promo_choice"
    )
    promo = models.ForeignKey(PromoCode, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"choice {self.pk}"


class PromoUse(models.Model):
    """The part of an attempt that a promo pays.

    ``ordinal`` counts the uses of one person, up to ``allowed``, their number when it was reserved.

    ``reserved -> spent -> returned``, or ``released`` when nothing was charged.
    """

    class Status(models.TextChoices):
        RESERVED = "reserved", "Reserved"
        SPENT = "spent", "Spent"
        RELEASED = "released", "Released"
        RETURNED = "returned", "Returned"

    promo = models.ForeignKey(PromoCode, on_delete=models.PROTECT, related_name="used")
    attempt = models.OneToOneField(
        PaymentAttempt, on_delete=models.PROTECT, related_name="promo_use"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="promo_uses"
    )
    ordinal = models.PositiveSmallIntegerField()
    allowed = models.PositiveSmallIntegerField()
    amount_cents = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RESERVED)
    created_at = models.DateTimeField(default=clock.now)

    objects = PromoUseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["promo", "user", "ordinal"],
                condition=Q(status__in=["reserved", "spent"]),
                name="promo_use_once_each",
            ),
            models.CheckConstraint(
                condition=Q(ordinal__gte=1, ordinal__lte=F("allowed")),
                name="promo_use_within_allowed",
            ),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="promo_use_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["reserved", "spent", "released", "returned"]),
                name="promo_use_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"use {self.pk}"
