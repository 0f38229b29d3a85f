"""Trying to pay: one key, one charge, whatever happens between."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from bookings.payments import selectors
from bookings.payments.gateways.base import GatewayTimeoutError, IntentStatus
from bookings.payments.gateways.test import OfflineGateway
from bookings.payments.models import (
    CreditUse,
    LedgerTransaction,
    OfflineIntent,
    PaymentAttempt,
    Refund,
)
from bookings.payments.services import (
    abandon_attempt,
    available_credit_cents,
    charge_attempt,
    complete_extra_step,
    reassign_attempt,
    record_charge,
    refresh_attempt,
    refund_orphan_charge,
    settle_refunds,
)
from instainstru import clock
from instainstru.errors import ConflictError, RateLimitedError
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]
Status = PaymentAttempt.Status


def charge(attempt: PaymentAttempt, number: str) -> PaymentAttempt:
    charge_attempt(attempt, make.card(number), now=clock.now())
    attempt.refresh_from_db()
    return attempt


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (make.SUCCEEDS, Status.SUCCEEDED),
        (make.DECLINED, Status.DECLINED),
        (make.INSUFFICIENT_FUNDS, Status.DECLINED),
        (make.FAILS_ON_CHARGE, Status.DECLINED),
        (make.EXTRA_STEP, Status.NEEDS_ACTION),
        (make.LATE_RESULT, Status.UNKNOWN),
    ],
)
def test_answers_of_the_gateway_become_states(number: str, status: str) -> None:
    """S14.1, S14.2, S14.4"""
    attempt = charge(make.attempt_for(make.lesson_to_pay()), number)
    assert attempt.status == status
    assert bool(attempt.settled_at) == (not attempt.is_open)


def test_declined_says_why_and_charges_nothing() -> None:
    """S14.4"""
    attempt = make.attempt_for(make.lesson_to_pay())
    result = charge_attempt(attempt, make.card(make.INSUFFICIENT_FUNDS), now=clock.now())
    assert result.is_declined
    assert result.message == "Your card does not have enough funds. Nothing was charged."
    assert not LedgerTransaction.objects.exists()


def test_key_is_hold_id_and_number() -> None:
    """S14.2"""
    booking = make.lesson_to_pay()
    first = charge(make.attempt_for(booking), make.DECLINED)
    second = make.attempt_for(booking)
    assert (first.idempotency_key, second.idempotency_key) == (
        f"{booking.hold_id}-1",
        f"{booking.hold_id}-2",
    )


@pytest.mark.parametrize("number", [make.SUCCEEDS, make.EXTRA_STEP, make.LATE_RESULT])
def test_open_or_paid_attempt_is_returned_instead_of_a_second(number: str) -> None:
    """S14.2: a second tab shares the key."""
    booking = make.lesson_to_pay()
    attempt = charge(make.attempt_for(booking), number)
    assert make.attempt_for(booking).pk == attempt.pk


def test_running_payment_refuses_another_total() -> None:
    booking = make.lesson_to_pay()
    make.attempt_for(booking)
    booking.price_cents += 100
    with pytest.raises(ConflictError):
        make.attempt_for(booking)


def test_database_refuses_two_open_attempts() -> None:
    attempt = make.attempt_for(make.lesson_to_pay())
    attempt.pk, attempt.number, attempt.idempotency_key = None, 2, "other"
    with pytest.raises(IntegrityError, match="payment_attempt_one_open"), transaction.atomic():
        attempt.save(force_insert=True)


def test_database_refuses_two_successes() -> None:
    attempt = make.pay(make.lesson_to_pay())
    attempt.pk, attempt.number, attempt.idempotency_key = None, 2, "other"
    with pytest.raises(IntegrityError, match="one_succeeded"), transaction.atomic():
        attempt.save(force_insert=True)


def test_extra_step_with_another_card_stays_one_payment() -> None:
    booking = make.lesson_to_pay()
    charge(make.attempt_for(booking), make.EXTRA_STEP)
    again = charge(make.attempt_for(booking), make.SUCCEEDS)
    assert again.status == Status.SUCCEEDED
    assert OfflineIntent.objects.count() == 1


@pytest.mark.parametrize(
    ("is_approved", "status"), [(True, Status.SUCCEEDED), (False, Status.DECLINED)]
)
def test_extra_step_ends_the_attempt(is_approved: bool, status: str) -> None:
    """S14.4"""
    attempt = charge(make.attempt_for(make.lesson_to_pay()), make.EXTRA_STEP)
    result = complete_extra_step(attempt.pk, is_approved=is_approved, now=clock.now())
    assert result.status == status


def test_no_step_to_complete_is_a_conflict() -> None:
    attempt = make.attempt_for(make.lesson_to_pay())
    with pytest.raises(ConflictError):
        complete_extra_step(attempt.pk, is_approved=True, now=clock.now())


def test_late_result_is_found_by_refresh() -> None:
    """S14.2: unknown, then fetched; a retry meanwhile charges nothing again."""
    with time_machine.travel("2027-03-01T12:00:00Z", tick=False) as time:
        booking = make.lesson_to_pay()
        attempt = charge(make.attempt_for(booking), make.LATE_RESULT)
        assert charge(make.attempt_for(booking), make.SUCCEEDS).status == Status.UNKNOWN
        assert abandon_attempt(attempt.pk, now=clock.now()).status == Status.UNKNOWN
        time.shift(61)
        assert selectors.unfinished_attempt_ids(clock.now()) == [attempt.pk]
        assert refresh_attempt(attempt.pk, now=clock.now()).is_paid
        assert OfflineIntent.objects.get().card_last4 == "9987"


def test_lost_answer_to_the_first_call_is_unknown_and_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*args: object, **kwargs: object) -> None:
        raise GatewayTimeoutError("lost")

    booking = make.lesson_to_pay()
    attempt = make.attempt_for(booking)
    with monkeypatch.context() as broken:
        broken.setattr(OfflineGateway, "create_intent", lost)
        assert charge(attempt, make.SUCCEEDS).status == Status.UNKNOWN
    assert refresh_attempt(attempt.pk, now=clock.now()).status == Status.PROCESSING
    assert charge(make.attempt_for(booking), make.SUCCEEDS).status == Status.SUCCEEDED


def test_lost_answer_to_a_charge_that_worked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """S14.13: killed between the charge and writing it down."""
    honest = OfflineGateway.confirm

    def deaf(self: OfflineGateway, **kwargs: object) -> None:
        honest(self, **kwargs)  # type: ignore[arg-type]
        raise GatewayTimeoutError("lost")

    attempt = make.attempt_for(make.lesson_to_pay())
    with monkeypatch.context() as broken:
        broken.setattr(OfflineGateway, "confirm", deaf)
        assert charge(attempt, make.SUCCEEDS).status == Status.UNKNOWN
    assert refresh_attempt(attempt.pk, now=clock.now()).is_paid


def test_abandoned_attempt_can_never_charge() -> None:
    """S14.13: a request that is still under way finds the door shut."""
    attempt = make.attempt_for(make.lesson_to_pay())
    stale = PaymentAttempt.objects.get(pk=attempt.pk)
    assert abandon_attempt(attempt.pk, now=clock.now()).decline_reason == "abandoned"
    assert charge_attempt(stale, make.card(), now=clock.now()).is_declined
    intent = OfflineIntent.objects.get()
    late = OfflineGateway().confirm(reference=intent.reference, card=make.card())
    assert late.status is IntentStatus.CANCELLED


def test_abandoning_finds_a_success() -> None:
    """S14.3"""
    attempt = make.attempt_for(make.lesson_to_pay())
    gateway = OfflineGateway()
    intent = gateway.create_intent(key=attempt.idempotency_key, amount_cents=attempt.amount_cents)
    gateway.confirm(reference=intent.reference, card=make.card())
    assert abandon_attempt(attempt.pk, now=clock.now()).is_paid


def test_five_declines_in_an_hour_are_enough() -> None:
    """S14.4: 429 with the wait until the oldest of them is an hour old."""
    with time_machine.travel("2027-03-01T12:00:00Z", tick=False) as time:
        booking = make.lesson_to_pay(start_at=make.days_ahead(3))
        for _ in range(5):
            charge(make.attempt_for(booking), make.DECLINED)
            time.shift(60)
        with pytest.raises(RateLimitedError) as refused:
            make.attempt_for(booking)
        assert refused.value.retry_after_seconds == 3600 - 300
        time.shift(3600 - 300)
        assert make.attempt_for(booking).number == 6


def test_parallel_payments_are_declined_five_times_an_hour_at_most(committed_db: None) -> None:
    """S14.4: several lessons at once, each with a card that the bank refuses."""
    first = make.lesson_to_pay(start_at=make.days_ahead(3))
    for _ in range(3):
        charge(make.attempt_for(first), make.DECLINED)
    student = first.student
    lessons = [
        make.lesson_to_pay(student=student, start_at=make.days_ahead(4 + n)) for n in range(6)
    ]
    results = in_parallel(
        [lambda one=one: charge(make.attempt_for(one), make.DECLINED) for one in lessons]
    )
    refused = [result for result in results if isinstance(result, RateLimitedError)]
    assert len(refused) == 4
    assert all(result.retry_after_seconds for result in refused)
    declined = PaymentAttempt.objects.filter(student=student, status="declined")
    assert declined.count() == 5


def test_a_payment_that_runs_takes_a_try_and_gives_it_back() -> None:
    """S14.4: it may still be declined; once it is paid it counts no more."""
    first = make.lesson_to_pay(start_at=make.days_ahead(3))
    for _ in range(4):
        charge(make.attempt_for(first), make.DECLINED)
    running = make.attempt_for(first)
    other = make.lesson_to_pay(student=first.student, start_at=make.days_ahead(5))
    with pytest.raises(RateLimitedError) as refused:
        make.attempt_for(other)
    assert refused.value.retry_after_seconds == 60
    assert make.attempt_for(first) == running
    charge(running, make.SUCCEEDS)
    assert make.attempt_for(other).number == 1


def test_abandoned_attempts_do_not_count_as_declines() -> None:
    booking = make.lesson_to_pay()
    for _ in range(6):
        abandon_attempt(make.attempt_for(booking).pk, now=clock.now())
    assert make.attempt_for(booking).number == 7


def test_charge_refuses_to_run_inside_a_transaction(committed_db: None) -> None:
    """S14.13 (b)"""
    attempt = make.attempt_for(make.lesson_to_pay())
    with pytest.raises(RuntimeError), transaction.atomic():
        charge_attempt(attempt, make.card(), now=clock.now())
    assert not OfflineIntent.objects.exists()


def test_credit_alone_pays_without_a_card() -> None:
    """S14.7"""
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 9500)
    attempt = make.attempt_for(booking, credit_cents=9500)
    assert charge_attempt(attempt, None, now=clock.now()).is_paid
    assert not OfflineIntent.objects.exists()


@pytest.mark.parametrize("end", ["declined", "abandoned"])
def test_reserved_credit_comes_back_when_nothing_was_charged(end: str) -> None:
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 2000)
    attempt = make.attempt_for(booking, credit_cents=2000)
    assert available_credit_cents(booking.student_id, clock.now()) == 0
    if end == "declined":
        charge(attempt, make.DECLINED)
    else:
        abandon_attempt(attempt.pk, now=clock.now())
    assert available_credit_cents(booking.student_id, clock.now()) == 2000
    assert selectors.ledger_imbalances() == []


def test_planned_credit_is_that_of_the_running_attempt() -> None:
    """S14.7: what the page shows is what is charged, also on a second look."""
    booking = make.lesson_to_pay()
    plan = {"booking_id": booking.pk, "student_id": booking.student_id, "total_cents": 9500}
    make.give_credit(booking.student, 2000)
    assert selectors.planned_split(**plan, now=clock.now()).credit_cents == 2000
    attempt = make.attempt_for(booking, credit_cents=2000)
    assert selectors.planned_split(**plan, now=clock.now()).credit_cents == 2000
    charge(attempt, make.DECLINED)
    make.give_credit(booking.student, 20000, key="more")
    assert selectors.planned_split(**plan, now=clock.now()).credit_cents == 9500


def test_late_success_pays_the_new_row_of_the_lesson() -> None:
    """S14.3"""
    lapsed, fresh = make.lesson_to_pay(), make.lesson_to_pay(start_at=make.days_ahead(4))
    fresh.student = lapsed.student
    attempt = charge(make.attempt_for(lapsed), make.SUCCEEDS)
    reassign_attempt(attempt.pk, booking_id=fresh.pk)
    record_charge(attempt_id=attempt.pk, lesson=make.terms_of(fresh), now=clock.now())
    assert selectors.payment_summary(lapsed.pk) is None
    assert selectors.payment_summary(fresh.pk).paid_cents == 9500
    with pytest.raises(ConflictError):
        reassign_attempt(attempt.pk, booking_id=lapsed.pk)


def test_charge_without_a_lesson_goes_back_once() -> None:
    """S14.3"""
    booking = make.lesson_to_pay()
    make.give_credit(booking.student, 2000)
    attempt = charge(make.attempt_for(booking, credit_cents=2000), make.SUCCEEDS)
    first = refund_orphan_charge(attempt.pk, now=clock.now())
    assert refund_orphan_charge(attempt.pk, now=clock.now()) == first
    assert settle_refunds(clock.now()) == 1
    assert OfflineIntent.objects.get().refunded_cents == 7500
    assert available_credit_cents(booking.student_id, clock.now()) == 2000
    assert selectors.ledger_imbalances() == []
    with pytest.raises(ConflictError):
        record_charge(attempt_id=attempt.pk, lesson=make.terms_of(booking), now=clock.now())


def test_charge_of_a_lesson_is_no_orphan() -> None:
    attempt = make.pay(make.lesson_to_pay())
    with pytest.raises(ConflictError):
        refund_orphan_charge(attempt.pk, now=clock.now())
    assert not Refund.objects.exists()


def test_paid_and_unrecorded_attempt_is_unfinished_until_recorded() -> None:
    """S14.13"""
    booking = make.lesson_to_pay()
    attempt = charge(make.attempt_for(booking), make.SUCCEEDS)
    later = clock.now() + timedelta(seconds=61)
    assert selectors.unfinished_attempt_ids(clock.now()) == []
    assert selectors.unfinished_attempt_ids(later) == [attempt.pk]
    record_charge(attempt_id=attempt.pk, lesson=make.terms_of(booking), now=clock.now())
    assert selectors.unfinished_attempt_ids(later) == []


def test_parallel_charges_of_one_key_are_one_charge(committed_db: None) -> None:
    """S14.2: many clicks, one intent, one ledger event."""
    booking = make.lesson_to_pay()
    attempt = make.attempt_for(booking)

    def click() -> bool:
        mine = PaymentAttempt.objects.get(pk=attempt.pk)
        is_paid = charge_attempt(mine, make.card(), now=clock.now()).is_paid
        record_charge(attempt_id=mine.pk, lesson=make.terms_of(booking), now=clock.now())
        return is_paid

    assert in_parallel([click] * 10) == [True] * 10
    assert OfflineIntent.objects.get().amount_cents == 9500
    assert LedgerTransaction.objects.get().entries.count() == 3
    assert CreditUse.objects.count() == 0


def test_card_numbers_are_neither_stored_nor_logged(
    committed_db: None, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """S14.1"""
    caplog.set_level(logging.DEBUG)
    numbers = [make.SUCCEEDS, make.DECLINED, make.EXTRA_STEP, make.LATE_RESULT]
    for day, number in enumerate(numbers):
        charge(make.attempt_for(make.lesson_to_pay(start_at=make.days_ahead(day + 1))), number)
    logged = caplog.text + "".join(capsys.readouterr())
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names() if "payment" in name]
        stored = ""
        for table in tables:
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            stored += str(cursor.fetchone()[0])
    assert "tok_succeeds" in stored
    for number in numbers:
        for form in (number, number.replace(" ", ""), number.replace(" ", "-")):
            assert form not in stored
            assert form not in logged
