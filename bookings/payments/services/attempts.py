"""Try to pay: open, charge, find out, give up (Spec: S14.2, S14.4, S14.13)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import structlog
from django.db import connection, transaction
from django.db.models import Q

from bookings.payments.gateways import current_gateway, gateway_named
from bookings.payments.gateways.base import (
    CardToken,
    GatewayError,
    GatewayIntent,
    GatewayTimeoutError,
    IntentStatus,
    NotBegunError,
    PaymentGateway,
)
from bookings.payments.models import PaymentAttempt
from bookings.payments.services.credits import release_credit, reserve_credit
from bookings.payments.services.promos import release_promo, reserve_promo
from instainstru.errors import ConflictError, RateLimitedError

DECLINES_PER_HOUR = 5
DECLINE_WINDOW = timedelta(hours=1)
RUNNING_WAIT_SECONDS = 60
TRIES_LOCK, MOST_KEYS = 14_04, 2**31
Status = PaymentAttempt.Status
STATUS_OF_INTENT = {
    IntentStatus.REQUIRES_CARD: Status.PROCESSING,
    IntentStatus.REQUIRES_ACTION: Status.NEEDS_ACTION,
    IntentStatus.PENDING: Status.UNKNOWN,
    IntentStatus.SUCCEEDED: Status.SUCCEEDED,
    IntentStatus.DECLINED: Status.DECLINED,
    IntentStatus.CANCELLED: Status.DECLINED,
}
DECLINE_MESSAGES = {
    "insufficient_funds": "Your card does not have enough funds. Nothing was charged.",
    "charge_failed": "Your bank refused the charge. Nothing was charged.",
    "step_failed": "Your bank did not confirm the payment. Nothing was charged.",
    "abandoned": "The payment was not finished. Nothing was charged.",
}
DECLINED_MESSAGE = "Your card was declined. Nothing was charged."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeResult:
    """How an attempt stands; ``message`` says to the student why nothing was charged."""

    attempt_id: int
    status: PaymentAttempt.Status
    decline_reason: str = ""
    message: str = ""

    @property
    def is_paid(self) -> bool:
        """Whether the money is there."""
        return self.status == Status.SUCCEEDED

    @property
    def is_declined(self) -> bool:
        """Whether this attempt is over without a charge."""
        return self.status == Status.DECLINED


def open_attempt(
    *,
    booking_id: int,
    hold_id: str,
    student_id: int,
    amount_cents: int,
    credit_cents: int,
    now: datetime,
    promo_cents: int = 0,
    purpose: PaymentAttempt.Purpose = PaymentAttempt.Purpose.LESSON,
    part_of: PaymentAttempt | None = None,
) -> PaymentAttempt:
    """Write the attempt row and reserve its promo and credit, in the caller's transaction and lock.

    ``part_of`` is the attempt whose charge pays this one too, for lessons that are paid together.
    An attempt that is still open, or has succeeded, is returned instead with its own split of card
    and credit: double clicks, second tabs and retries share one key and so one charge. Raises
    ``RateLimitedError`` after 5 declines in an hour, ``ConflictError`` when the credit is gone or
    the total is another one, ``ValidationFailedError`` when the promo is no longer valid.
    Spec: S14.2, S14.4, S14.7, S14.13 (a).
    """
    attempts = PaymentAttempt.objects.filter(booking_id=booking_id, purpose=purpose)
    attempts = attempts.order_by("-number")
    latest = attempts.select_for_update(no_key=True).first()
    if latest is not None and latest.status != Status.DECLINED:
        if latest.total_cents != amount_cents + credit_cents + promo_cents:
            raise ConflictError("A payment for this lesson is running.", code="payment_in_progress")
        return latest
    if part_of is None:
        _take_a_try(student_id, now)
    number = latest.number + 1 if latest else 1
    attempt = PaymentAttempt.objects.create(
        booking_id=booking_id,
        student_id=student_id,
        purpose=purpose,
        part_of=part_of,
        number=number,
        idempotency_key=_key(hold_id, purpose, number),
        amount_cents=amount_cents,
        credit_cents=credit_cents,
        promo_cents=promo_cents,
        gateway=current_gateway().name,
        created_at=now,
    )
    reserve_promo(attempt, now=now)
    reserve_credit(attempt, now=now)
    return attempt


def _key(hold_id: str, purpose: str, number: int) -> str:
    is_lesson = purpose == PaymentAttempt.Purpose.LESSON
    return f"{hold_id}-{number}" if is_lesson else f"{hold_id}-{purpose}-{number}"


def require_declines_left(student_id: int, now: datetime) -> int:
    """Return how many attempts of the last hour were declined or may still be.

    Raises ``RateLimitedError`` when 5 were declined (Spec: S14.4).
    """
    tries = PaymentAttempt.objects.tries_since(student_id, now - DECLINE_WINDOW)
    times = sorted(row.settled_at for row in tries if row.settled_at is not None)
    if len(times) < DECLINES_PER_HOUR:
        return len(tries)
    frees_at = times[-DECLINES_PER_HOUR] + DECLINE_WINDOW
    wait = max(1, ceil((frees_at - now).total_seconds()))
    raise RateLimitedError(
        f"Too many declined payments. Wait {wait} seconds, then try again.",
        retry_after_seconds=wait,
    )


def _take_a_try(student_id: int, now: datetime) -> None:
    """Raise ``RateLimitedError`` unless one more attempt could be declined within the limit.

    One student's attempts are begun one after the other, whatever lessons they are for, and those
    that run may all be declined: they count until their end is known. Spec: S14.4
    """
    with connection.cursor() as cursor:
        # Two numbers are a space of their own, apart from the locks of bookings; taken after them.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [TRIES_LOCK, student_id % MOST_KEYS])
    if require_declines_left(student_id, now) >= DECLINES_PER_HOUR:
        raise RateLimitedError(
            "Too many of your payments are running. Wait a minute, then try again.",
            retry_after_seconds=RUNNING_WAIT_SECONDS,
        )


def charge_attempt(
    attempt: PaymentAttempt, card: CardToken | None, *, now: datetime
) -> ChargeResult:
    """Ask the gateway for the money; call it with no transaction open (Spec: S14.13 (b)).

    An attempt without a card part succeeds by itself. No answer from the gateway is ``unknown``,
    never a failure; a final attempt is returned as it is. Raises ``RuntimeError`` inside a
    transaction, ``ValueError`` when a card is needed and missing.
    """
    with transaction.atomic(durable=True):
        attempt.refresh_from_db()
    if not attempt.is_open:
        return _result_of(attempt)
    if not attempt.charge_cents:
        return _apply(attempt.pk, Status.SUCCEEDED, None, now)
    if card is None:
        raise ValueError("a card is needed")
    gateway = gateway_named(attempt.gateway)
    return _ask(attempt, now, lambda: _charge(gateway, attempt, card))


def refresh_attempt(attempt_id: int, *, now: datetime) -> ChargeResult:
    """Ask the gateway how an open attempt ended; no transaction may be open (Spec: S14.2, S14.13).

    An attempt that never reached the gateway stays ``processing``: charge it again or abandon it.
    """
    with transaction.atomic(durable=True):
        attempt = PaymentAttempt.objects.get(pk=attempt_id)
    if not attempt.is_open or not attempt.charge_cents:
        return _result_of(attempt)
    gateway = gateway_named(attempt.gateway)
    return _ask(attempt, now, lambda: _intent(gateway, attempt))


def abandon_attempt(attempt_id: int, *, now: datetime) -> ChargeResult:
    """Close an open attempt whose hold is over, so that it can never charge; frees its credit.

    Returns what became of it: ``succeeded`` when the money came after all, ``unknown`` while an
    answer is outstanding. No transaction may be open. Spec: S14.3, S14.13.
    """
    with transaction.atomic(durable=True):
        attempt = PaymentAttempt.objects.get(pk=attempt_id)
    if not attempt.is_open:
        return _result_of(attempt)
    if not attempt.charge_cents:
        return _apply(attempt.pk, Status.DECLINED, None, now)
    gateway = gateway_named(attempt.gateway)
    return _ask(attempt, now, lambda: _cancel(gateway, attempt))


def complete_extra_step(attempt_id: int, *, is_approved: bool, now: datetime) -> ChargeResult:
    """Answer the extra step of the offline gateway, as the bank's customer; then find out.

    Raises ``ConflictError`` when no step is waiting or another gateway owns it. Spec: S14.1.
    """
    from bookings.payments.gateways.test import OfflineGateway

    with transaction.atomic(durable=True):
        attempt = PaymentAttempt.objects.get(pk=attempt_id)
    if not attempt.is_open:
        return _result_of(attempt)
    gateway = gateway_named(attempt.gateway)
    if attempt.status != Status.NEEDS_ACTION or not isinstance(gateway, OfflineGateway):
        raise ConflictError("There is no step to complete.", code="no_extra_step")
    reference = attempt.gateway_reference
    return _ask(
        attempt,
        now,
        lambda: gateway.complete_extra_step(reference=reference, is_approved=is_approved),
    )


def reassign_attempt(attempt_id: int, *, booking_id: int) -> None:
    """Let a late success pay the new row of the same lesson, in the caller's transaction.

    Raises ``ConflictError`` when the attempt has not succeeded or its charge is already recorded.
    Spec: S14.3.
    """
    late = PaymentAttempt.objects.succeeded().filter(pk=attempt_id, recorded_at__isnull=True)
    if not late.update(booking_id=booking_id):
        raise ConflictError("This payment belongs to its lesson.", code="not_paid")


def _ask(attempt: PaymentAttempt, now: datetime, call: Callable[[], GatewayIntent]) -> ChargeResult:
    try:
        intent = call()
    except NotBegunError as error:
        # It would be refused again for ever, and keep its credit and promo reserved.
        log.error(  # noqa: TRY400 - the reason says it all
            "gateway_refused_payment", attempt=attempt.idempotency_key, reason=str(error)
        )
        attempt.refresh_from_db(fields=["gateway_reference"])
        has_begun_elsewhere = bool(attempt.gateway_reference)
        return _apply(
            attempt.pk, Status.UNKNOWN if has_begun_elsewhere else Status.DECLINED, None, now
        )
    except GatewayError as error:
        log.warning("gateway_unclear", attempt=attempt.idempotency_key, error=type(error).__name__)
        return _apply(attempt.pk, Status.UNKNOWN, None, now)
    return _apply(attempt.pk, STATUS_OF_INTENT[intent.status], intent, now)


def _intent(gateway: PaymentGateway, attempt: PaymentAttempt) -> GatewayIntent:
    """Find the intent by our key when its reference was never written down; keys end after a day
    at Stripe, and an intent that nobody wrote down was never confirmed.
    """
    if attempt.gateway_reference:
        return gateway.fetch(reference=attempt.gateway_reference)
    try:
        intent = gateway.create_intent(
            key=attempt.idempotency_key, amount_cents=attempt.charge_cents
        )
    except GatewayTimeoutError:
        raise
    except GatewayError as error:
        raise NotBegunError(str(error)) from error
    if attempt.gateway_reference != intent.reference:
        rows = PaymentAttempt.objects.filter(Q(pk=attempt.pk) | Q(part_of=attempt.pk))
        rows.update(gateway_reference=intent.reference)
    return intent


def _charge(gateway: PaymentGateway, attempt: PaymentAttempt, card: CardToken) -> GatewayIntent:
    intent = _intent(gateway, attempt)
    if intent.status not in {IntentStatus.REQUIRES_CARD, IntentStatus.REQUIRES_ACTION}:
        return intent
    try:
        return gateway.confirm(reference=intent.reference, card=card)
    except GatewayTimeoutError:
        raise
    except GatewayError as error:
        # The card is of no use there; once closed, this payment can never charge another one.
        log.warning("gateway_refused_card", attempt=attempt.idempotency_key, reason=str(error))
        return gateway.cancel(reference=intent.reference)


def _cancel(gateway: PaymentGateway, attempt: PaymentAttempt) -> GatewayIntent:
    return gateway.cancel(reference=_intent(gateway, attempt).reference)


@transaction.atomic(durable=True)
def _apply(
    attempt_id: int, status: str, intent: GatewayIntent | None, now: datetime
) -> ChargeResult:
    """Write down how the attempt stands; a final state stays, whatever comes later."""
    attempt = PaymentAttempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    if not attempt.is_open:
        if status == Status.SUCCEEDED and attempt.status == Status.DECLINED:
            log.error("charge_after_decline", attempt=attempt.idempotency_key)
        return _result_of(attempt)
    _write(attempt, status, intent, now)
    for part in attempt.parts.select_for_update(no_key=True).order_by("pk"):
        _write(part, status, intent, now)
    return _result_of(attempt)


def _write(
    attempt: PaymentAttempt, status: str, intent: GatewayIntent | None, now: datetime
) -> None:
    attempt.status = status
    if intent is not None:
        attempt.card_brand = intent.card_brand or attempt.card_brand
        attempt.card_last4 = intent.card_last4 or attempt.card_last4
    if status in {Status.SUCCEEDED, Status.DECLINED}:
        attempt.settled_at = now
    if status == Status.DECLINED:
        attempt.decline_reason = intent.decline_reason if intent else "abandoned"
        # The code before the credit, as they are reserved: so no two payments wait for each other.
        release_promo(attempt.pk)
        release_credit(attempt.pk)
    attempt.save()


def _result_of(attempt: PaymentAttempt) -> ChargeResult:
    is_declined = attempt.status == Status.DECLINED
    message = DECLINE_MESSAGES.get(attempt.decline_reason, DECLINED_MESSAGE) if is_declined else ""
    return ChargeResult(
        attempt_id=attempt.pk,
        status=Status(attempt.status),
        decline_reason=attempt.decline_reason,
        message=message,
    )
