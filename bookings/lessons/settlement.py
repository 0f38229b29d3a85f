"""From an outcome of the policy table to orders of money (Spec: 05 section 4, S14.9)."""

from dataclasses import replace
from datetime import datetime

from django.db.models import Max

from bookings.lessons.models import Booking
from bookings.lessons.policies import BookingFacts, Kind, Outcome, RefundTo
from bookings.lessons.states import Status
from bookings.payments import services as payments
from bookings.payments.models import Credit, Refund
from bookings.payments.selectors import payment_summary
from instainstru.errors import ConflictError


def money_facts(
    booking: Booking,
    *,
    kind: Kind = Kind.CANCELLATION,
    refund_to: RefundTo = RefundTo.CARD,
    is_excused: bool = False,
) -> BookingFacts:
    """Return what the policy table needs to know of a confirmed or former lesson."""
    paid = payment_summary(booking.pk)
    return BookingFacts(
        start_at=booking.start_at,
        end_at=booking.end_at,
        confirmed_at=booking.confirmed_at or booking.created_at,
        price_cents=booking.price_cents,
        travel_fee_cents=booking.travel_fee_cents,
        promo_cents=paid.promo_cents if paid else 0,
        promo_expires_at=paid.promo_ends_at if paid else None,
        credit_cents=paid.credit_cents if paid else 0,
        fee_pct=booking.fee_pct,
        is_late_move=booking.is_late_move,
        is_excused=is_excused,
        kind=kind,
        refund_to=refund_to,
    )


def good_fit_facts(booking: Booking) -> BookingFacts:
    """Return the facts of a good-fit claim: whether it is the first lesson, and the last claim."""
    others = Booking.objects.filter(
        student_id=booking.student_id,
        instructor_id=booking.instructor_id,
        status__in=[Status.CONFIRMED, Status.ENDED, Status.COMPLETED, Status.REPORTED],
        start_at__lt=booking.start_at,
    )
    claims = Refund.objects.filter(
        key__startswith="good-fit:", attempt__student_id=booking.student_id
    )
    return replace(
        money_facts(booking, kind=Kind.GOOD_FIT_CLAIM),
        is_first_with_instructor=not others.exists(),
        last_good_fit_at=claims.aggregate(last_at=Max("created_at"))["last_at"],
    )


def good_fit_key(booking: Booking) -> str:
    """Return the key under which the good-fit promise gives the price of a lesson. Spec: C9"""
    return f"good-fit:{booking.pk}"


def had_good_fit(booking: Booking) -> bool:
    """Tell whether the student had the price of this lesson back by the promise. Spec: C9"""
    return Refund.objects.filter(key=good_fit_key(booking)).exists()


def settle(booking: Booking, due: Outcome, *, key: str, now: datetime) -> Outcome:
    """Order everything an outcome gives, once per key, in the caller's transaction; return that.

    Card refunds are paid out by a job, credits and the platform's gift arrive at once. Where the
    good-fit promise gave the price before, the student gets the gift and what is left of that
    credit as money, and the instructor's share pays the promise back. Raises ``ConflictError`` for
    more than was paid, and for a part of what the promise gave as a whole. Spec: C1-C9
    """
    gives_back = due.card_refund_cents + due.credit_returned_cents + due.credit_issued_cents
    if not gives_back or key == good_fit_key(booking) or not had_good_fit(booking):
        _order(booking, due, key=key, now=now)
        return due
    if due.instructor_cents or due.fee_cents:
        words = "The student has the whole price as credit. Give everything back, or nothing."
        raise ConflictError(words, code="refund_exceeds_paid")
    rest = replace(due, card_refund_cents=0, credit_returned_cents=0, credit_issued_cents=0)
    rest = replace(rest, is_promo_returned=False)
    _order(booking, rest, key=key, now=now)
    refund = payments.exchange_credit(
        booking_id=booking.pk, source_key=good_fit_key(booking), key=f"{key}:card", now=now
    )
    return replace(rest, card_refund_cents=refund.amount_cents if refund else 0)


def _order(booking: Booking, due: Outcome, *, key: str, now: datetime) -> None:
    given_cents = due.card_refund_cents + due.credit_returned_cents + due.credit_issued_cents
    reversed_cents = booking.total_cents - due.instructor_cents - due.fee_cents
    payments.request_refund(
        booking_id=booking.pk,
        key=key,
        amount_cents=due.card_refund_cents,
        credit_cents=due.credit_returned_cents + due.credit_issued_cents,
        instructor_keeps_cents=due.instructor_cents,
        fee_keeps_cents=due.fee_cents,
        platform_cents=given_cents - reversed_cents,
        policy=booking.policy,
        now=now,
    )
    if due.is_promo_returned:
        payments.return_promo(booking.pk)
    if due.extra_credit_cents and booking.student_id is not None:
        payments.grant_credit(
            user_id=booking.student_id,
            amount_cents=due.extra_credit_cents,
            reason=Credit.Reason.APOLOGY,
            key=key,
            policy=booking.policy,
            now=now,
            booking_id=booking.pk,
        )
