"""What pages read about payments."""

import pytest
from pytest_django import DjangoAssertNumQueries

from bookings.payments.selectors import payment_summaries, payment_summary
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


def test_unpaid_booking_has_no_summary() -> None:
    booking = make.lesson_to_pay()
    make.attempt_for(booking)
    assert payment_summary(booking.pk) is None


def test_summary_tells_card_and_credit_apart() -> None:
    """S11.6"""
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 2000)
    make.pay(booking, credit_cents=2000)
    summary = payment_summary(booking.pk)
    assert (summary.paid_cents, summary.credit_cents, summary.total_cents) == (7500, 2000, 9500)
    assert summary.refund_status == ""


@pytest.mark.parametrize("count", [1, 3])
def test_many_summaries_cost_two_queries(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lessons = [make.lesson_to_pay(start_at=make.days_ahead(day + 1)) for day in range(count)]
    for booking in lessons:
        make.pay(booking)
    with django_assert_num_queries(2):
        assert set(payment_summaries([row.pk for row in lessons])) == {row.pk for row in lessons}
