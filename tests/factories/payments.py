"""Paid lessons, cards and credits, made through the services that make them in the product."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.payments.gateways.base import CardToken
from bookings.payments.models import Credit, PaymentAttempt
from bookings.payments.services import (
    LessonTerms,
    charge_attempt,
    grant_credit,
    open_attempt,
    read_card,
    record_charge,
)
from catalog.models import Policy
from instainstru import clock
from tests.factories.lessons import BookingFactory

SUCCEEDS = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
INSUFFICIENT_FUNDS = "4000 0000 0000 9995"
EXTRA_STEP = "4000 0025 0000 3155"
FAILS_ON_CHARGE = "4000 0000 0000 0341"
LATE_RESULT = "4000 0000 0000 9987"


def lesson_to_pay(
    *, price_cents: int = 9000, travel_fee_cents: int = 500, **fields: Any
) -> Booking:
    """Return a booking whose money is the example of S14.5: $90, travel $5, fee 15 %."""
    return BookingFactory(price_cents=price_cents, travel_fee_cents=travel_fee_cents, **fields)


def attempt_for(booking: Booking, *, credit_cents: int = 0) -> PaymentAttempt:
    """Open an attempt for the whole price, as checkout does under its lock."""
    with transaction.atomic():
        return open_attempt(
            booking_id=booking.pk,
            hold_id=booking.hold_id,
            student_id=booking.student_id,
            amount_cents=booking.total_cents - credit_cents,
            credit_cents=credit_cents,
            now=clock.now(),
        )


def terms_of(booking: Booking) -> LessonTerms:
    """Return the terms that a charge is recorded with."""
    return LessonTerms(
        booking_id=booking.pk,
        student_id=booking.student_id,
        instructor_id=booking.instructor_id,
        price_cents=booking.price_cents,
        travel_fee_cents=booking.travel_fee_cents,
        fee_pct=booking.fee_pct,
    )


def card(number: str = SUCCEEDS) -> CardToken:
    """Return the token of a test number."""
    return read_card(number)


def pay(booking: Booking, *, credit_cents: int = 0) -> PaymentAttempt:
    """Charge and record the whole price; returns the attempt as it stands then."""
    attempt = attempt_for(booking, credit_cents=credit_cents)
    charge_attempt(attempt, card(), now=clock.now())
    record_charge(attempt_id=attempt.pk, lesson=terms_of(booking), now=clock.now())
    attempt.refresh_from_db()
    return attempt


def give_credit(
    user: User, cents: int, *, key: str = "welcome", expires_at: datetime | None = None
) -> Credit:
    """Grant a credit that the platform pays, optionally with another expiry."""
    credit = grant_credit(
        user_id=user.pk,
        amount_cents=cents,
        reason=Credit.Reason.APOLOGY,
        key=key,
        policy=Policy.objects.current(),
        now=clock.now(),
    )
    if expires_at is not None:
        credit.expires_at = expires_at
        credit.save(update_fields=["expires_at"])
    return credit


def days_ahead(days: int) -> datetime:
    """Return the instant so many days from now."""
    return clock.now() + timedelta(days=days)
