"""What an instructor earned, lesson by lesson; every sum is the ledger's (Spec: S15.13, S14.5)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from bookings.payments.entries import Account
from bookings.payments.models import LedgerEntry, LedgerTransaction, Payee, Payout
from bookings.payments.services.payouts import (
    EARNING,
    payday_of,
    unpaid_events,
    unsettled_events,
)
from catalog.models import Instructor, Policy

Kind = LedgerTransaction.Kind
PAID, ON_ITS_WAY, HELD, PAYABLE, PENDING = "paid", "on_its_way", "held", "payable", "pending"
REFUNDED = "refunded"
STATE_WORDS = {
    REFUNDED: "Refunded",
    PAID: "Paid out",
    ON_ITS_WAY: "On its way",
    HELD: "Held: a report is open",
    PAYABLE: "Payable",
    PENDING: "Pending",
}


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Where an instructor's money stands, in cents; together it is what the ledger owes and paid.

    ``pending`` is not theirs for good yet, ``payable`` goes out on ``next_payday``, ``on_its_way``
    is in a payout that is not paid yet. A refund after its payout can make ``payable`` negative.
    """

    pending_cents: int
    payable_cents: int
    on_its_way_cents: int
    paid_cents: int
    next_payday: date


@dataclass(frozen=True, kw_only=True)
class EarningsLine:
    """What one lesson brought; the parts add up to ``net_cents``.

    ``fee_cents`` was kept at the charge, ``refund_cents`` is the instructor's part of what went
    back; both are negative.
    """

    code: str
    service_name: str
    student_name: str
    start_at: datetime
    zone: str
    price_cents: int
    travel_cents: int
    fee_cents: int
    tip_cents: int
    refund_cents: int
    net_cents: int
    state: str

    @property
    def state_text(self) -> str:
        """Where the money of this lesson stands, in words."""
        return STATE_WORDS[self.state]


def totals_of(instructor: Instructor, now: datetime) -> Totals:
    """Return where the instructor's money stands."""
    policy = Policy.objects.current()
    open_cents = _sum(unsettled_events().filter(instructor=instructor))
    payable_cents = _sum(unpaid_events(now, policy).filter(instructor=instructor))
    payouts = Payout.objects.filter(instructor=instructor).aggregate(
        paid=Coalesce(Sum("amount_cents", filter=Q(status=Payout.Status.PAID)), 0),
        waiting=Coalesce(Sum("amount_cents", filter=~Q(status=Payout.Status.PAID)), 0),
    )
    return Totals(
        pending_cents=open_cents - payable_cents,
        payable_cents=payable_cents,
        on_its_way_cents=payouts["waiting"],
        paid_cents=payouts["paid"],
        next_payday=payday_of(now, policy) + timedelta(days=7),
    )


def _sum(events: QuerySet[LedgerTransaction]) -> int:
    found: int | None = events.aggregate(cents=Sum("entries__amount_cents"))["cents"]
    return found or 0


def payee_of(instructor: Instructor) -> Payee | None:
    """Return where the instructor's money goes, or ``None`` while nobody said."""
    return Payee.objects.filter(instructor=instructor).first()


def lessons_that_paid(instructor: Instructor) -> "QuerySet[LedgerEntry, dict[str, Any]]":
    """Return one row of sums for each lesson with money, the newest lesson first."""
    tips, fee = Q(account=Account.TIPS), Q(account=Account.PLATFORM_FEE)
    lesson = Q(account=Account.INSTRUCTOR_PAYABLE)
    booking = "transaction__booking__"
    rows: Any = LedgerEntry.objects.filter(
        transaction__instructor=instructor,
        transaction__booking__isnull=False,
        account__in=[*EARNING, Account.PLATFORM_FEE],
    )
    return (
        rows.values(
            booking_id=F("transaction__booking"),
            code=F(f"{booking}code"),
            service_name=F(f"{booking}service_name"),
            first_name=F(f"{booking}student__first_name"),
            last_name=F(f"{booking}student__last_name"),
            start_at=F(f"{booking}start_at"),
            end_at=F(f"{booking}end_at"),
            zone=F(f"{booking}zone"),
            status=F(f"{booking}status"),
            price_cents=F(f"{booking}price_cents"),
            travel_cents=F(f"{booking}travel_fee_cents"),
        )
        .annotate(
            fee_cents=_cents(fee & Q(transaction__kind=Kind.CHARGE)),
            tip_cents=_cents(tips),
            refund_cents=_cents(lesson & Q(transaction__kind=Kind.REFUND)),
            net_cents=_cents(lesson | tips),
            open_cents=_cents((lesson | tips) & Q(transaction__payout_line__isnull=True)),
            paid_cents=_cents(
                (lesson | tips) & Q(transaction__payout_line__payout__status=Payout.Status.PAID)
            ),
        )
        .order_by("-start_at", "-booking_id")
    )


def _cents(which: Q) -> Coalesce:
    return Coalesce(Sum("amount_cents", filter=which), 0)


def earnings_lines(rows: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[EarningsLine]:
    """Yield the rows of ``lessons_that_paid`` in words."""
    before = now - timedelta(hours=Policy.objects.current().report_window_hours)
    for row in rows:
        yield EarningsLine(
            code=row["code"],
            service_name=row["service_name"],
            student_name=f"{row['first_name']} {row['last_name'][:1]}.".removesuffix(" ."),
            start_at=row["start_at"],
            zone=row["zone"],
            price_cents=row["price_cents"],
            travel_cents=row["travel_cents"],
            fee_cents=-row["fee_cents"],
            tip_cents=row["tip_cents"],
            refund_cents=row["refund_cents"],
            net_cents=row["net_cents"],
            state=_state(row, before),
        )


def _state(row: Mapping[str, Any], before: datetime) -> str:
    if row["open_cents"]:
        if row["status"] == "reported":
            return HELD
        return PAYABLE if row["end_at"] < before else PENDING
    if not row["net_cents"]:
        return REFUNDED
    return PAID if row["paid_cents"] == row["net_cents"] else ON_ITS_WAY
