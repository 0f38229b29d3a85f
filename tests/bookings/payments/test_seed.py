"""Seeded payments are as good as real ones."""

from typing import Any

import pytest

from bookings.lessons.models import Booking
from bookings.payments import selectors
from bookings.payments.models import LedgerEntry, LedgerTransaction, OfflineIntent, PaymentAttempt
from bookings.payments.seed import SeededCharge, record_seeded_charges
from bookings.payments.services import available_credit_cents, request_refund, settle_refunds
from instainstru import clock
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


def seeded(booking: Booking, **fields: Any) -> SeededCharge:
    return SeededCharge(
        booking_id=booking.pk,
        hold_id=booking.hold_id,
        student_id=booking.student_id,
        instructor_id=booking.instructor_id,
        price_cents=booking.price_cents,
        travel_fee_cents=booking.travel_fee_cents,
        fee_pct=booking.fee_pct,
        paid_at=clock.now(),
        **fields,
    )


def test_seeded_rows_equal_those_of_the_services() -> None:
    """S14.5: the same entries, the same state at the gateway."""
    real, copy = make.lesson_to_pay(), make.lesson_to_pay()
    make.pay(real)
    record_seeded_charges([seeded(copy)])
    entries = [
        set(
            LedgerEntry.objects.filter(transaction__booking=booking).values_list(
                "account", "amount_cents"
            )
        )
        for booking in (real, copy)
    ]
    assert entries[0] == entries[1]
    ignored = ("id", "booking_id", "student_id", "idempotency_key", "gateway_reference")
    ignored += ("created_at", "settled_at", "recorded_at")
    states = [
        {name: value for name, value in row.items() if name not in ignored}
        for row in PaymentAttempt.objects.values()
    ]
    assert states[0] == states[1]
    assert set(OfflineIntent.objects.values_list("status", "amount_cents")) == {("succeeded", 9500)}
    assert selectors.ledger_imbalances() == []


def test_seeded_lesson_can_be_cancelled_like_any_other() -> None:
    booking = make.lesson_to_pay()
    record_seeded_charges([seeded(booking)])
    request_refund(
        booking_id=booking.pk,
        key="cancel",
        amount_cents=9500,
        credit_cents=0,
        instructor_keeps_cents=0,
        fee_keeps_cents=0,
        policy=booking.policy,
        now=clock.now(),
    )
    assert settle_refunds(clock.now()) == 1
    assert selectors.ledger_imbalances() == []


def test_seeded_cancellations_balance() -> None:
    to_card, to_credit = make.lesson_to_pay(), make.lesson_to_pay()
    record_seeded_charges(
        [
            seeded(to_card, cancelled_at=clock.now()),
            seeded(to_credit, cancelled_at=clock.now(), is_refunded_as_credit=True),
        ]
    )
    assert selectors.ledger_imbalances() == []
    assert selectors.payment_summary(to_card.pk).refund_status == "settled"
    assert available_credit_cents(to_credit.student_id, clock.now()) == 9500


def test_second_run_changes_nothing() -> None:
    """G14"""
    charges = [seeded(make.lesson_to_pay())]
    assert record_seeded_charges(charges) == 1
    assert record_seeded_charges(charges) == 0
    assert LedgerTransaction.objects.count() == 1
