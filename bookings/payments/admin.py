"""Money in the admin: read only, to the last cent (P23, P24; Spec: S17.12)."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.staff_admin import StaffAdmin, StaffQueue, Waiting, staff_site, waiting_of
from bookings.payments.models import Credit, LedgerTransaction, PaymentAttempt, Refund
from instainstru.templatetags.ui import money_exact

MONEY = ("refunds.issue", "payouts.manage")


class MoneyAdmin(StaffAdmin):
    """Rows that only the payment services write."""

    view_permissions = MONEY

    @admin.display(description="Card", ordering="amount_cents")
    def card(self, row: Any) -> str:
        """Cents of the card as dollars."""
        return money_exact(row.amount_cents)

    @admin.display(description="Credit", ordering="credit_cents")
    def credit(self, row: Any) -> str:
        """Cents of credit as dollars."""
        return money_exact(row.credit_cents)


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(MoneyAdmin):
    """Tries to pay."""

    list_display = (
        "idempotency_key",
        "booking",
        "status",
        "card",
        "credit",
        "decline_reason",
        "created_at",
    )
    list_filter = ("status", "gateway", "created_at")
    list_select_related = ("booking",)
    search_fields = (
        "=booking__code",
        "=booking__hold_id",
        "=gateway_reference",
        "=idempotency_key",
    )
    search_help_text = "Lesson code, hold, the gateway's reference, or the key."
    ordering = ("-created_at",)
    fields = (
        "booking", "number", "status", "card", "credit", "gateway", "gateway_reference",
        "decline_reason", "card_brand", "card_last4", "refunded_cents", "credited_cents",
        "created_at", "settled_at", "recorded_at",
    )  # fmt: skip
    readonly_fields = fields


@admin.register(Refund)
class RefundAdmin(MoneyAdmin):
    """Money on its way back."""

    list_display = ("key", "status", "card", "credit", "tries", "next_try_at", "created_at")
    list_filter = ("status", "created_at")
    search_fields = ("=key", "=gateway_reference", "=attempt__booking__code")
    search_help_text = "The key, the gateway's reference, or the lesson code."
    ordering = ("-created_at",)
    fields = (
        "key", "attempt", "status", "card", "credit", "tries", "next_try_at", "gateway_reference",
        "created_at", "settled_at",
    )  # fmt: skip
    readonly_fields = fields


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(MoneyAdmin):
    """Money events; their entries sum to zero (Spec: S14.5)."""

    list_display = ("key", "kind", "booking", "occurred_at", "entries")
    list_filter = ("kind", "occurred_at")
    list_select_related = ("booking",)
    search_fields = ("=key", "=booking__code")
    search_help_text = "The key, or the lesson code."
    ordering = ("-occurred_at", "-pk")
    date_hierarchy = "occurred_at"
    fields = ("key", "kind", "booking", "instructor", "occurred_at", "entries")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """Return events with their entries."""
        return super().get_queryset(request).prefetch_related("entries")

    @admin.display(description="Entries")
    def entries(self, row: LedgerTransaction) -> str:
        """Accounts and amounts."""
        lines = (f"{line.account} {money_exact(line.amount_cents)}" for line in row.entries.all())
        return ", ".join(lines)


@admin.register(Credit)
class CreditAdmin(MoneyAdmin):
    """What students may spend."""

    list_display = ("key", "reason", "given", "left", "expires_at", "created_at")
    list_filter = ("reason", "expires_at")
    search_fields = ("=key", "=source_booking__code", "=user__public_id")
    search_help_text = "The key, the lesson code, or the student's id."
    ordering = ("-created_at",)
    fields = ("key", "reason", "given", "left", "source_booking", "expires_at", "created_at")
    readonly_fields = fields

    @admin.display(description="Given", ordering="amount_cents")
    def given(self, row: Credit) -> str:
        """What it was."""
        return money_exact(row.amount_cents)

    @admin.display(description="Left", ordering="remaining_cents")
    def left(self, row: Credit) -> str:
        """What is left of it."""
        return money_exact(row.remaining_cents)


def _stuck() -> Waiting:
    return waiting_of(Refund.objects.filter(status=Refund.Status.FAILED))


def _unknown() -> Waiting:
    return waiting_of(PaymentAttempt.objects.filter(status=PaymentAttempt.Status.UNKNOWN))


staff_site().register_queue(
    StaffQueue(
        "Failed refunds",
        "refunds.issue",
        lambda: f"{reverse('admin:payments_refund_changelist')}?status__exact=failed",
        _stuck,
    )
)
staff_site().register_queue(
    StaffQueue(
        "Payments without an answer",
        "refunds.issue",
        lambda: f"{reverse('admin:payments_paymentattempt_changelist')}?status__exact=unknown",
        _unknown,
    )
)
