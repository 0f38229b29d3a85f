"""Write money events into the ledger, once per key (Spec: S14.5)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from bookings.payments.entries import Entries, charge_entries, tip_entries
from bookings.payments.models import CreditUse, LedgerEntry, LedgerTransaction, PaymentAttempt
from bookings.payments.services.promos import spend_promo
from bookings.payments.services.receipts import issue_receipt
from instainstru.errors import ConflictError


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonTerms:
    """The frozen terms of a booking that decide its entries; money in cents (Spec: R17)."""

    booking_id: int
    student_id: int
    instructor_id: int
    price_cents: int
    travel_fee_cents: int
    fee_pct: int


def post_event(
    *,
    kind: str,
    key: str,
    entries: Entries,
    occurred_at: datetime,
    booking_id: int | None = None,
    student_id: int | None = None,
    instructor_id: int | None = None,
) -> LedgerTransaction:
    """Write one event in the caller's transaction; a known key returns the first one unchanged.

    People of the lesson who were erased stay so: their pseudonym goes on (Spec: S6.8, S6.11).
    """
    people = {"student_id": student_id, "instructor_id": instructor_id}
    event, is_new = LedgerTransaction.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "booking_id": booking_id,
            "occurred_at": occurred_at,
            **people,
            **_pseudonyms(booking_id),
        },
    )
    if is_new:
        LedgerEntry.objects.bulk_create(
            LedgerEntry(transaction=event, account=account, amount_cents=cents)
            for account, cents in entries.items()
        )
    return event


def _pseudonyms(booking_id: int | None) -> dict[str, str | None]:
    """Return the columns of those who were taken out of the earlier events of a lesson."""
    if booking_id is None:
        return {}
    found = LedgerTransaction.objects.filter(booking=booking_id).aggregate(
        student=Max("student_pseudonym"), instructor=Max("instructor_pseudonym")
    )
    columns: dict[str, str | None] = {}
    for side, pseudonym in found.items():
        if pseudonym:
            columns |= {f"{side}_id": None, f"{side}_pseudonym": pseudonym}
    return columns


@transaction.atomic
def record_charge(*, attempt_id: int, lesson: LessonTerms, now: datetime) -> LedgerTransaction:
    """Write a succeeded attempt into the ledger and spend its credits and promo, once.

    Call it in the transaction that confirms the booking (T4). Raises ``ConflictError`` when the
    attempt has not succeeded, was given back, or does not add up to the price. Spec: S14.5, S14.13.
    """
    attempt = PaymentAttempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    _require_payable(attempt, lesson)
    if attempt.recorded_at is not None:
        return _recorded(attempt)
    if attempt.credit_cents:
        CreditUse.objects.filter(attempt=attempt, status=CreditUse.Status.RESERVED).update(
            status=CreditUse.Status.SPENT
        )
    spend_promo(attempt)
    attempt.recorded_at = now
    attempt.save(update_fields=["recorded_at"])
    event = post_event(
        kind=LedgerTransaction.Kind.CHARGE,
        key=_charge_key(attempt),
        entries=charge_entries(
            price_cents=lesson.price_cents,
            travel_fee_cents=lesson.travel_fee_cents,
            fee_pct=lesson.fee_pct,
            credit_cents=attempt.credit_cents,
            promo_cents=attempt.promo_cents,
        ),
        occurred_at=now,
        booking_id=lesson.booking_id,
        student_id=lesson.student_id,
        instructor_id=lesson.instructor_id,
    )
    issue_receipt(event, now)
    return event


@transaction.atomic
def record_tip(*, attempt_id: int, now: datetime) -> bool:
    """Write a succeeded tip into the ledger; return whether this call did. Spec: S11.10, S14.5

    Raises ``ConflictError`` when the attempt has not succeeded.
    """
    rows = PaymentAttempt.objects.tips().select_for_update(no_key=True, of=("self",))
    attempt = rows.select_related("booking").get(pk=attempt_id)
    if attempt.status != PaymentAttempt.Status.SUCCEEDED:
        raise ConflictError("This tip is not paid.", code="not_paid")
    if attempt.recorded_at is not None:
        return False
    attempt.recorded_at = now
    attempt.save(update_fields=["recorded_at"])
    post_event(
        kind=LedgerTransaction.Kind.TIP,
        key=f"tip:{attempt.idempotency_key}",
        entries=tip_entries(attempt.amount_cents),
        occurred_at=now,
        booking_id=attempt.booking_id,
        student_id=attempt.student_id,
        instructor_id=attempt.booking.instructor_id,
    )
    return True


def charge_event(attempt: PaymentAttempt) -> LedgerTransaction | None:
    """Return the ledger event of an attempt that pays a lesson, else ``None``."""
    return LedgerTransaction.objects.filter(key=_charge_key(attempt)).first()


def _charge_key(attempt: PaymentAttempt) -> str:
    return f"charge:{attempt.idempotency_key}"


def _recorded(attempt: PaymentAttempt) -> LedgerTransaction:
    event = charge_event(attempt)
    if event is None:
        raise ConflictError("This payment was given back.", code="payment_returned")
    return event


def _require_payable(attempt: PaymentAttempt, lesson: LessonTerms) -> None:
    is_paid = attempt.status == PaymentAttempt.Status.SUCCEEDED
    if not is_paid or attempt.booking_id != lesson.booking_id:
        raise ConflictError("This lesson is not paid.", code="not_paid")
    if attempt.total_cents != lesson.price_cents + lesson.travel_fee_cents:
        raise ConflictError("The payment does not match the price.", code="amount_mismatch")
