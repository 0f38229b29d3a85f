"""Write the payments of seeded bookings in bulk, as checkout and cancellation would have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction

from bookings.payments.entries import (
    Entries,
    charge_entries,
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
    OfflineRefund,
    PaymentAttempt,
    Refund,
)
from bookings.payments.services.credits import months_later
from instainstru.database.bulk import insert_by_copy

BATCH_SIZE = 5000
CREDIT_MONTHS = 12
Kind = LedgerTransaction.Kind


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
    def key(self) -> str:
        """The key of its only attempt."""
        return f"{self.hold_id}-1"

    @property
    def refund_key(self) -> str:
        """The key of its refund, as cancellation writes it."""
        return f"cancel:{self.booking_id}"


def record_seeded_charges(charges: Iterable[SeededCharge]) -> int:
    """Write attempts, gateway books, refunds, credits and ledger; return how many are new.

    Bookings whose payment exists already are left alone, so a second run changes nothing.
    Spec: G14, S14.5.
    """
    written = 0
    remaining = iter(charges)
    while batch := list(islice(remaining, BATCH_SIZE)):
        written += _write_batch(batch)
    return written


@transaction.atomic
def _write_batch(batch: Sequence[SeededCharge]) -> int:
    keys = [charge.key for charge in batch]
    known = set(
        PaymentAttempt.objects.filter(idempotency_key__in=keys).values_list(
            "idempotency_key", flat=True
        )
    )
    fresh = [charge for charge in batch if charge.key not in known]
    cancelled = [charge for charge in fresh if charge.cancelled_at is not None]
    attempts = {row.booking_id: row for row in insert_by_copy(PaymentAttempt, map(_attempt, fresh))}
    intents = {row.key: row for row in insert_by_copy(OfflineIntent, map(_intent, fresh))}
    to_card = [charge for charge in cancelled if not charge.is_refunded_as_credit]
    to_credit = [charge for charge in cancelled if charge.is_refunded_as_credit]
    insert_by_copy(Refund, (_refund(charge, attempts[charge.booking_id]) for charge in cancelled))
    insert_by_copy(OfflineRefund, (_paid_out(charge, intents[charge.key]) for charge in to_card))
    insert_by_copy(Credit, map(_credit, to_credit))
    _write_ledger(fresh)
    return len(fresh)


def _attempt(charge: SeededCharge) -> PaymentAttempt:
    is_cancelled = charge.cancelled_at is not None
    returned_cents = charge.total_cents if is_cancelled else 0
    is_credit = charge.is_refunded_as_credit
    return PaymentAttempt(
        booking_id=charge.booking_id,
        student_id=charge.student_id,
        number=1,
        idempotency_key=charge.key,
        amount_cents=charge.total_cents,
        status=PaymentAttempt.Status.SUCCEEDED,
        gateway=OFFLINE,
        gateway_reference=f"pi_{charge.key}",
        card_brand="Visa",
        card_last4="4242",
        refunded_cents=0 if is_credit else returned_cents,
        credited_cents=returned_cents if is_credit else 0,
        created_at=charge.paid_at,
        settled_at=charge.paid_at,
        recorded_at=charge.paid_at,
    )


def _intent(charge: SeededCharge) -> OfflineIntent:
    went_back = charge.cancelled_at is not None and not charge.is_refunded_as_credit
    return OfflineIntent(
        key=charge.key,
        reference=f"pi_{charge.key}",
        amount_cents=charge.total_cents,
        refunded_cents=charge.total_cents if went_back else 0,
        status=OfflineIntent.Status.SUCCEEDED,
        card_token="tok_succeeds",  # noqa: S106 - the name of a behaviour
        card_brand="Visa",
        card_last4="4242",
        created_at=charge.paid_at,
    )


def _refund(charge: SeededCharge, attempt: PaymentAttempt) -> Refund:
    is_credit = charge.is_refunded_as_credit
    return Refund(
        attempt=attempt,
        key=charge.refund_key,
        amount_cents=0 if is_credit else charge.total_cents,
        credit_cents=charge.total_cents if is_credit else 0,
        status=Refund.Status.SETTLED,
        tries=0 if is_credit else 1,
        gateway_reference="" if is_credit else f"re_{charge.key}",
        created_at=charge.cancelled_at or charge.paid_at,
        settled_at=charge.cancelled_at,
    )


def _paid_out(charge: SeededCharge, intent: OfflineIntent) -> OfflineRefund:
    return OfflineRefund(
        key=charge.refund_key,
        reference=f"re_{charge.key}",
        intent=intent,
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
    rows = insert_by_copy(LedgerTransaction, [row for row, _ in events])
    insert_by_copy(
        LedgerEntry,
        (
            LedgerEntry(transaction_id=row.pk, account=account, amount_cents=cents)
            for row, (_, entries) in zip(rows, events, strict=True)
            for account, cents in entries.items()
        ),
    )


def _events(charge: SeededCharge) -> Iterator[tuple[LedgerTransaction, Entries]]:
    paid = charge_entries(
        price_cents=charge.price_cents,
        travel_fee_cents=charge.travel_fee_cents,
        fee_pct=charge.fee_pct,
    )
    yield _event(charge, Kind.CHARGE, f"charge:{charge.key}", charge.paid_at), paid
    if charge.cancelled_at is None:
        return
    key = f"refund:{charge.refund_key}"
    yield _event(charge, Kind.REFUND, key, charge.cancelled_at), _full_refund(charge)
    if not charge.is_refunded_as_credit:
        key = f"refund-settled:{charge.refund_key}"
        settled = refund_settled_entries(charge.total_cents)
        yield _event(charge, Kind.REFUND_SETTLED, key, charge.cancelled_at), settled


def _full_refund(charge: SeededCharge) -> Entries:
    fee_cents = percent_of(charge.price_cents, charge.fee_pct)
    return refund_entries(
        card_cents=0 if charge.is_refunded_as_credit else charge.total_cents,
        credit_cents=charge.total_cents if charge.is_refunded_as_credit else 0,
        instructor_reversal_cents=charge.total_cents - fee_cents,
        fee_reversal_cents=fee_cents,
    )


def _event(charge: SeededCharge, kind: str, key: str, occurred_at: datetime) -> LedgerTransaction:
    return LedgerTransaction(
        kind=kind,
        key=key,
        booking_id=charge.booking_id,
        student_id=charge.student_id,
        instructor_id=charge.instructor_id,
        occurred_at=occurred_at,
    )
