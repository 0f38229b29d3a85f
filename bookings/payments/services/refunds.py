"""Give money back: ordered in the caller's transaction, paid out by a job (Spec: S14.9)."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Sum

from bookings.payments.entries import (
    Account,
    credit_exchange_entries,
    orphan_charge_entries,
    refund_entries,
    refund_failed_entries,
    refund_settled_entries,
)
from bookings.payments.gateways import gateway_named
from bookings.payments.gateways.base import GatewayError, GatewayTimeoutError
from bookings.payments.models import Credit, LedgerEntry, LedgerTransaction, PaymentAttempt, Refund
from bookings.payments.services.credits import release_credit, return_as_credit
from bookings.payments.services.ledger import charge_event, post_event
from bookings.payments.services.promos import release_promo
from catalog.models import Policy
from instainstru.errors import ConflictError

BATCH_SIZE = 100
FIRST_RETRY = timedelta(minutes=2)
LONGEST_RETRY = timedelta(hours=6)
Kind = LedgerTransaction.Kind
Status = Refund.Status

log = structlog.get_logger(__name__)


@transaction.atomic
def request_refund(
    *,
    booking_id: int,
    key: str,
    amount_cents: int,
    credit_cents: int,
    instructor_keeps_cents: int,
    fee_keeps_cents: int,
    policy: Policy,
    now: datetime,
    platform_cents: int = 0,
) -> Refund | None:
    """Order what goes back to card and credit for a paid booking, once per key.

    ``instructor_keeps_cents`` and ``fee_keeps_cents`` are what instructor and platform have of the
    lesson afterwards; ``platform_cents`` is what the platform pays beside (C9). Credits arrive at
    once, the card part when the gateway has paid it out. Nothing to give back (C4) writes nothing
    and returns ``None``; so does a lesson that a promo paid alone, but its shares go back to the
    platform. Parallel refunds of one booking wait for each other. Raises
    ``ConflictError`` for more than was paid, for an unpaid booking and for a key used with other
    amounts, ``ValueError`` when the shares do not make up the refund. Spec: S14.5, S14.9, 05 §4.
    """
    if min(amount_cents, credit_cents) < 0:
        raise ValueError("a refund is not negative")
    if not amount_cents and not credit_cents and not platform_cents:
        return None
    attempt = _locked_payment(booking_id)
    known = Refund.objects.filter(key=key).first()
    if known is not None:
        return _same(known, attempt, amount_cents, credit_cents)
    gives_something = bool(amount_cents or credit_cents)
    if not gives_something and LedgerTransaction.objects.filter(key=f"refund:{key}").exists():
        return None
    held = _held_cents(booking_id)
    entries = refund_entries(
        card_cents=amount_cents,
        credit_cents=credit_cents,
        instructor_reversal_cents=held[Account.INSTRUCTOR_PAYABLE] - instructor_keeps_cents,
        fee_reversal_cents=held[Account.PLATFORM_FEE] - fee_keeps_cents,
        platform_cents=platform_cents,
    )
    _count(attempt, amount_cents, credit_cents)
    charge = LedgerTransaction.objects.get(booking_id=booking_id, kind=Kind.CHARGE)
    post_event(
        kind=Kind.REFUND,
        key=f"refund:{key}",
        entries=entries,
        occurred_at=now,
        booking_id=booking_id,
        student_id=charge.student_id,
        instructor_id=charge.instructor_id,
    )
    if credit_cents:
        return_as_credit(attempt, credit_cents, key=f"refund:{key}", policy=policy, now=now)
    return _create(attempt, key, amount_cents, credit_cents, now) if gives_something else None


@transaction.atomic
def exchange_credit(*, booking_id: int, source_key: str, key: str, now: datetime) -> Refund | None:
    """Turn the new credit that the refund ``source_key`` gave into money to the card, once.

    Only what the student has not spent meanwhile can be exchanged; nothing left returns ``None``.
    Spec: 05 section 4 C3
    """
    attempt = _locked_payment(booking_id)
    known = Refund.objects.filter(key=key).first()
    if known is not None:
        return known
    credit = (
        Credit.objects.select_for_update(no_key=True)
        .filter(key=f"refund:{source_key}:new", remaining_cents__gt=0)
        .first()
    )
    if credit is None:
        return None
    cents = credit.remaining_cents
    credit.remaining_cents = 0
    credit.save(update_fields=["remaining_cents"])
    _count(attempt, cents, -cents)
    charge = LedgerTransaction.objects.get(booking_id=booking_id, kind=Kind.CHARGE)
    post_event(
        kind=Kind.REFUND,
        key=f"refund:{key}",
        entries=credit_exchange_entries(cents),
        occurred_at=now,
        booking_id=booking_id,
        student_id=charge.student_id,
        instructor_id=charge.instructor_id,
    )
    refund = _create(attempt, key, cents, 0, now)
    refund.replaced_credit_cents = cents
    refund.save(update_fields=["replaced_credit_cents"])
    return refund


@transaction.atomic
def refund_orphan_charge(attempt_id: int, *, now: datetime) -> Refund | None:
    """Give back, once, a charge that came after its slot was taken; frees its credit.

    Raises ``ConflictError`` when the attempt did not succeed or pays a lesson. Spec: S14.3.
    """
    attempt = PaymentAttempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    key = f"orphan:{attempt.idempotency_key}"
    if attempt.status != PaymentAttempt.Status.SUCCEEDED:
        raise ConflictError("Nothing was charged.", code="not_paid")
    if attempt.recorded_at is not None:
        if charge_event(attempt) is not None:
            raise ConflictError("This payment pays a lesson.", code="payment_used")
        return Refund.objects.filter(key=key).first()
    # The code before the credit, as they are reserved: so no two payments wait for each other.
    release_promo(attempt.pk)
    release_credit(attempt.pk)
    attempt.recorded_at = now
    _count(attempt, attempt.amount_cents, attempt.credit_cents)
    if not attempt.amount_cents:
        return None
    post_event(
        kind=Kind.ORPHAN_CHARGE,
        key=key,
        entries=orphan_charge_entries(attempt.amount_cents),
        occurred_at=now,
        booking_id=attempt.booking_id,
        student_id=attempt.student_id,
    )
    return _create(attempt, key, attempt.amount_cents, 0, now)


def settle_refunds(now: datetime) -> int:
    """Send the card refunds that are due through their gateways; return how many were settled.

    A refund without an answer is sent again with the same key; a refused one alerts and is tried
    again later. Two runs at once share the work. No transaction may be open. Spec: S14.9.
    """
    settled = 0
    for _ in range(BATCH_SIZE):
        refund = _take_next(now)
        if refund is None:
            break
        settled += _send(refund, now)
    return settled


def reopen_returned_refunds(*, gateway: str, payment: str, now: datetime) -> int:
    """Owe again what a bank sent back after it was settled; return how many refunds that are.

    The gateway is asked how each settled refund of the payment stands, so that no event has to be
    the last one. Each alerts and is sent again. No transaction may be open; raises
    ``GatewayError`` without an answer. Spec: S14.8, S14.9
    """
    settled = Refund.objects.filter(
        attempt__gateway=gateway,
        attempt__gateway_reference=payment,
        status=Status.SETTLED,
        amount_cents__gt=0,
    )
    count = 0
    for pk, reference in list(settled.order_by("pk").values_list("pk", "gateway_reference")):
        if gateway_named(gateway).has_refund_failed(reference=reference):
            count += _reopen(pk, reference, now)
    return count


@transaction.atomic
def _reopen(refund_id: int, reference: str, now: datetime) -> bool:
    refund = (
        Refund.objects.select_for_update(of=("self",)).select_related("attempt").get(pk=refund_id)
    )
    if refund.status != Status.SETTLED or refund.gateway_reference != reference:
        return False
    refund.returns += 1
    post_event(
        kind=Kind.REFUND_FAILED,
        key=f"refund-failed:{refund.key}:{refund.returns}",
        entries=refund_failed_entries(refund.amount_cents),
        occurred_at=now,
        booking_id=refund.attempt.booking_id,
        student_id=refund.attempt.student_id,
    )
    refund.status, refund.settled_at = Status.FAILED, None
    refund.next_try_at = now + _wait(refund.tries)
    refund.save()
    log.error("refund_came_back", refund=refund.key, returns=refund.returns)
    return True


def _wait(tries: int) -> timedelta:
    return min(FIRST_RETRY * 2 ** min(tries, 10), LONGEST_RETRY)


def _locked_payment(booking_id: int) -> PaymentAttempt:
    paid = PaymentAttempt.objects.succeeded().filter(recorded_at__isnull=False)
    attempt = paid.select_for_update(no_key=True).filter(booking_id=booking_id).first()
    if attempt is None:
        raise ConflictError("This lesson is not paid.", code="not_paid")
    return attempt


def _same(known: Refund, attempt: PaymentAttempt, amount_cents: int, credit_cents: int) -> Refund:
    asked = (attempt.pk, amount_cents, credit_cents)
    if (known.attempt_id, known.amount_cents, known.credit_cents) != asked:
        raise ConflictError("This refund was ordered differently.", code="refund_differs")
    return known


def _held_cents(booking_id: int) -> dict[str, int]:
    """Return what instructor and platform have of a booking now."""
    held = {Account.INSTRUCTOR_PAYABLE: 0, Account.PLATFORM_FEE: 0}
    entries = LedgerEntry.objects.filter(transaction__booking_id=booking_id, account__in=held)
    sums = entries.values_list("account").annotate(Sum("amount_cents")).order_by()
    return {**held, **dict(sums)}


def _count(attempt: PaymentAttempt, amount_cents: int, credit_cents: int) -> None:
    """Add to what was given back; the database refuses more than was paid, too."""
    attempt.refunded_cents += amount_cents
    attempt.credited_cents += credit_cents
    too_much = attempt.refunded_cents + attempt.credited_cents > attempt.paid_cents
    if min(attempt.refunded_cents, attempt.credited_cents) < 0:
        raise ValueError("a refund is not negative")
    if too_much or attempt.refunded_cents > attempt.amount_cents:
        raise ConflictError("That is more than was paid.", code="refund_exceeds_paid")
    attempt.save(update_fields=["refunded_cents", "credited_cents", "recorded_at"])


def _create(
    attempt: PaymentAttempt, key: str, amount_cents: int, credit_cents: int, now: datetime
) -> Refund:
    is_settled = amount_cents == 0
    return Refund.objects.create(
        attempt=attempt,
        key=key,
        amount_cents=amount_cents,
        credit_cents=credit_cents,
        status=Status.SETTLED if is_settled else Status.REQUESTED,
        next_try_at=None if is_settled else now,
        settled_at=now if is_settled else None,
        created_at=now,
    )


@transaction.atomic(durable=True)
def _take_next(now: datetime) -> Refund | None:
    """Take one refund and push its next try away: a lease for as long as we may be busy."""
    due = Refund.objects.due(now).select_for_update(skip_locked=True, of=("self",))
    refund = due.select_related("attempt").first()
    if refund is None:
        return None
    refund.status = Status.SENT
    refund.next_try_at = now + _wait(refund.tries)
    refund.tries += 1
    refund.save(update_fields=["status", "next_try_at", "tries"])
    return refund


def _send(refund: Refund, now: datetime) -> bool:
    attempt = refund.attempt
    try:
        paid_out = gateway_named(attempt.gateway).refund(
            reference=attempt.gateway_reference, amount_cents=refund.amount_cents, key=refund.key
        )
    except GatewayTimeoutError:
        log.warning("refund_unclear", refund=refund.key, tries=refund.tries)
        return False
    except GatewayError as error:
        log.error(  # noqa: TRY400 - the reason says it all
            "refund_failed", refund=refund.key, tries=refund.tries, reason=str(error)
        )
        Refund.objects.filter(pk=refund.pk, status=Status.SENT).update(status=Status.FAILED)
        return False
    return _settle(refund.pk, paid_out.reference, now)


@transaction.atomic
def _settle(refund_id: int, reference: str, now: datetime) -> bool:
    refund = (
        Refund.objects.select_for_update(of=("self",)).select_related("attempt").get(pk=refund_id)
    )
    if refund.status == Status.SETTLED:
        return False
    post_event(
        kind=Kind.REFUND_SETTLED,
        key=f"refund-settled:{refund.key}" + (f":{refund.returns}" if refund.returns else ""),
        entries=refund_settled_entries(refund.amount_cents),
        occurred_at=now,
        booking_id=refund.attempt.booking_id,
        student_id=refund.attempt.student_id,
    )
    refund.status, refund.gateway_reference = Status.SETTLED, reference
    refund.settled_at, refund.next_try_at = now, None
    refund.save()
    return True
