"""Bookings in any state."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import factory
from factory.django import DjangoModelFactory

from accounts.models import Learner
from bookings.lessons.models import Booking
from catalog.models import Modality, Policy
from instainstru import clock
from instainstru.identifiers import booking_code
from tests.factories.accounts import LearnerFactory, UserFactory
from tests.factories.catalog import OfferingFactory


def tomorrow_at(hour: int, minute: int = 0, *, days: int = 1) -> datetime:
    """Return the UTC instant of a New York wall-clock time ``days`` from today."""
    on = clock.now().astimezone(clock.NEW_YORK).date() + timedelta(days=days)
    local = datetime.combine(on, time(hour, minute), tzinfo=clock.NEW_YORK)
    return local.astimezone(ZoneInfo("UTC"))


def _self_learner(booking: Any) -> Learner | None:
    if booking.student is None:
        return None
    known = Learner.objects.filter(manager=booking.student, is_self=True).first()
    return known or LearnerFactory(
        manager=booking.student, name=booking.student.first_name, is_self=True
    )


def _price_cents(booking: Any) -> int:
    prices = booking.offering.prices.values_list("duration_minutes", "price_cents")
    return dict(prices).get(booking.duration_minutes, 8500)


class BookingFactory(DjangoModelFactory[Booking]):
    """A confirmed lesson of 60 minutes, tomorrow at 10:00 in New York, paid price copied.

    Change ``start_at``, ``duration_minutes``, ``status`` … freely; the rest follows. For a guest's
    hold use ``HoldFactory(student=None, guest_key="…")``.
    """

    class Meta:
        model = Booking

    student = factory.SubFactory(UserFactory)
    learner = factory.LazyAttribute(_self_learner)
    offering = factory.SubFactory(OfferingFactory)
    instructor = factory.SelfAttribute("offering.instructor")
    policy = factory.LazyFunction(Policy.objects.current)
    duration_minutes = 60
    start_at = factory.LazyFunction(lambda: tomorrow_at(10))
    end_at = factory.LazyAttribute(
        lambda row: row.start_at + timedelta(minutes=row.duration_minutes)
    )
    buffer_before_minutes = 0
    buffer_after_minutes = 15
    zone = factory.SelfAttribute("instructor.zone")
    service_name = factory.SelfAttribute("offering.service.name")
    modality = Modality.AT_STUDENT
    neighborhood = factory.SelfAttribute("instructor.base_neighborhood")
    address = "45 Carroll Street, Apt 2"
    price_cents = factory.LazyAttribute(_price_cents)
    fee_pct = 15
    status = Booking.Status.CONFIRMED
    code = factory.LazyFunction(booking_code)
    confirmed_at = factory.LazyFunction(clock.now)


class HoldFactory(BookingFactory):
    """A live hold: ten minutes left, no code yet."""

    status = Booking.Status.HELD
    code = None
    confirmed_at = None
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(minutes=10))
