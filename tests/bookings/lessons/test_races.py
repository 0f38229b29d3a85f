"""Things that really happen at once, beside the fifty people at one time (R10-R14)."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from bookings.lessons.cancellation import cancel_lesson
from bookings.lessons.checkout import CheckoutResult, pay_and_confirm, settle_attempt
from bookings.lessons.errors import (
    HoldLimitError,
    LearnerBusyError,
    LessonChangedError,
    SlotTakenError,
)
from bookings.lessons.models import Booking
from bookings.lessons.services import flip_clock_states, hold_slot
from bookings.lessons.states import Status
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import LedgerTransaction, OfflineIntent, Refund
from bookings.payments.selectors import ledger_imbalances
from instainstru import clock
from tests.bookings.lessons.stage import (
    details,
    guest,
    hold_of,
    owner,
    pay_form,
    self_learner,
    wanted,
)
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S13, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def maya() -> User:
    return student()


def times(number: int, call: Callable[[], Any]) -> list[Any]:
    return in_parallel([call] * number)


def is_charged_once() -> bool:
    return (
        OfflineIntent.objects.filter(status="succeeded").count() == 1
        and LedgerTransaction.objects.filter(kind="charge").count() == 1
        and OutgoingMail.objects.filter(kind="lesson_confirmed").count() == 2
        and ledger_imbalances() == []
    )


def test_ten_payments_of_one_hold_charge_once(maya: User) -> None:
    """S13.2, S14.2: two tabs, ten tabs."""
    hold = hold_of(maya)
    answers = times(
        10, lambda: pay_and_confirm(by=maya, hold_id=hold.hold_id, details=details(hold))
    )
    done = [answer for answer in answers if isinstance(answer, CheckoutResult)]
    others = [answer for answer in answers if not isinstance(answer, CheckoutResult)]
    assert done
    assert all(getattr(error, "status", 500) == 409 for error in others), others
    assert Booking.objects.get().status == Status.CONFIRMED
    assert is_charged_once()


@pytest.mark.parametrize(
    "keys", [["same"] * 6, [f"tab-{n}" for n in range(6)]], ids=["click", "tabs"]
)
def test_clicks_and_tabs_on_pay_give_one_charge(maya: User, keys: list[str]) -> None:
    """R14, S14.2"""
    hold = hold_of(maya)

    def clicks(key: str) -> Callable[[], Any]:
        browser = Client()
        browser.force_login(maya)
        form = pay_form(hold, idempotency_key=key)
        return lambda: browser.post(f"/book/{hold.hold_id}/pay/", form)

    answers = in_parallel([clicks(key) for key in keys])
    statuses = [getattr(answer, "status_code", answer) for answer in answers]
    assert set(statuses) <= {303, 409}, statuses
    assert 303 in statuses
    hold.refresh_from_db()
    assert hold.status == Status.CONFIRMED
    assert is_charged_once()


def test_job_and_person_settle_one_payment_once(maya: User) -> None:
    """S14.13"""
    hold = hold_of(maya)
    attempt = make.attempt_for(hold)
    make.charge_attempt(attempt, make.card(), now=clock.now())
    answers = times(8, lambda: settle_attempt(attempt.pk))
    assert {getattr(answer, "step", answer) for answer in answers} == {"confirmed"}
    assert is_charged_once()


def test_ten_cancellations_refund_once(maya: User) -> None:
    """R13, T15"""
    lesson = BookingFactory(
        student=maya, learner=self_learner(maya), start_at=tomorrow_at(10, days=3)
    )
    make.pay(lesson)
    answers = times(
        10,
        lambda: cancel_lesson(
            by=maya,
            code=lesson.code,
            reason="schedule",
            expected_card_cents=8500,
            expected_credit_cents=0,
        ),
    )
    assert sum(isinstance(answer, tuple) for answer in answers) == 1
    assert sum(isinstance(answer, LessonChangedError) for answer in answers) == 9, answers
    assert Refund.objects.count() == 1
    assert OutgoingMail.objects.filter(kind="lesson_cancelled").count() == 2
    assert ledger_imbalances() == []


def test_one_learner_gets_one_of_many_lessons_at_one_time(maya: User) -> None:
    """R7, R11: ten instructors, one child."""
    offerings = [OfferingFactory(instructor=InstructorFactory()) for _ in range(10)]
    answers = in_parallel(
        [lambda o=o: hold_slot(by=owner(maya), wanted=wanted(o)) for o in offerings]  # type: ignore[misc]
    )
    refused = (LearnerBusyError, SlotTakenError, HoldLimitError)
    assert all(isinstance(answer, (Booking, *refused)) for answer in answers), answers
    assert Booking.objects.live_holds(clock.now()).count() == 1


def test_one_guest_never_holds_more_than_three_times() -> None:
    """T1: several instructors at once do not open the limit."""
    offerings = [OfferingFactory(instructor=InstructorFactory()) for _ in range(8)]
    in_parallel(
        [lambda o=o: hold_slot(by=guest(), wanted=wanted(o)) for o in offerings]  # type: ignore[misc]
    )
    assert Booking.objects.live_holds(clock.now()).count() <= 3


def test_overlapping_starts_give_one_winner() -> None:
    """R4, R11"""
    offering = OfferingFactory(instructor=InstructorFactory())
    starts = [tomorrow_at(10), tomorrow_at(10, 30), tomorrow_at(9, 30), tomorrow_at(11)]
    answers = in_parallel(
        [
            lambda n=n: hold_slot(by=guest(f"g{n}"), wanted=wanted(offering, starts[n % 4]))  # type: ignore[misc]
            for n in range(16)
        ]
    )
    held = sorted(a.start_at for a in answers if isinstance(a, Booking))
    assert all(isinstance(a, (Booking, SlotTakenError)) for a in answers), answers
    assert held
    for first, second in pairwise(held):
        assert second - first >= timedelta(minutes=75)


def test_two_jobs_share_the_clocks_work() -> None:
    """T3, R15: each row is flipped once."""
    offering = OfferingFactory(instructor=InstructorFactory())
    for day in range(1, 11):
        HoldFactory(
            student=None,
            guest_key="g",
            offering=offering,
            start_at=tomorrow_at(10, days=day),
            expires_at=clock.now(),
        )
    answers = times(4, flip_clock_states)
    assert sum(answer["expired"] for answer in answers) == 10
