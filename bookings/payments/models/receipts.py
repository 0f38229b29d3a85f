"""Receipts with numbers that leave no gap (Spec: S11.6, S14.10)."""

from django.db import models
from django.db.models import Q

from bookings.payments.models.ledger import LedgerTransaction


class ReceiptCounter(models.Model):
    """The last number of a New York year; its row is the lock under which numbers are given."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Receipt(models.Model):
    """The number of one charge; given in the paying transaction, so a failed one leaves none.

    What was paid and given back stands in the ledger; a refund adds lines and rewrites nothing.
    """

    event = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="receipt"
    )
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    issued_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["year", "sequence"], name="receipt_number_unique"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="receipt_number_from_one"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """The number as printed: ``II-2026-000123``."""
        return f"II-{self.year}-{self.sequence:06d}"
