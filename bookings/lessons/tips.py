"""Tips after a lesson: card only, all of it for the instructor (Spec: S11.10)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from bookings.lessons import mails
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.models import Booking
from bookings.lessons.selectors import find_lesson
from bookings.lessons.states import Status
from bookings.lessons.transitions import current_status
from bookings.payments import services as payments
from bookings.payments.gateways.base import CardToken
from bookings.payments.models import PaymentAttempt
from instainstru import clock
from instainstru.errors import PaymentDeclinedError, ValidationFailedError

LEAST_CENTS, MOST_CENTS = 1_00, 200_00
# So long a bank's question may stay unanswered: nothing but the tip waits for it.
STEP_WAITS = timedelta(minutes=15)
TAUGHT = frozenset({Status.ENDED, Status.COMPLETED})


def tip_until(booking: Booking) -> datetime:
    """Return the last instant at which a lesson can be tipped, by the terms it was booked on."""
    return booking.end_at + timedelta(days=booking.policy.tip_window_days)


def may_tip(booking: Booking, now: datetime) -> bool:
    """Tell whether the lesson took place and its end is at most seven days ago."""
    return current_status(booking, now) in TAUGHT and now <= tip_until(booking)


def tip_of(booking: Booking) -> PaymentAttempt | None:
    """Return the tip of a lesson: paid, or with an end that is not known yet."""
    return tips_of([booking.pk]).get(booking.pk)


def tips_of(booking_ids: Collection[int]) -> dict[int, PaymentAttempt]:
    """Return the tips of some lessons by their ids; a declined one is none. One query."""
    tips = PaymentAttempt.objects.tips().filter(booking__in=booking_ids)
    return {tip.booking_id: tip for tip in tips.exclude(status="declined").order_by("number")}


def give_tip(
    *, by: User, code: str, amount_cents: int, card: CardToken, now: datetime | None = None
) -> PaymentAttempt:
    """Charge a tip for the person's own lesson, once; a second call returns the first tip.

    The returned attempt has succeeded, its bank asks for an extra step, or its end is not known yet
    and a job finds out. Raises ``LessonChangedError`` outside the time for tips,
    ``ValidationFailedError`` for less than $1 or more than $200, ``PaymentDeclinedError`` when the
    bank says no; nothing is charged then. Spec: S11.10, S14.2, S14.4, R14
    """
    if not LEAST_CENTS <= amount_cents <= MOST_CENTS:
        text = "A tip is $1 to $200."
        raise ValidationFailedError(text, fields={"amount": text})
    now = now or clock.now()
    attempt = _reserve(by, code, amount_cents, now)
    if attempt.status == PaymentAttempt.Status.SUCCEEDED:
        return attempt
    result = payments.charge_attempt(attempt, card, now=now)
    if result.is_declined:
        raise PaymentDeclinedError(result.message)
    return _settle(attempt.pk, now)


@transaction.atomic
def _reserve(by: User, code: str, amount_cents: int, now: datetime) -> PaymentAttempt:
    booking = find_lesson(by=by, code=code)
    Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
    known = tip_of(booking)
    if known is not None:
        return known
    if not may_tip(booking, now):
        raise LessonChangedError("This lesson can't be tipped any more")
    return payments.open_attempt(
        booking_id=booking.pk,
        hold_id=booking.hold_id,
        student_id=by.pk,
        amount_cents=amount_cents,
        credit_cents=0,
        now=now,
        purpose=PaymentAttempt.Purpose.TIP,
    )


@transaction.atomic
def _settle(attempt_id: int, now: datetime) -> PaymentAttempt:
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    if attempt.status == PaymentAttempt.Status.SUCCEEDED:
        if payments.record_tip(attempt_id=attempt.pk, now=now):
            mails.queue_tip(Booking.objects.with_people().get(pk=attempt.booking_id), attempt)
        attempt.refresh_from_db()
    return attempt


def answer_bank(*, by: User, code: str, is_approved: bool) -> PaymentAttempt | None:
    """Finish the extra step of the person's tip, or give the tip up; None when nothing waits.

    Only the offline gateway lets us approve: other banks ask on their own page. Raises
    ``PaymentDeclinedError`` when nothing was charged. Spec: S14.4
    """
    attempt, now = tip_of(find_lesson(by=by, code=code)), clock.now()
    if attempt is None or not attempt.is_open:
        return attempt
    if is_approved:
        result = payments.complete_extra_step(attempt.pk, is_approved=True, now=now)
    else:
        result = payments.abandon_attempt(attempt.pk, now=now)
    if result.is_declined:
        raise PaymentDeclinedError(result.message)
    return _settle(attempt.pk, now)


def look_at_tip(attempt: PaymentAttempt) -> PaymentAttempt:
    """Ask the gateway now how a tip stands, because somebody is waiting; return it as it is."""
    now = clock.now()
    payments.refresh_attempt(attempt.pk, now=now)
    return _settle(attempt.pk, now)


def finish_tip(attempt: PaymentAttempt) -> None:
    """Bring a tip to the end that its gateway knows; one that never got there is closed, and one
    whose bank was not answered for 15 minutes.

    Spec: S14.13
    """
    now = clock.now()
    result = payments.refresh_attempt(attempt.pk, now=now)
    is_over = now >= attempt.created_at + STEP_WAITS
    if result.status == PaymentAttempt.Status.PROCESSING or (
        result.status == PaymentAttempt.Status.NEEDS_ACTION and is_over
    ):
        payments.abandon_attempt(attempt.pk, now=now)
    _settle(attempt.pk, now)
