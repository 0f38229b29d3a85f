"""The gateway's books and ours are compared every night (Spec: S14.3)."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.lessons.models import Booking
from bookings.payments.models import (
    LedgerTransaction,
    OfflineIntent,
    PaymentAttempt,
    Reconciliation,
)
from bookings.payments.services import request_refund, settle_refunds
from bookings.payments.services.reconciliation import reconcile
from instainstru import clock
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


@pytest.fixture
def later() -> datetime:
    return clock.now() + timedelta(hours=1)


def paid() -> Booking:
    booking = make.lesson_to_pay()
    make.pay(booking)
    return booking


def rules(row: Reconciliation) -> list[str]:
    return [one["rule"] for one in row.problems]


def refund(booking: Booking) -> None:
    request_refund(
        booking_id=booking.pk, key="all", amount_cents=9500, credit_cents=0,
        instructor_keeps_cents=0, fee_keeps_cents=0, policy=booking.policy, now=clock.now(),
    )  # fmt: skip


def test_books_that_agree_say_so_and_a_second_run_replaces_the_first(later: datetime) -> None:
    booking = paid()
    refund(booking)
    row = reconcile(later)
    assert (row.checked, row.problems) == (1, [])
    settle_refunds(clock.now())
    assert rules(reconcile(later)) == []
    assert Reconciliation.objects.count() == 1


def test_each_difference_is_named_and_alerts(later: datetime) -> None:
    """A charge nobody knows, one not booked, another amount or refund, one that is missing."""
    unknown, unbooked, other, back, missing = (paid() for _ in range(5))

    def attempt(booking: Booking) -> PaymentAttempt:
        return PaymentAttempt.objects.get(booking=booking)

    def intent(booking: Booking) -> Any:
        return OfflineIntent.objects.filter(reference=attempt(booking).gateway_reference)

    gone = attempt(unknown).gateway_reference
    PaymentAttempt.objects.filter(booking=unknown).update(gateway_reference="pi_else")
    PaymentAttempt.objects.filter(booking=unbooked).update(recorded_at=None)
    intent(other).update(amount_cents=9400)
    intent(back).update(refunded_cents=100)
    intent(missing).update(status="cancelled")
    with patch("bookings.payments.services.reconciliation.log.error") as alert:
        row = reconcile(later)
    alert.assert_called_once()
    found = {one["reference"]: one["rule"] for one in row.problems}
    assert found == {
        gone: "unknown_charge",
        "pi_else": "missing_at_gateway",
        attempt(unbooked).gateway_reference: "charge_not_booked",
        attempt(other).gateway_reference: "other_amount",
        attempt(back).gateway_reference: "refund_differs",
        attempt(missing).gateway_reference: "missing_at_gateway",
    }
    assert row.problem_count == 6
    assert LedgerTransaction.objects.filter(kind="charge").count() == 5


def test_what_just_happened_may_stand_in_one_book(later: datetime) -> None:
    booking = paid()
    PaymentAttempt.objects.filter(booking=booking).update(recorded_at=None)
    assert reconcile(clock.now()).problem_count == 0
    assert reconcile(later).problem_count == 1


def test_many_payments_cost_no_more_queries_than_few(
    later: datetime, django_assert_num_queries: Any
) -> None:
    """08, benchmark target: the number of statements does not grow with the payments."""
    paid()
    reconcile(later)
    with CaptureQueriesContext(connection) as few:
        reconcile(later)
    for _ in range(12):
        paid()
    with django_assert_num_queries(len(few)):
        assert reconcile(later).checked == 13
