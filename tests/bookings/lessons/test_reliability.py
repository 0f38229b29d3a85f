"""An instructor sees their strikes and says once why one is wrong (Spec: S15.15)."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.roles import Role
from bookings.lessons.models import Booking, Strike
from bookings.lessons.strikes import dispute_strike, may_dispute, reliability_of, withdraw_strike
from catalog.models import Instructor
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError
from tests.bookings.payments.test_payouts import teacher
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
WHY = "The student wrote that they would come a week later."


def struck(instructor: Instructor, *, days: int = 1) -> Strike:
    lesson = BookingFactory(
        offering=instructor.offerings.get(),
        status=Booking.Status.NO_SHOW_INSTRUCTOR,
        start_at=tomorrow_at(10, days=-days),
    )
    return Strike.objects.create(
        instructor=instructor,
        booking=lesson,
        reason=Strike.Reason.NO_SHOW,
        created_at=clock.now() - timedelta(days=days),
    )


@pytest.fixture
def desk() -> tuple[Client, Strike]:
    instructor = teacher()
    client = Client()
    client.force_login(instructor.user)
    return client, struck(instructor)


def address(strike: Strike) -> str:
    return f"/teach/lessons/{strike.booking.code}/dispute/"


def test_page_shows_strikes_and_takes_one_dispute(desk: tuple[Client, Strike]) -> None:
    client, strike = desk
    page = client.get("/teach/reliability/").content.decode()
    assert "1 strike</strong>" in page
    assert "0% of your lessons took place" in page
    assert address(strike) in page
    assert client.post(address(strike), {"text": WHY}).status_code == 303
    strike.refresh_from_db()
    assert strike.dispute == WHY
    assert (
        client.post(address(strike), {"text": "Another reason, just as long."}).status_code == 409
    )
    assert WHY in client.get("/teach/reliability/").content.decode()


@pytest.mark.parametrize("text", ["", "too short", "x" * 1001])
def test_text_that_says_nothing_is_refused_and_kept(desk: tuple[Client, Strike], text: str) -> None:
    client, strike = desk
    answer = client.post(address(strike), {"text": text})
    assert answer.status_code == 422
    assert text[:900] in answer.content.decode()
    strike.refresh_from_db()
    assert strike.dispute == ""


def test_fourteen_days_to_the_instant_and_not_once_taken_back() -> None:
    instructor = teacher()
    strike = struck(instructor)
    last = strike.created_at + timedelta(days=14)
    assert may_dispute(strike, last)
    assert not may_dispute(strike, last + timedelta(seconds=1))
    first, why = staff(Role.ADMIN), "The train stood still."
    withdraw_strike(by=first, strike_id=strike.pk, reason=why)
    with pytest.raises(ConflictError, match=f"{first.short_name} was first: {why}"):
        withdraw_strike(by=staff(Role.ADMIN), strike_id=strike.pk, reason="It was the snow.")
    with pytest.raises(ConflictError):
        dispute_strike(by=instructor.user, code=str(strike.booking.code), text=WHY)


def test_somebody_elses_strike_does_not_exist(desk: tuple[Client, Strike]) -> None:
    """G5"""
    _, strike = desk
    other = teacher()
    with pytest.raises(NotFoundError):
        dispute_strike(by=other.user, code=str(strike.booking.code), text=WHY)
    assert at_work(other.user).get(address(strike)).status_code == 404
    assert at_work(student()).get("/teach/reliability/").status_code == 403


def test_completion_counts_what_took_place_and_what_failed_through_them() -> None:
    instructor = teacher()
    offering = instructor.offerings.get()
    for day, status in enumerate(("completed", "completed", "cancelled_student"), 3):
        BookingFactory(offering=offering, status=status, start_at=tomorrow_at(10, days=-day))
    struck(instructor)
    found = reliability_of(instructor.pk)
    assert (found.taught, found.failed, found.completion_pct) == (2, 1, 66)
