"""Credits: soonest expiry first, never negative, back with their old expiry."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from bookings.payments import selectors
from bookings.payments.models import Credit, CreditUse, LedgerTransaction
from bookings.payments.services import (
    available_credit_cents,
    grant_credit,
    release_credit,
    request_refund,
)
from bookings.payments.services.credits import months_later
from catalog.models import Policy
from instainstru import clock
from instainstru.errors import ConflictError
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


def test_expired_credit_is_not_available() -> None:
    """S14.7: unusable from the instant of expiry on."""
    user, now = UserFactory(), clock.now()
    make.give_credit(user, 1000, expires_at=now)
    make.give_credit(user, 700, key="b", expires_at=now + timedelta(microseconds=1))
    assert available_credit_cents(user.pk, now) == 700


def test_soonest_expiry_is_spent_first() -> None:
    """S14.7"""
    booking = make.lesson_to_pay()
    late = make.give_credit(booking.student, 2000, key="late", expires_at=make.days_ahead(90))
    soon = make.give_credit(booking.student, 1500, key="soon", expires_at=make.days_ahead(5))
    make.attempt_for(booking, credit_cents=2500)
    soon.refresh_from_db()
    late.refresh_from_db()
    assert (soon.remaining_cents, late.remaining_cents) == (0, 1000)


def test_more_than_available_is_a_conflict_that_writes_nothing() -> None:
    booking = make.lesson_to_pay()
    credit = make.give_credit(booking.student, 2000)
    with pytest.raises(ConflictError) as refused:
        make.attempt_for(booking, credit_cents=2001)
    credit.refresh_from_db()
    assert refused.value.error_code == "credit_changed"
    assert credit.remaining_cents == 2000
    assert not CreditUse.objects.exists()


def test_release_twice_gives_back_once() -> None:
    booking = make.lesson_to_pay()
    credit = make.give_credit(booking.student, 2000)
    attempt = make.attempt_for(booking, credit_cents=1200)
    release_credit(attempt.pk)
    release_credit(attempt.pk)
    credit.refresh_from_db()
    assert credit.remaining_cents == 2000


def test_spent_credit_is_not_released() -> None:
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 2000)
    attempt = make.pay(booking, credit_cents=2000)
    release_credit(attempt.pk)
    assert available_credit_cents(booking.student_id, clock.now()) == 0


def test_gift_is_given_once_per_key_for_twelve_months() -> None:
    """S14.7, C6"""
    user, now = UserFactory(), datetime(2027, 2, 28, 12, tzinfo=UTC)
    gift = {
        "user_id": user.pk,
        "amount_cents": 1000,
        "reason": Credit.Reason.APOLOGY,
        "key": "late:7",
        "policy": Policy.objects.current(),
        "now": now,
    }
    assert grant_credit(**gift) == grant_credit(**gift)
    assert Credit.objects.get().expires_at == datetime(2028, 2, 28, 12, tzinfo=UTC)
    assert LedgerTransaction.objects.count() == 1


def test_months_end_with_the_month() -> None:
    leap_day = datetime(2028, 2, 29, 9, tzinfo=UTC)
    assert months_later(leap_day, 12) == datetime(2029, 2, 28, 9, tzinfo=UTC)
    assert months_later(datetime(2027, 12, 31, tzinfo=UTC), 2) == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(("left_days", "back_days"), [(200, 200), (3, 30)])
def test_returned_credit_keeps_its_expiry_but_at_least_thirty_days(
    left_days: int, back_days: int
) -> None:
    """05 §4; new credit beside it is good for twelve months."""
    booking, now = make.lesson_to_pay(), clock.now()
    make.give_credit(booking.student, 2000, expires_at=now + timedelta(days=left_days))
    make.pay(booking, credit_cents=2000)
    request_refund(
        booking_id=booking.pk,
        key="cancel",
        amount_cents=0,
        credit_cents=9500,
        instructor_keeps_cents=0,
        fee_keeps_cents=0,
        policy=booking.policy,
        now=now,
    )
    back = Credit.objects.get(reason=Credit.Reason.RETURNED)
    fresh = Credit.objects.get(reason=Credit.Reason.CANCELLATION)
    assert (back.amount_cents, back.expires_at) == (2000, now + timedelta(days=back_days))
    assert (fresh.amount_cents, fresh.expires_at) == (7500, months_later(now, 12))
    assert selectors.ledger_imbalances() == []


@pytest.mark.parametrize("remaining_cents", [-1, 2001])
def test_database_refuses_impossible_remainders(remaining_cents: int) -> None:
    """S14.7: never negative."""
    credit = make.give_credit(UserFactory(), 2000)
    with pytest.raises(IntegrityError, match="credit_remaining"), transaction.atomic():
        Credit.objects.filter(pk=credit.pk).update(remaining_cents=remaining_cents)


def test_parallel_reservations_never_spend_a_cent_twice(committed_db: None) -> None:
    """S14.7"""
    first = make.lesson_to_pay()
    lessons = [first] + [
        make.lesson_to_pay(student=first.student, start_at=make.days_ahead(day))
        for day in range(2, 9)
    ]
    make.give_credit(first.student, 3000, key="a", expires_at=make.days_ahead(10))
    make.give_credit(first.student, 2500, key="b", expires_at=make.days_ahead(20))
    reserve = [lambda row=row: make.attempt_for(row, credit_cents=2000) for row in lessons]
    results = in_parallel(reserve)
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(results) - len(refused) == 2
    assert {type(error) for error in refused} == {ConflictError}
    assert available_credit_cents(first.student_id, clock.now()) == 1500
    assert selectors.ledger_imbalances() == []
