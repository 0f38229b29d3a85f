"""A hundred at once at one key, one lesson (Spec: 05 section 1, benchmark targets)."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.lessons.states import Status
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import LedgerTransaction, OfflineIntent, OfflineRefund, Refund
from bookings.payments.services import settle_refunds
from instainstru import clock, invariants
from tests.bookings.lessons.stage import hold_of, pay_form, self_learner
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at

CROWD = 100
pytestmark = [pytest.mark.slow, pytest.mark.S13, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def maya() -> User:
    return student()


def crowd_posts(person: User, address: str, fields: Mapping[str, Any]) -> list[Any]:
    """Post one form from a hundred browsers of one person at once."""
    first = Client()
    first.force_login(person)

    def browser() -> Callable[[], Any]:
        mine = Client(raise_request_exception=False)
        mine.cookies.load({name: morsel.value for name, morsel in first.cookies.items()})
        return lambda: mine.post(address, fields)

    return in_parallel([browser() for _ in range(CROWD)])


def statuses(answers: list[Any]) -> set[Any]:
    return {getattr(answer, "status_code", answer) for answer in answers}


def test_a_hundred_replays_of_one_key_book_and_charge_once(maya: User) -> None:
    """R14: who comes while the first runs is told to wait; afterwards all read the same."""
    hold = hold_of(maya)
    address, form = f"/book/{hold.hold_id}/pay/", pay_form(hold)

    at_once = crowd_posts(maya, address, form)
    afterwards = crowd_posts(maya, address, form)

    assert statuses(at_once) <= {303, 409}, statuses(at_once)
    assert all("Retry-After" in answer for answer in at_once if answer.status_code == 409)
    assert statuses(afterwards) == {303}, statuses(afterwards)
    done = [answer for answer in at_once if answer.status_code == 303]
    assert done
    said = {(answer["Location"], answer.content) for answer in [*done, *afterwards]}
    hold.refresh_from_db()
    assert said == {(f"/lessons/{hold.code}/confirmed/", b"")}
    assert Booking.objects.get().status == Status.CONFIRMED
    assert OfflineIntent.objects.get().status == OfflineIntent.Status.SUCCEEDED
    assert LedgerTransaction.objects.filter(kind="charge").count() == 1
    assert OutgoingMail.objects.filter(kind="lesson_confirmed").count() == 2
    assert not any(invariants.violations().values())


@pytest.mark.parametrize("has_key", [True, False], ids=["one key", "no key"])
def test_a_hundred_cancellations_refund_once(maya: User, has_key: bool) -> None:
    """R13, R14, T15"""
    lesson = BookingFactory(
        student=maya, learner=self_learner(maya), start_at=tomorrow_at(10, days=3)
    )
    make.pay(lesson)
    fields = {"reason": "schedule", "card_refund_cents": "8500", "credit_cents": "0"}
    fields |= {"idempotency_key": "once"} if has_key else {}

    answers = crowd_posts(maya, f"/lessons/{lesson.code}/cancel/", fields)
    settle_refunds(clock.now())

    assert statuses(answers) <= {302, 303, 409}, statuses(answers)
    assert statuses(answers) - {409}
    assert Refund.objects.get().amount_cents == 8500
    assert OfflineRefund.objects.get().amount_cents == 8500
    assert LedgerTransaction.objects.filter(kind="refund").count() == 1
    assert OutgoingMail.objects.filter(kind="lesson_cancelled").count() == 2
    assert not any(invariants.violations().values())
