"""Two people cannot get one time: real threads, real transactions (Spec: R10-R12)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.owners import Owner
from bookings.lessons.errors import SlotTakenError
from bookings.lessons.models import Booking
from bookings.lessons.services import HoldRequest, hold_slot
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import tomorrow_at

PEOPLE = 50
pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def offering() -> Any:
    from bookings.payments.models import Credit  # noqa: F401 - the app is loaded
    from catalog.models import Policy

    if not Policy.objects.exists():
        Policy.objects.create()
    return OfferingFactory(instructor=InstructorFactory())


def _together(call: Any) -> list[Any]:
    barrier = threading.Barrier(PEOPLE, timeout=60)

    def run(number: int) -> Any:
        try:
            barrier.wait()
            return call(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=PEOPLE) as pool:
        return list(pool.map(run, range(PEOPLE)))


def test_fifty_people_at_one_time_give_one_winner(offering: Any) -> None:
    wanted = HoldRequest(
        offering_id=offering.pk,
        start_at=tomorrow_at(10, days=2),
        duration_minutes=60,
        modality=offering.modalities[0],
    )

    answers = _together(lambda n: hold_slot(by=Owner(guest_key=f"guest-{n}"), wanted=wanted))

    winners = [answer for answer in answers if isinstance(answer, Booking)]
    losers = [answer for answer in answers if isinstance(answer, SlotTakenError)]
    assert (len(winners), len(losers)) == (1, PEOPLE - 1), answers
    assert all(len(loser.nearest) == 3 for loser in losers)
    assert Booking.objects.count() == 1


def test_fifty_requests_at_one_time_give_one_hold_and_conflicts(offering: Any) -> None:
    form = {
        "service": offering.service.slug,
        "duration": "60",
        "place": offering.modalities[0],
        "start": f"{tomorrow_at(10, days=2):%Y-%m-%dT%H:%M:%SZ}",
    }
    address = f"/i/{offering.instructor.slug}/book/"

    answers = _together(lambda _: Client().post(address, form).status_code)

    assert sorted(answers) == [302] + [409] * (PEOPLE - 1)
    assert Booking.objects.count() == 1
