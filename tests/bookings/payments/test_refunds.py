"""Giving money back: once, never more than was paid, and it arrives."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bookings.lessons.models import Booking
from bookings.payments import selectors
from bookings.payments.gateways.base import GatewayError, GatewayTimeoutError
from bookings.payments.gateways.test import OfflineGateway
from bookings.payments.models import (
    Credit,
    LedgerEntry,
    LedgerTransaction,
    OfflineIntent,
    OfflineRefund,
    PaymentAttempt,
    Refund,
)
from bookings.payments.services import available_credit_cents, request_refund, settle_refunds
from bookings.payments.tasks import settle_refunds as settle_refunds_task
from instainstru import clock
from instainstru.errors import ConflictError
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


def refund(booking: Booking, **changes: Any) -> Refund | None:
    wanted: dict[str, Any] = {
        "key": "cancel",
        "amount_cents": 9500,
        "credit_cents": 0,
        "instructor_keeps_cents": 0,
        "fee_keeps_cents": 0,
    }
    return request_refund(
        booking_id=booking.pk, policy=booking.policy, now=clock.now(), **(wanted | changes)
    )


def paid_lesson(**fields: Any) -> Booking:
    booking = make.lesson_to_pay(**fields)
    make.pay(booking)
    return booking


def test_full_refund_reaches_the_card() -> None:
    """S14.9, C2"""
    booking = paid_lesson()
    refund(booking)
    assert selectors.payment_summary(booking.pk).refund_status == "requested"
    assert settle_refunds(clock.now()) == 1
    summary = selectors.payment_summary(booking.pk)
    assert (summary.refunded_cents, summary.refund_status) == (9500, "settled")
    assert (summary.card_brand, summary.card_last4) == ("Visa", "4242")
    assert OfflineIntent.objects.get().refunded_cents == 9500


def test_card_and_credit_go_back_where_they_came_from() -> None:
    """00 §5: the card part to the card."""
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 2000)
    make.pay(booking, credit_cents=2000)
    refund(booking, amount_cents=7500, credit_cents=2000)
    entries = LedgerEntry.objects.filter(transaction__kind="refund")
    assert dict(entries.values_list("account", "amount_cents")) == {
        "refunds": 7500,
        "student_credit": 2000,
        "instructor_payable": -8150,
        "platform_fee": -1350,
    }
    assert available_credit_cents(booking.student_id, clock.now()) == 2000
    settle_refunds(clock.now())
    assert OfflineIntent.objects.get().refunded_cents == 7500
    assert selectors.ledger_imbalances() == []


def test_credit_instead_of_the_card_is_there_at_once() -> None:
    """C3"""
    booking = paid_lesson()
    order = refund(booking, amount_cents=0, credit_cents=9500)
    assert order.status == Refund.Status.SETTLED
    assert available_credit_cents(booking.student_id, clock.now()) == 9500
    assert settle_refunds(clock.now()) == 0
    assert selectors.payment_summary(booking.pk).returned_credit_cents == 9500


def test_kept_lesson_writes_nothing() -> None:
    """C4"""
    booking = paid_lesson()
    kept = {"instructor_keeps_cents": 8150, "fee_keeps_cents": 1350}
    assert refund(booking, amount_cents=0, credit_cents=0, **kept) is None
    assert not Refund.objects.exists()
    assert LedgerTransaction.objects.count() == 1


def test_platform_pays_a_credit_beside_the_lesson() -> None:
    """C9: the instructor keeps everything less fee."""
    booking = paid_lesson()
    refund(
        booking,
        amount_cents=0,
        credit_cents=9500,
        instructor_keeps_cents=8150,
        fee_keeps_cents=1350,
        platform_cents=9500,
    )
    entries = LedgerEntry.objects.filter(transaction__kind="refund")
    assert dict(entries.values_list("account", "amount_cents")) == {
        "student_credit": 9500,
        "promo": -9500,
    }


def test_split_refund_in_two_orders() -> None:
    """S14.9: the second order sees what the first one left."""
    booking = paid_lesson()
    refund(booking, key="a", amount_cents=4750, instructor_keeps_cents=4075, fee_keeps_cents=675)
    refund(booking, key="b", amount_cents=4750)
    assert settle_refunds(clock.now()) == 2
    assert selectors.ledger_imbalances() == []


@pytest.mark.parametrize(
    "wanted",
    [{"amount_cents": 9501}, {"credit_cents": 1}, {"amount_cents": 0, "credit_cents": 9501}],
)
def test_more_than_paid_is_a_conflict(wanted: dict[str, int]) -> None:
    """S14.9: 409, nothing written. Here the platform would pay the difference."""
    booking = paid_lesson()
    beyond = sum({"amount_cents": 9500, "credit_cents": 0, **wanted}.values()) - 9500
    with pytest.raises(ConflictError) as refused:
        refund(booking, **wanted, platform_cents=beyond)
    assert refused.value.error_code == "refund_exceeds_paid"
    assert not Refund.objects.exists()
    assert not Credit.objects.exists()


def test_card_never_gets_what_credit_paid() -> None:
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 2000)
    make.pay(booking, credit_cents=2000)
    with pytest.raises(ConflictError):
        refund(booking, amount_cents=9500)


def test_shares_must_make_up_the_refund() -> None:
    booking = paid_lesson()
    with pytest.raises(ValueError, match="sum to 0"):
        refund(booking, instructor_keeps_cents=100)
    assert not Refund.objects.exists()


def test_unpaid_lesson_has_nothing_to_refund() -> None:
    with pytest.raises(ConflictError):
        refund(make.lesson_to_pay())


def test_same_key_is_the_same_refund() -> None:
    """S14.9"""
    booking = paid_lesson()
    assert refund(booking) == refund(booking)
    with pytest.raises(ConflictError):
        refund(booking, amount_cents=100)
    assert Refund.objects.count() == 1


def test_database_refuses_more_than_paid() -> None:
    booking = paid_lesson()
    attempt = PaymentAttempt.objects.filter(booking=booking)
    with pytest.raises(IntegrityError, match="within_paid"), transaction.atomic():
        attempt.update(refunded_cents=9501)
    with pytest.raises(IntegrityError, match="within_paid"), transaction.atomic():
        attempt.update(refunded_cents=9500, credited_cents=1)


def test_lost_answer_is_sent_again_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """S14.9: the gateway paid out, we did not hear it; it pays once."""
    honest, now = OfflineGateway.refund, clock.now()

    def deaf(self: OfflineGateway, **kwargs: Any) -> None:
        honest(self, **kwargs)
        raise GatewayTimeoutError("lost")

    booking = paid_lesson()
    refund(booking)
    with monkeypatch.context() as broken:
        broken.setattr(OfflineGateway, "refund", deaf)
        assert settle_refunds(clock.now()) == 0
    assert selectors.payment_summary(booking.pk).refund_status == "sent"
    assert settle_refunds(now + timedelta(seconds=30)) == 0
    assert settle_refunds(now + timedelta(minutes=5)) == 1
    assert OfflineRefund.objects.count() == 1
    assert selectors.ledger_imbalances() == []


def test_refused_refund_fails_alerts_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S14.9"""

    def refuse(*args: object, **kwargs: object) -> None:
        raise GatewayError("account closed")

    booking, now = paid_lesson(), clock.now()
    refund(booking)
    with monkeypatch.context() as broken:
        broken.setattr(OfflineGateway, "refund", refuse)
        settle_refunds(clock.now())
    assert selectors.payment_summary(booking.pk).refund_status == "failed"
    assert "refund_failed" in caplog.text
    assert selectors.ledger_imbalances() == []
    assert settle_refunds(now + timedelta(minutes=5)) == 1
    assert Refund.objects.get().tries == 2


def test_task_settles_what_is_due() -> None:
    refund(paid_lesson())
    assert settle_refunds_task.name == "payments.settle_refunds"
    settle_refunds_task()
    assert Refund.objects.get().status == Refund.Status.SETTLED


def test_parallel_refunds_serialise_and_never_exceed_paid(committed_db: None) -> None:
    """S14.9: ten people refund the same lesson with their own keys; one wins."""
    booking = paid_lesson()
    calls = [lambda key=key: refund(booking, key=f"r{key}") for key in range(10)]
    results = in_parallel(calls)
    won = [result for result in results if isinstance(result, Refund)]
    assert len(won) == 1
    assert all(isinstance(result, Refund | ConflictError | ValueError) for result in results)
    assert selectors.payment_summary(booking.pk).refunded_cents == 9500
    assert selectors.ledger_imbalances() == []


def test_parallel_cancellations_with_one_key_are_one_refund(committed_db: None) -> None:
    """05, benchmark targets: many parallel cancels, one refund."""
    booking = paid_lesson()
    results = in_parallel([lambda: refund(booking)] * 10)
    assert len({result.pk for result in results}) == 1
    assert Refund.objects.count() == 1


def test_parallel_jobs_pay_each_refund_out_once(committed_db: None) -> None:
    for day in range(1, 6):
        refund(paid_lesson(start_at=make.days_ahead(day)), key=f"r{day}")
    now = clock.now()
    assert sum(in_parallel([lambda: settle_refunds(now)] * 4)) == 5
    assert OfflineRefund.objects.count() == 5
    assert LedgerTransaction.objects.filter(kind="refund_settled").count() == 5
    assert selectors.ledger_imbalances() == []
