"""A hundred repetitions of one key over the API are one charge: real threads (Spec: R14)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from bookings.lessons.models import Booking
from bookings.payments.models import LedgerTransaction, OfflineIntent, PaymentAttempt
from tests.api.programs import call
from tests.bookings.lessons.stage import due_cents, hold_of
from tests.factories import payments as make
from tests.factories.accounts import student

TIMES = 100
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.S14, pytest.mark.S17]


def together(send: Callable[[], HttpResponse]) -> list[HttpResponse]:
    barrier = threading.Barrier(TIMES, timeout=120)

    def run(_: int) -> HttpResponse:
        try:
            barrier.wait()
            return send()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=TIMES) as pool:
        return list(pool.map(run, range(TIMES)))


def test_hundred_repetitions_of_a_payment_are_one_charge_and_one_answer() -> None:
    person = student()
    hold = hold_of(person)
    signed_in = Client()
    signed_in.force_login(person)
    session = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    body = {
        "learner": hold.learner.public_id,
        "neighborhood": hold.neighborhood.slug,
        "address": "45 Carroll Street",
        "card_number": make.SUCCEEDS,
        "terms": True,
        "due_cents": due_cents(hold),
    }

    def send() -> HttpResponse:
        program = Client()
        program.cookies[settings.SESSION_COOKIE_NAME] = session
        return call(program, "POST", f"/api/v1/holds/{hold.hold_id}/confirm/", body, key="one")

    answers = together(send)
    assert {answer.status_code for answer in answers} <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["error"]["code"] == "still_running"
            assert answer["Retry-After"] == "1"
    later = together(send)
    done = [answer for answer in answers + later if answer.status_code == 201]
    assert len(done) >= TIMES + 1
    assert len({answer.content for answer in done}) == 1
    assert done[0].json()["code"] == Booking.objects.get().code
    assert PaymentAttempt.objects.count() == OfflineIntent.objects.count() == 1
    assert LedgerTransaction.objects.count() == 1
