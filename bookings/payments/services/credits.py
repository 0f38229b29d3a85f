"""Spend, give back and grant credits (Spec: S14.7)."""

import calendar
from datetime import datetime, timedelta

from django.db import transaction

from bookings.payments.entries import gift_entries
from bookings.payments.models import Credit, CreditUse, LedgerTransaction, PaymentAttempt
from bookings.payments.services.ledger import post_event
from catalog.models import Policy
from instainstru.errors import ConflictError


def available_credit_cents(user_id: int, now: datetime) -> int:
    """Return what a student may spend now: not expired, not reserved elsewhere."""
    return Credit.objects.spendable(user_id, now).remaining_sum_cents()


def reserve_credit(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Reserve the credit part of an attempt, soonest expiry first, in the caller's transaction.

    The rows are locked, so parallel reservations never spend a cent twice. Raises
    ``ConflictError`` when less is left than the page showed. Spec: S14.7, S14.13.
    """
    missing_cents = attempt.credit_cents
    if not missing_cents:
        return
    for credit in Credit.objects.spendable(attempt.student_id, now).select_for_update(no_key=True):
        part_cents = min(missing_cents, credit.remaining_cents)
        credit.remaining_cents -= part_cents
        credit.save(update_fields=["remaining_cents"])
        CreditUse.objects.create(credit=credit, attempt=attempt, amount_cents=part_cents)
        missing_cents -= part_cents
        if not missing_cents:
            return
    raise ConflictError("Your credit changed. Check the new total.", code="credit_changed")


@transaction.atomic
def release_credit(attempt_id: int) -> None:
    """Give free what an attempt reserved and did not spend; a second call changes nothing."""
    for use in _uses(attempt_id, CreditUse.Status.RESERVED):
        credit = use.credit
        credit.remaining_cents += use.amount_cents
        credit.save(update_fields=["remaining_cents"])
        use.status = CreditUse.Status.RELEASED
        use.save(update_fields=["status"])


def return_as_credit(
    attempt: PaymentAttempt, amount_cents: int, *, key: str, policy: Policy, now: datetime
) -> None:
    """Give back ``amount_cents`` as credit, in the transaction of its refund.

    Credits that paid the lesson come back first, with their old expiry but at least the policy's
    days; what is beyond them is new credit. Spec: 05 §4.
    """
    earliest_at = now + timedelta(days=policy.credit_return_min_days)
    left_cents = amount_cents
    for use in _uses(attempt.pk, CreditUse.Status.SPENT):
        part_cents = min(left_cents, use.amount_cents - use.returned_cents)
        if part_cents:
            use.returned_cents += part_cents
            use.save(update_fields=["returned_cents"])
            expires_at = max(use.credit.expires_at, earliest_at)
            reason = Credit.Reason.RETURNED
            _create(attempt, part_cents, f"{key}:{use.pk}", reason, expires_at, now)
            left_cents -= part_cents
    if left_cents:
        expires_at = months_later(now, policy.credit_valid_months)
        _create(attempt, left_cents, f"{key}:new", Credit.Reason.CANCELLATION, expires_at, now)


@transaction.atomic
def grant_credit(
    *,
    user_id: int,
    amount_cents: int,
    reason: str,
    key: str,
    policy: Policy,
    now: datetime,
    booking_id: int | None = None,
) -> Credit:
    """Give credit that the platform pays, once per key, with its ledger event.

    ``reason`` is one of ``Credit.Reason``. Spec: 05 §4 C6 and C7, S14.5.
    """
    credit, is_new = Credit.objects.get_or_create(
        key=f"gift:{key}",
        defaults={
            "user_id": user_id,
            "amount_cents": amount_cents,
            "remaining_cents": amount_cents,
            "expires_at": months_later(now, policy.credit_valid_months),
            "reason": reason,
            "source_booking_id": booking_id,
            "created_at": now,
        },
    )
    if not is_new:
        return credit
    post_event(
        kind=LedgerTransaction.Kind.GIFT,
        key=f"gift:{key}",
        entries=gift_entries(amount_cents),
        booking_id=booking_id,
        student_id=user_id,
        occurred_at=now,
    )
    return credit


def months_later(instant: datetime, months: int) -> datetime:
    """Return the same day and time ``months`` later, or the last day of a shorter month."""
    years, month_index = divmod(instant.month - 1 + months, 12)
    year, month = instant.year + years, month_index + 1
    day = min(instant.day, calendar.monthrange(year, month)[1])
    return instant.replace(year=year, month=month, day=day)


def _uses(attempt_id: int, status: str) -> list[CreditUse]:
    """Lock the uses and their credits in the order in which reservations lock credits."""
    uses = CreditUse.objects.filter(attempt_id=attempt_id, status=status)
    ids = uses.values_list("credit_id", flat=True)
    locked = Credit.objects.filter(pk__in=ids).order_by("expires_at", "pk")
    credits_by_id = {row.pk: row for row in locked.select_for_update(no_key=True)}
    found = list(uses.select_for_update(no_key=True).order_by("pk"))
    for use in found:
        use.credit = credits_by_id[use.credit_id]
    return found


def _create(
    attempt: PaymentAttempt,
    amount_cents: int,
    key: str,
    reason: str,
    expires_at: datetime,
    now: datetime,
) -> None:
    Credit.objects.create(
        user_id=attempt.student_id,
        key=key,
        amount_cents=amount_cents,
        remaining_cents=amount_cents,
        expires_at=expires_at,
        reason=reason,
        source_booking_id=attempt.booking_id,
        created_at=now,
    )
