"""The double-entry ledger; triggers keep it balanced and append-only (Spec: S14.5)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from bookings.payments.entries import Account
from catalog.models import Instructor

# No word of anybody fits in: neither a name nor an address nor a bare number.
PSEUDONYM = r"^former-[0-9A-HJKMNP-TV-Z]{6,32}$"


class LedgerTransaction(models.Model):
    """One money event; its entries sum to 0, and nothing here ever changes (Spec: S14.5).

    But for one thing, once: who is erased gives place to a pseudonym (Spec: S6.8).
    """

    class Kind(models.TextChoices):
        CHARGE = "charge", "Charge"
        ORPHAN_CHARGE = "orphan_charge", "Charge without a lesson"
        REFUND = "refund", "Refund ordered"
        REFUND_SETTLED = "refund_settled", "Refund settled"
        REFUND_FAILED = "refund_failed", "Refund came back"
        GIFT = "gift", "Credit from the platform"
        PAYOUT = "payout", "Payout"
        TIP = "tip", "Tip"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    key = models.CharField(max_length=100, help_text="One event is written once.")
    booking = models.ForeignKey(
        "lessons.Booking",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="ledger_transactions",
    )
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    instructor = models.ForeignKey(
        Instructor, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    student_pseudonym = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="In place of a student."
    )
    instructor_pseudonym = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="In place of an instructor."
    )
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="ledger_key_unique"),
            models.CheckConstraint(
                condition=Q(student_pseudonym="")
                | Q(student__isnull=True, student_pseudonym__regex=PSEUDONYM),
                name="ledger_student_or_pseudonym",
            ),
            models.CheckConstraint(
                condition=Q(instructor_pseudonym="")
                | Q(instructor__isnull=True, instructor_pseudonym__regex=PSEUDONYM),
                name="ledger_instructor_or_pseudonym",
            ),
        ]
        indexes = [
            models.Index(fields=["instructor", "occurred_at"], name="ledger_by_instructor"),
            models.Index(fields=["student", "occurred_at"], name="ledger_by_student"),
        ]

    def __str__(self) -> str:
        return self.key


class LedgerEntry(models.Model):
    """One line of a transaction, in cents with the signs of ``entries``."""

    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    account = models.CharField(
        max_length=20, choices=[(account.value, account.value) for account in Account]
    )
    amount_cents = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["transaction", "account"], name="ledger_entry_one_per_account"
            ),
            models.CheckConstraint(
                condition=Q(account__in=[account.value for account in Account]),
                name="ledger_entry_account_known",
            ),
            models.CheckConstraint(condition=~Q(amount_cents=0), name="ledger_entry_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_cents}"
