"""Choose, reserve, spend and give back promo codes (Spec: S14.7, S14.13, S17.5)."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import User
from bookings.payments.gateways import current_gateway
from bookings.payments.models import PaymentAttempt, PromoChoice, PromoCode, PromoUse
from bookings.payments.selectors import promo_refusal
from instainstru.errors import ConflictError, ValidationFailedError

FIELD = "promo_code"


def normal_code(text: str) -> str:
    """Return a code as it is stored: capital letters, no blanks."""
    # A database string holds no NUL; without it the text is another, unknown code.
    return "".join(text.replace("\0", " ").split()).upper()


@transaction.atomic
def choose_promo(*, by: User, booking_id: int, code: str, now: datetime) -> PromoCode:
    """Remember that a hold is to be paid with a code; another one takes its place.

    Raises ``ValidationFailedError`` on field ``promo_code`` when the code cannot be used, and
    ``ConflictError`` while a payment with other terms is running. The caller counts guesses.
    """
    promo = PromoCode.objects.filter(code=normal_code(code)).first()
    if promo is None:
        raise refused("We don't know this code.")
    check_promo(promo, by.pk, now)
    _require_no_payment(booking_id)
    PromoChoice.objects.update_or_create(booking_id=booking_id, defaults={"promo": promo})
    return promo


@transaction.atomic
def drop_promo(*, booking_id: int) -> None:
    """Forget the code of a hold; raises ``ConflictError`` while a payment is running."""
    _require_no_payment(booking_id)
    PromoChoice.objects.filter(booking_id=booking_id).delete()


def carry_promo(*, from_booking_id: int, to_booking_id: int) -> None:
    """Let a hold that takes another's place be paid with its code."""
    PromoChoice.objects.filter(booking_id=from_booking_id).update(booking_id=to_booking_id)


def _require_no_payment(booking_id: int) -> None:
    rows = (
        PaymentAttempt.objects.for_lessons()
        .filter(booking_id=booking_id)
        .exclude(status="declined")
    )
    if rows.exists():
        raise ConflictError("A payment for this lesson is running.", code="payment_in_progress")


def check_promo(promo: PromoCode, user_id: int, now: datetime) -> None:
    """Raise ``ValidationFailedError`` unless the person can use the code now. Spec: S14.7"""
    refusal = promo_refusal(promo, user_id, now)
    if refusal:
        raise refused(refusal)


def refused(sentence: str) -> ValidationFailedError:
    """Return the refusal of a code, at its field."""
    return ValidationFailedError(sentence, fields={FIELD: sentence})


def reserve_promo(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Reserve the promo part of an attempt in the caller's transaction.

    The code's row is locked, so that parallel payments never use it more often than it allows.
    Raises ``ValidationFailedError`` when it can no longer be used, ``ConflictError`` when it takes
    off another amount than the page said. Spec: S14.13 (a)
    """
    if not attempt.promo_cents:
        return
    choice = PromoChoice.objects.filter(booking_id=attempt.booking_id).first()
    if choice is None:
        raise ConflictError("Your code changed. Check the new total.", code="promo_changed")
    promo = PromoCode.objects.select_for_update(no_key=True).get(pk=choice.promo_id)
    check_promo(promo, attempt.student_id, now)
    if attempt.promo_cents != promo.discount_cents(attempt.total_cents) + _rest_cents(
        promo, attempt
    ):
        raise ConflictError("Your code changed. Check the new total.", code="promo_changed")
    taken = PromoUse.objects.of(promo, attempt.student_id)
    numbers = set(taken.values_list("ordinal", flat=True))
    PromoUse.objects.create(
        promo=promo,
        attempt=attempt,
        user_id=attempt.student_id,
        ordinal=next(n for n in range(1, len(numbers) + 2) if n not in numbers),
        allowed=promo.uses_per_user,
        amount_cents=attempt.promo_cents,
        created_at=now,
    )
    PromoCode.objects.filter(pk=promo.pk).update(uses=F("uses") + 1)


def _rest_cents(promo: PromoCode, attempt: PaymentAttempt) -> int:
    """Return what a code pays beyond itself: cents that no gateway would charge a card with."""
    cents = attempt.promo_cents - promo.discount_cents(attempt.total_cents)
    is_rest = 0 < cents < current_gateway().least_charge_cents and not attempt.amount_cents
    return cents if is_rest else 0


def spend_promo(attempt: PaymentAttempt) -> None:
    """Write down that a reserved promo paid its part, with the charge of the attempt."""
    if not attempt.promo_cents:
        return
    PromoUse.objects.filter(attempt=attempt, status=PromoUse.Status.RESERVED).update(
        status=PromoUse.Status.SPENT
    )


@transaction.atomic
def release_promo(attempt_id: int) -> None:
    """Give free what an attempt reserved and did not spend; a second call changes nothing."""
    _give_free(attempt_id, PromoUse.Status.RESERVED, PromoUse.Status.RELEASED)


@transaction.atomic
def return_promo(booking_id: int) -> None:
    """Let the student use the code of a cancelled lesson again; once. Spec: 05 section 4"""
    attempt = PaymentAttempt.objects.succeeded().filter(booking_id=booking_id).first()
    if attempt is not None:
        _give_free(attempt.pk, PromoUse.Status.SPENT, PromoUse.Status.RETURNED)


def _give_free(attempt_id: int, source: str, target: str) -> None:
    use = PromoUse.objects.filter(attempt_id=attempt_id, status=source).first()
    if use is None:
        return
    PromoCode.objects.select_for_update(no_key=True).get(pk=use.promo_id)
    if PromoUse.objects.filter(pk=use.pk, status=source).update(status=target):
        PromoCode.objects.filter(pk=use.promo_id).update(uses=F("uses") - 1)
