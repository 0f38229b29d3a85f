"""Lessons that are paid together: one charge, and each lesson its own part of it (R19, S14.13)."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.payments.models import (
    Credit,
    CreditUse,
    LedgerTransaction,
    OfflineIntent,
    PaymentAttempt,
    Receipt,
)
from bookings.payments.selectors import (
    Split,
    ledger_imbalances,
    planned_splits,
    unfinished_attempt_ids,
)
from bookings.payments.services import (
    abandon_attempt,
    charge_attempt,
    open_attempt,
    record_charge,
    request_refund,
    settle_refunds,
)
from bookings.payments.services.attempts import require_declines_left
from bookings.payments.services.reconciliation import reconcile
from catalog.models import Policy
from instainstru import clock
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S14, pytest.mark.django_db(transaction=True)]
PRICE = 9500


@pytest.fixture
def maya(first_policy: None) -> User:
    return student()


@pytest.fixture
def holds(maya: User) -> list[Booking]:
    offering = OfferingFactory()
    return [
        HoldFactory(
            student=maya,
            offering=offering,
            start_at=tomorrow_at(10, days=7 * week),
            price_cents=9000,
            travel_fee_cents=500,
        )
        for week in (1, 2, 3)
    ]


def split(holds: list[Booking]) -> list[Split]:
    totals = {hold.pk: hold.total_cents for hold in holds}
    return planned_splits(totals=totals, student_id=holds[0].student_id, now=clock.now())


def opened(holds: list[Booking]) -> list[PaymentAttempt]:
    found: list[PaymentAttempt] = []
    with transaction.atomic():
        for hold, part in zip(holds, split(holds), strict=True):
            attempt = open_attempt(
                booking_id=hold.pk,
                hold_id=hold.hold_id,
                student_id=hold.student_id,
                amount_cents=part.card_cents,
                credit_cents=part.credit_cents,
                part_of=found[0] if found else None,
                now=clock.now(),
            )
            found.append(attempt)
    return found


def recorded(holds: list[Booking], number: str = make.SUCCEEDS) -> list[PaymentAttempt]:
    parts = opened(holds)
    charge_attempt(parts[0], make.card(number), now=clock.now())
    for hold, part in zip(holds, parts, strict=True):
        record_charge(attempt_id=part.pk, lesson=make.terms_of(hold), now=clock.now())
        part.refresh_from_db()
    return parts


def test_the_gateway_takes_the_sum_once_and_every_lesson_has_its_own_books(
    holds: list[Booking],
) -> None:
    """R19: one payment; S14.5, S11.6: a ledger event and a receipt each."""
    parts = recorded(holds)
    intent = OfflineIntent.objects.get()
    assert intent.amount_cents == 3 * PRICE
    assert {part.gateway_reference for part in parts} == {intent.reference}
    assert {(part.status, part.card_last4) for part in parts} == {("succeeded", "4242")}
    assert LedgerTransaction.objects.filter(kind="charge").count() == 3
    assert sorted(Receipt.objects.values_list("sequence", flat=True)) == [1, 2, 3]
    assert ledger_imbalances() == []


def test_credit_pays_the_first_lessons_to_the_cent(maya: User, holds: list[Booking]) -> None:
    """S14.7: credit before card; a lesson that it pays alone asks no card."""
    make.give_credit(maya, PRICE + 123)
    parts = recorded(holds)
    assert [(part.amount_cents, part.credit_cents) for part in parts] == [
        (0, PRICE),
        (PRICE - 123, 123),
        (PRICE, 0),
    ]
    assert OfflineIntent.objects.get().amount_cents == 2 * PRICE - 123
    assert Credit.objects.get().remaining_cents == 0
    assert ledger_imbalances() == []


def test_credit_for_all_asks_no_gateway(maya: User, holds: list[Booking]) -> None:
    """S14.7: a total of $0 books without a card."""
    make.give_credit(maya, 3 * PRICE)
    parts = opened(holds)
    assert charge_attempt(parts[0], None, now=clock.now()).is_paid
    assert not OfflineIntent.objects.exists()
    assert {PaymentAttempt.objects.get(pk=part.pk).status for part in parts} == {"succeeded"}


def test_a_decline_frees_the_credit_of_all_and_counts_once(
    maya: User, holds: list[Booking]
) -> None:
    """S14.4: five declines an hour are five payments, not two of three lessons."""
    make.give_credit(maya, PRICE + 123)
    for _ in range(2):
        parts = opened(holds)
        assert charge_attempt(parts[0], make.card(make.DECLINED), now=clock.now()).is_declined
    assert PaymentAttempt.objects.filter(status="declined").count() == 6
    assert Credit.objects.get().remaining_cents == PRICE + 123
    assert not CreditUse.objects.filter(status="reserved").exists()
    require_declines_left(maya.pk, clock.now())
    assert [part.number for part in opened(holds)] == [3, 3, 3]


def test_a_second_click_finds_the_same_parts(holds: list[Booking]) -> None:
    """S14.2"""
    assert opened(holds) == opened(holds)


def test_giving_up_closes_all_parts(holds: list[Booking]) -> None:
    """S14.13"""
    parts = opened(holds)
    assert abandon_attempt(parts[0].pk, now=clock.now()).is_declined
    assert {PaymentAttempt.objects.get(pk=part.pk).status for part in parts} == {"declined"}


def test_the_sweeper_finishes_a_payment_once(holds: list[Booking]) -> None:
    """S14.13: a part has nothing to ask the gateway for."""
    parts = opened(holds)
    assert unfinished_attempt_ids(clock.now() + timedelta(minutes=5)) == [parts[0].pk]


def test_one_lesson_goes_back_alone(holds: list[Booking]) -> None:
    """R19, S14.9: part of a series may be cancelled alone; the nightly comparison agrees."""
    recorded(holds)
    request_refund(
        booking_id=holds[1].pk,
        key="cancel-two",
        amount_cents=PRICE,
        credit_cents=0,
        instructor_keeps_cents=0,
        fee_keeps_cents=0,
        policy=Policy.objects.current(),
        now=clock.now(),
    )
    assert reconcile(clock.now() + timedelta(hours=1)).problems == []
    assert settle_refunds(clock.now()) == 1
    assert OfflineIntent.objects.get().refunded_cents == PRICE
    assert [PaymentAttempt.objects.get(booking=hold).refunded_cents for hold in holds] == [
        0,
        PRICE,
        0,
    ]
    assert ledger_imbalances() == []
    assert reconcile(clock.now() + timedelta(hours=1)).problems == []


def test_the_nightly_comparison_tells_of_a_part_that_is_not_booked(holds: list[Booking]) -> None:
    """S14.3"""
    parts = recorded(holds)
    PaymentAttempt.objects.filter(pk=parts[2].pk).update(recorded_at=None)
    problems = reconcile(clock.now() + timedelta(hours=1)).problems
    assert [problem["rule"] for problem in problems] == ["charge_not_booked"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines
@given(
    totals=st.lists(st.integers(1000, 60000), min_size=2, max_size=12),
    credit_cents=st.integers(0, 200000),
)
def test_the_parts_make_up_the_whole(totals: list[int], credit_cents: int) -> None:
    """G9, S14.7: no cent is lost or spent twice, in whatever order lessons are priced."""
    from unittest.mock import patch

    with (
        patch("bookings.payments.selectors.latest_attempt", return_value=None),
        patch("bookings.payments.selectors.Credit.objects.spendable") as spendable,
    ):
        spendable.return_value.remaining_sum_cents.return_value = credit_cents
        splits = planned_splits(totals=dict(enumerate(totals)), student_id=1, now=clock.now())
    spent = sum(one.credit_cents for one in splits)
    assert spent == min(credit_cents, sum(totals))
    assert sum(one.card_cents for one in splits) == sum(totals) - spent
    assert all(min(one.card_cents, one.credit_cents) >= 0 for one in splits)
