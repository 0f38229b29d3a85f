"""The ledger in the database: once per event, balanced, append-only."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from bookings.payments import selectors
from bookings.payments.models import LedgerEntry, LedgerTransaction
from bookings.payments.services import charge_attempt, record_charge, request_refund, settle_refunds
from instainstru import clock
from instainstru.errors import ConflictError
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


def entries_of(kind: str) -> dict[str, int]:
    rows = LedgerEntry.objects.filter(transaction__kind=kind)
    return dict(rows.values_list("account", "amount_cents"))


def refuse_to_commit() -> None:
    """Check now what the database checks at commit, and forget what was written."""
    with pytest.raises(IntegrityError, match="sum to"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    transaction.set_rollback(True)


def test_charge_is_recorded_with_its_people() -> None:
    """S14.5"""
    booking = make.lesson_to_pay()
    make.pay(booking)
    event = LedgerTransaction.objects.get()
    assert (event.booking_id, event.student_id) == (booking.pk, booking.student_id)
    assert event.instructor_id == booking.instructor_id
    assert entries_of("charge") == {
        "student_cash": -9500,
        "instructor_payable": 8150,
        "platform_fee": 1350,
    }


def test_credit_part_of_a_charge() -> None:
    """S14.5"""
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 2000)
    make.pay(booking, credit_cents=2000)
    assert entries_of("charge") == {
        "student_credit": -2000,
        "student_cash": -7500,
        "instructor_payable": 8150,
        "platform_fee": 1350,
    }
    assert entries_of("gift") == {"student_credit": 2000, "promo": -2000}


def test_recording_again_writes_nothing() -> None:
    booking = make.lesson_to_pay()
    attempt = make.pay(booking)
    again = record_charge(attempt_id=attempt.pk, lesson=make.terms_of(booking), now=clock.now())
    assert again == LedgerTransaction.objects.get()
    assert LedgerEntry.objects.count() == 3


def test_unpaid_or_mismatched_attempt_is_not_recorded() -> None:
    booking = make.lesson_to_pay()
    attempt = make.attempt_for(booking)
    with pytest.raises(ConflictError):
        record_charge(attempt_id=attempt.pk, lesson=make.terms_of(booking), now=clock.now())
    charge_attempt(attempt, make.card(), now=clock.now())
    booking.price_cents += 1
    with pytest.raises(ConflictError):
        record_charge(attempt_id=attempt.pk, lesson=make.terms_of(booking), now=clock.now())
    assert not LedgerTransaction.objects.exists()


def test_full_refund_ordered_then_settled() -> None:
    """S14.5"""
    booking = make.lesson_to_pay()
    make.pay(booking)
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
    assert entries_of("refund") == {
        "refunds": 9500,
        "instructor_payable": -8150,
        "platform_fee": -1350,
    }
    assert not entries_of("refund_settled")
    settle_refunds(clock.now())
    assert entries_of("refund_settled") == {"refunds": -9500, "student_cash": 9500}


@pytest.mark.parametrize(
    "change",
    [
        lambda: LedgerEntry.objects.update(amount_cents=1),
        lambda: LedgerEntry.objects.all()._raw_delete("default"),
        lambda: LedgerTransaction.objects.update(kind="gift"),
        lambda: LedgerTransaction.objects.all()._raw_delete("default"),
    ],
)
def test_ledger_refuses_changes_and_deletion(change: Callable[[], object]) -> None:
    """S14.5: by trigger, whoever asks."""
    make.pay(make.lesson_to_pay())
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change()


@pytest.mark.parametrize("amounts", [[], [100], [100, -99]])
def test_unbalanced_event_is_refused_at_the_end_of_its_transaction(amounts: list[int]) -> None:
    """S14.5"""
    event = LedgerTransaction.objects.create(kind="gift", key="broken", occurred_at=clock.now())
    for account, cents in zip(["student_credit", "promo"], amounts, strict=False):
        LedgerEntry.objects.create(transaction=event, account=account, amount_cents=cents)
    refuse_to_commit()


def test_one_more_entry_on_an_old_event_is_refused() -> None:
    make.pay(make.lesson_to_pay())
    event = LedgerTransaction.objects.get()
    LedgerEntry.objects.create(transaction=event, account="promo", amount_cents=5)
    refuse_to_commit()


def test_invariants_name_what_is_broken() -> None:
    """S14.5: the nightly check can fail."""
    booking = make.lesson_to_pay()
    credit = make.give_credit(booking.student, 2000)
    attempt = make.pay(booking)
    assert selectors.ledger_imbalances() == []
    credit.remaining_cents = 1500
    credit.save()
    attempt.refunded_cents = 100
    attempt.save()
    LedgerTransaction.objects.create(kind="gift", key="hollow", occurred_at=clock.now())
    broken = {(row.rule, row.subject, row.cents) for row in selectors.ledger_imbalances()}
    assert broken == {
        ("unbalanced", "hollow", 0),
        ("refunds", attempt.idempotency_key, -100),
        ("credit", "student_credit", -500),
    }
    refuse_to_commit()
