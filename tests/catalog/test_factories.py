"""The factories make what the rules accept."""

from datetime import timedelta

import pytest

from bookings.lessons.models import Booking
from bookings.lessons.selectors import next_times
from catalog.models import Offering, Service
from instainstru import clock
from tests.factories.catalog import InstructorFactory, OfferingFactory, ServiceFactory
from tests.factories.lessons import BookingFactory, HoldFactory

pytestmark = pytest.mark.django_db


def test_offering_is_bookable_on_each_of_the_next_days() -> None:
    offering = OfferingFactory()
    assert Offering.objects.bookable().get() == offering
    key = (offering.instructor_id, 60)
    times = next_times([key], now=clock.now(), limit=3)[key]
    assert len(times) == 3
    assert times[0] - clock.now() < timedelta(days=2)


def test_bookings_do_not_collide_and_carry_the_price() -> None:
    booking = BookingFactory()
    assert (booking.price_cents, booking.status) == (8500, "confirmed")
    hold = HoldFactory(offering=booking.offering, student=None, guest_key="g" * 20,
                       start_at=booking.start_at + timedelta(hours=3))  # fmt: skip
    assert hold.learner is None
    assert set(Booking.objects.blocking(clock.now())) == {booking, hold}


def test_names_give_slugs_and_phrases() -> None:
    service = ServiceFactory(name="Cajón")
    assert ServiceFactory(name="Cajón") == service == Service.objects.get(slug="cajon")
    assert service.phrases.filter(phrase="cajon", kind="name").exists()
    assert InstructorFactory(weekly=[]).weekly_windows.count() == 0
