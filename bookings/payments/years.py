"""What an instructor's years brought, from the ledger and the payouts (Spec: S14.12, S14.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce, ExtractMonth, ExtractYear

from bookings.payments.entries import Account
from bookings.payments.models import LedgerEntry, LedgerTransaction, Payout
from catalog.models import Instructor
from instainstru.clock import NEW_YORK

Kind = LedgerTransaction.Kind
MONTHS = 12
_PAYMENT = Q(transaction__kind__in=[Kind.CHARGE, Kind.TIP])
_FEE, _TIPS = Q(account=Account.PLATFORM_FEE), Q(account=Account.TIPS)
# What a payment is made of, from where the instructor stands.
_PARTS = (Account.INSTRUCTOR_PAYABLE, Account.TIPS, Account.PLATFORM_FEE)


@dataclass(frozen=True, kw_only=True)
class Year:
    """One New York year; money in cents, counted on the day on which it moved.

    ``gross_cents`` is all that was paid for the instructor's lessons and in tips, before anything
    was taken off; ``refund_cents`` what was given back of it, negative; ``fee_cents`` what the
    platform kept in the end. Gross, refunds and fees make up ``earned_cents``, tips included.
    ``gross_by_month`` is the gross of January to December.
    """

    year: int
    lessons: int
    payments: int
    gross_cents: int
    gross_by_month: tuple[int, ...]
    refund_cents: int
    fee_cents: int
    tip_cents: int
    earned_cents: int
    payouts: int
    paid_cents: int


def years_of(instructor: Instructor) -> list[Year]:
    """Return each year in which money moved for an instructor, the newest first.

    Nothing is added to a year that is over, so the yearly summary and the tax record of the same
    year always agree. Spec: S14.12
    """
    months: dict[int, dict[int, Mapping[str, int]]] = {}
    for row in _months(instructor):
        months.setdefault(row["year"], {})[row["month"]] = row
    paid = {row["year"]: row for row in _payouts(instructor)}
    years = sorted({*months, *paid}, reverse=True)
    return [_year(year, months.get(year, {}), paid.get(year, {})) for year in years]


def joined(gone: Year, told: Year) -> Year:
    """Return a year from what the ledger told before an erasure and what it tells since then.

    Payouts are not added up: they lead to their instructor for good.
    """
    return replace(
        told,
        lessons=gone.lessons + told.lessons,
        payments=gone.payments + told.payments,
        gross_cents=gone.gross_cents + told.gross_cents,
        gross_by_month=tuple(map(sum, zip(gone.gross_by_month, told.gross_by_month, strict=True))),
        refund_cents=gone.refund_cents + told.refund_cents,
        fee_cents=gone.fee_cents + told.fee_cents,
        tip_cents=gone.tip_cents + told.tip_cents,
        earned_cents=gone.earned_cents + told.earned_cents,
    )


def _months(instructor: Instructor) -> Any:
    entries: Any = LedgerEntry.objects.filter(
        transaction__instructor=instructor, account__in=_PARTS
    ).exclude(transaction__kind=Kind.PAYOUT)
    at = "transaction__occurred_at"
    charges = Q(transaction__kind=Kind.CHARGE)
    return (
        entries.annotate(
            year=ExtractYear(at, tzinfo=NEW_YORK), month=ExtractMonth(at, tzinfo=NEW_YORK)
        )
        .values("year", "month")
        .annotate(
            lessons=Count("transaction", filter=charges, distinct=True),
            payments=Count("transaction", filter=_PAYMENT, distinct=True),
            gross_cents=_cents(_PAYMENT),
            refund_cents=_cents(~_PAYMENT),
            fee_cents=_cents(_FEE),
            tip_cents=_cents(_TIPS),
            earned_cents=_cents(~_FEE),
        )
        .order_by()
    )


def _cents(which: Q) -> Coalesce:
    return Coalesce(Sum("amount_cents", filter=which), 0)


def _payouts(instructor: Instructor) -> Any:
    rows: Any = Payout.objects.filter(instructor=instructor, status=Payout.Status.PAID)
    return (
        rows.annotate(year=ExtractYear("paid_at", tzinfo=NEW_YORK))
        .values("year")
        .annotate(payouts=Count("pk"), paid_cents=Sum("amount_cents"))
        .order_by()
    )


def _year(year: int, months: Mapping[int, Mapping[str, int]], paid: Mapping[str, int]) -> Year:
    def total(name: str) -> int:
        return sum(month[name] for month in months.values())

    return Year(
        year=year,
        lessons=total("lessons"),
        payments=total("payments"),
        gross_cents=total("gross_cents"),
        gross_by_month=tuple(
            months[month]["gross_cents"] if month in months else 0 for month in range(1, MONTHS + 1)
        ),
        refund_cents=total("refund_cents"),
        fee_cents=total("fee_cents"),
        tip_cents=total("tip_cents"),
        earned_cents=total("earned_cents"),
        payouts=paid.get("payouts", 0),
        paid_cents=paid.get("paid_cents", 0),
    )
