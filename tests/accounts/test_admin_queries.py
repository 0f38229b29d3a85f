"""Lists of the admin ask no more for three rows than for one (Spec: S5.6)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from bookings.lessons.models import EmergencyRequest, LessonReport, Strike
from instainstru import clock
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory
from tests.factories.reviews import ReviewFactory
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.django_db, pytest.mark.S5]


def _strike() -> None:
    lesson = BookingFactory()
    Strike.objects.create(instructor=lesson.instructor, booking=lesson, reason="no_show")


def _report() -> None:
    lesson = BookingFactory(status="reported")
    LessonReport.objects.create(
        booking=lesson, reporter=lesson.student, opened_by="student", kind="late",
        statement="They came late.", answer_by_at=clock.now(),
    )  # fmt: skip


def _emergency() -> None:
    EmergencyRequest.objects.create(booking=BookingFactory(), statement="I broke my arm.")


def _paid() -> None:
    make.pay(BookingFactory())


LISTS: dict[str, Callable[[], Any]] = {
    "accounts/user": student,
    "catalog/instructor": OfferingFactory,
    "catalog/offering": OfferingFactory,
    "lessons/booking": BookingFactory,
    "lessons/emergencyrequest": _emergency,
    "lessons/lessonreport": _report,
    "lessons/strike": _strike,
    "payments/ledgertransaction": _paid,
    "payments/paymentattempt": _paid,
    "reviews/review": ReviewFactory,
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_does_not_ask_row_by_row(kind: str) -> None:
    desk, address = at_work(staff(Role.ADMIN)), f"/admin/{kind}/"

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(address).status_code == 200
        return len(captured)

    LISTS[kind]()
    queries()
    one = queries()
    LISTS[kind]()
    LISTS[kind]()
    assert queries() <= one
