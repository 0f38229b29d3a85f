"""Write the payments of seeded bookings in bulk, as checkout and cancellation would have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from django.db import transaction

from bookings.payments.entries import (
    Entries,
    charge_entries,
    payout_entries,
    percent_of,
    refund_entries,
    refund_settled_entries,
)
from bookings.payments.gateways import OFFLINE
from bookings.payments.models import (
    Credit,
    LedgerEntry,
    LedgerTransaction,
    OfflineIntent,
    OfflinePayee,
    OfflineRefund,
    Payee,
    PaymentAttempt,
    Payout,
    PayoutLine,
    Refund,
)
from bookings.payments.services.credits import months_later
from bookings.payments.services.ledger import record_tip
from bookings.payments.services.payouts import pays_at, unpaid_events
from bookings.payments.services.receipts import number_missing_receipts
from catalog.models import Policy
from instainstru.database.bulk import copy_rows, insert_by_copy, reserve_ids

BATCH_SIZE = 5000
CREDIT_MONTHS = 12
Kind = LedgerTransaction.Kind
_BANK = "6789"
_CARD = {"card_brand": "Visa", "card_last4": "4242"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededCharge:
    """A seeded booking that was paid by card at ``paid_at``; money in cents.

    With ``cancelled_at`` the whole payment went back: to the card, or as credit where
    ``is_refunded_as_credit``. A cancellation without refund (C4) has no ``cancelled_at`` here.
    """

    booking_id: int
    hold_id: str
    student_id: int
    instructor_id: int
    price_cents: int
    travel_fee_cents: int
    fee_pct: int
    paid_at: datetime
    cancelled_at: datetime | None = None
    is_refunded_as_credit: bool = False

    @property
    def total_cents(self) -> int:
        """Lesson and travel."""
        return self.price_cents + self.travel_fee_cents

    @property
    def is_returned(self) -> bool:
        """Whether the payment went back."""
        return self.cancelled_at is not None

    @property
    def to_card_cents(self) -> int:
        """What went back to the card."""
        return self.total_cents if self.is_returned and not self.is_refunded_as_credit else 0

    @property
    def to_credit_cents(self) -> int:
        """What went back as credit."""
        return self.total_cents if self.is_returned and self.is_refunded_as_credit else 0

    @property
    def key(self) -> str:
        """The key of its only attempt."""
        return f"{self.hold_id}-1"

    @property
    def refund_key(self) -> str:
        """The key of its refund, as cancellation writes it."""
        return f"cancel:{self.booking_id}"


_Event = tuple[SeededCharge, str, str, datetime, Entries]


def record_seeded_charges(charges: Iterable[SeededCharge]) -> int:
    """Write attempts, gateway books, refunds, credits and ledger; return how many are new.

    Bookings whose payment exists already are left alone, so a second run changes nothing.
    Spec: G14, S14.5.
    """
    written = 0
    remaining = iter(charges)
    while batch := list(islice(remaining, BATCH_SIZE)):
        written += _write_batch(batch)
    if written:
        number_missing_receipts()
    return written


@transaction.atomic
def _write_batch(batch: Sequence[SeededCharge]) -> int:
    ids = [charge.booking_id for charge in batch]
    around = PaymentAttempt.objects.filter(booking__gte=min(ids), booking__lte=max(ids))
    known = set(around.values_list("idempotency_key", flat=True))
    fresh = [charge for charge in batch if charge.key not in known]
    attempt_ids = reserve_ids(PaymentAttempt, len(fresh))
    intent_ids = reserve_ids(OfflineIntent, len(fresh))
    _write_attempts(fresh, attempt_ids)
    _write_intents(fresh, intent_ids)
    _write_returned(
        [row for row in zip(fresh, attempt_ids, intent_ids, strict=True) if row[0].is_returned]
    )
    _write_ledger(fresh)
    return len(fresh)


def _write_attempts(charges: Sequence[SeededCharge], ids: Sequence[int]) -> None:
    copy_rows(
        PaymentAttempt,
        (
            "id", "booking_id", "student_id", "idempotency_key", "amount_cents",
            "gateway_reference", "refunded_cents", "credited_cents",
            "created_at", "settled_at", "recorded_at",
        ),
        (
            (
                pk, row.booking_id, row.student_id, row.key, row.total_cents,
                f"pi_{row.key}", row.to_card_cents, row.to_credit_cents,
                row.paid_at, row.paid_at, row.paid_at,
            )
            for row, pk in zip(charges, ids, strict=True)
        ),
        number=1,
        status=PaymentAttempt.Status.SUCCEEDED,
        gateway=OFFLINE,
        **_CARD,
    )  # fmt: skip


def _write_intents(charges: Sequence[SeededCharge], ids: Sequence[int]) -> None:
    copy_rows(
        OfflineIntent,
        ("id", "key", "reference", "amount_cents", "refunded_cents", "created_at"),
        (
            (pk, row.key, f"pi_{row.key}", row.total_cents, row.to_card_cents, row.paid_at)
            for row, pk in zip(charges, ids, strict=True)
        ),
        status=OfflineIntent.Status.SUCCEEDED,
        card_token="tok_succeeds",  # noqa: S106 - the name of a behaviour
        **_CARD,
    )


def _write_returned(rows: Sequence[tuple[SeededCharge, int, int]]) -> None:
    """Write the refunds of payments with the ids of their attempts and intents."""
    insert_by_copy(Refund, (_refund(charge, attempt_id) for charge, attempt_id, _ in rows))
    insert_by_copy(
        OfflineRefund,
        (_paid_out(charge, intent_id) for charge, _, intent_id in rows if charge.to_card_cents),
    )
    insert_by_copy(Credit, (_credit(charge) for charge, _, _ in rows if charge.to_credit_cents))


def _refund(charge: SeededCharge, attempt_id: int) -> Refund:
    is_credit = charge.is_refunded_as_credit
    return Refund(
        attempt_id=attempt_id,
        key=charge.refund_key,
        amount_cents=charge.to_card_cents,
        credit_cents=charge.to_credit_cents,
        status=Refund.Status.SETTLED,
        tries=0 if is_credit else 1,
        gateway_reference="" if is_credit else f"re_{charge.key}",
        created_at=charge.cancelled_at or charge.paid_at,
        settled_at=charge.cancelled_at,
    )


def _paid_out(charge: SeededCharge, intent_id: int) -> OfflineRefund:
    return OfflineRefund(
        key=charge.refund_key,
        reference=f"re_{charge.key}",
        intent_id=intent_id,
        amount_cents=charge.total_cents,
        created_at=charge.cancelled_at or charge.paid_at,
    )


def _credit(charge: SeededCharge) -> Credit:
    given_at = charge.cancelled_at or charge.paid_at
    return Credit(
        user_id=charge.student_id,
        key=f"refund:{charge.refund_key}:new",
        amount_cents=charge.total_cents,
        remaining_cents=charge.total_cents,
        expires_at=months_later(given_at, CREDIT_MONTHS),
        reason=Credit.Reason.CANCELLATION,
        source_booking_id=charge.booking_id,
        created_at=given_at,
    )


def _write_ledger(charges: Sequence[SeededCharge]) -> None:
    events = [event for charge in charges for event in _events(charge)]
    ids = reserve_ids(LedgerTransaction, len(events))
    numbered = list(zip(ids, events, strict=True))
    copy_rows(
        LedgerTransaction,
        ("id", "kind", "key", "occurred_at", "booking_id", "student_id", "instructor_id"),
        (
            (pk, kind, key, at, charge.booking_id, charge.student_id, charge.instructor_id)
            for pk, (charge, kind, key, at, _) in numbered
        ),
    )
    copy_rows(
        LedgerEntry,
        ("transaction_id", "account", "amount_cents"),
        (
            (pk, account, cents)
            for pk, (*_, entries) in numbered
            for account, cents in entries.items()
        ),
    )


def _events(charge: SeededCharge) -> Iterator[_Event]:
    paid = charge_entries(
        price_cents=charge.price_cents,
        travel_fee_cents=charge.travel_fee_cents,
        fee_pct=charge.fee_pct,
    )
    yield charge, Kind.CHARGE, f"charge:{charge.key}", charge.paid_at, paid
    if charge.cancelled_at is None:
        return
    key = f"refund:{charge.refund_key}"
    yield charge, Kind.REFUND, key, charge.cancelled_at, _full_refund(charge)
    if charge.to_card_cents:
        key = f"refund-settled:{charge.refund_key}"
        settled = refund_settled_entries(charge.to_card_cents)
        yield charge, Kind.REFUND_SETTLED, key, charge.cancelled_at, settled


def _full_refund(charge: SeededCharge) -> Entries:
    fee_cents = percent_of(charge.price_cents, charge.fee_pct)
    return refund_entries(
        card_cents=charge.to_card_cents,
        credit_cents=charge.to_credit_cents,
        instructor_reversal_cents=charge.total_cents - fee_cents,
        fee_reversal_cents=fee_cents,
    )


def record_seeded_tip(
    *, booking_id: int, hold_id: str, student_id: int, amount_cents: int, at: datetime
) -> None:
    """Write a tip of a seeded lesson that its student's card paid, unless it has one."""
    key = f"{hold_id}-{PaymentAttempt.Purpose.TIP}-1"
    attempt, is_new = PaymentAttempt.objects.get_or_create(
        idempotency_key=key,
        defaults={
            "booking_id": booking_id,
            "student_id": student_id,
            "purpose": PaymentAttempt.Purpose.TIP,
            "number": 1,
            "amount_cents": amount_cents,
            "status": PaymentAttempt.Status.SUCCEEDED,
            "gateway": OFFLINE,
            "gateway_reference": f"pi_{key}",
            "created_at": at,
            "settled_at": at,
            **_CARD,
        },
    )
    if not is_new:
        return
    OfflineIntent.objects.create(
        key=key,
        reference=f"pi_{key}",
        amount_cents=amount_cents,
        status=OfflineIntent.Status.SUCCEEDED,
        card_token="tok_succeeds",  # noqa: S106 - the name of a behaviour
        created_at=at,
        **_CARD,
    )
    record_tip(attempt_id=attempt.pk, now=at)


def record_seeded_payees(instructor_ids: Sequence[int], *, at: datetime) -> None:
    """Give instructors who have none an account at the offline gateway that takes payouts."""
    known = set(
        Payee.objects.filter(instructor__in=instructor_ids).values_list("instructor", flat=True)
    )
    new = [pk for pk in instructor_ids if pk not in known]
    OfflinePayee.objects.bulk_create(
        OfflinePayee(
            key=f"payee-{pk}",
            reference=f"ba_seeded_{pk}",
            account_token="acct_succeeds",  # noqa: S106 - the name of a behaviour
            last4=_BANK,
            created_at=at,
        )
        for pk in new
    )
    Payee.objects.bulk_create(
        Payee(
            instructor_id=pk,
            gateway=OFFLINE,
            reference=f"ba_seeded_{pk}",
            last4=_BANK,
            changed_at=at,
        )
        for pk in new
    )


@transaction.atomic
def record_seeded_payouts(payday: date, policy: Policy) -> int:
    """Write the payouts of a past payday as sent and paid, without mails; return how many."""
    at = pays_at(payday)
    rows = unpaid_events(at, policy).values_list("instructor", "pk", "entries__amount_cents")
    owed: dict[int, dict[int, int]] = {}
    for instructor_id, event_id, cents in rows:
        owed.setdefault(instructor_id, {})[event_id] = cents
    due = {
        pk: events for pk, events in owed.items() if sum(events.values()) >= policy.payout_min_cents
    }
    payouts = Payout.objects.bulk_create(
        Payout(
            instructor_id=pk,
            payday=payday,
            amount_cents=sum(events.values()),
            status=Payout.Status.PAID,
            gateway=OFFLINE,
            payee_reference=f"ba_seeded_{pk}",
            gateway_reference=f"po_seeded_{pk}_{payday:%Y%m%d}",
            bank_last4=_BANK,
            created_at=at,
            paid_at=at,
        )
        for pk, events in due.items()
    )
    PayoutLine.objects.bulk_create(
        PayoutLine(payout=payout, event_id=event_id, lesson_cents=cents)
        for payout in payouts
        for event_id, cents in due[payout.instructor_id].items()
    )
    _write_payout_events(payouts, at)
    return len(payouts)


def _write_payout_events(payouts: Sequence[Payout], at: datetime) -> None:
    events = LedgerTransaction.objects.bulk_create(
        LedgerTransaction(
            kind=Kind.PAYOUT,
            key=f"payout:{payout.pk}",
            instructor_id=payout.instructor_id,
            occurred_at=at,
        )
        for payout in payouts
    )
    LedgerEntry.objects.bulk_create(
        LedgerEntry(transaction=event, account=account, amount_cents=cents)
        for event, payout in zip(events, payouts, strict=True)
        for account, cents in payout_entries(lesson_cents=payout.amount_cents, tip_cents=0).items()
    )
