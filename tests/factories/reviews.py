"""Completed lessons with reviews in any state."""

from datetime import timedelta

import factory
from factory.django import DjangoModelFactory

from bookings.lessons.models import Booking
from bookings.reviews.models import Review
from catalog.models import Offering
from instainstru import clock
from tests.factories.lessons import BookingFactory, tomorrow_at


class CompletedLessonFactory(BookingFactory):
    """A lesson ten days ago at 10:00, completed the day after."""

    status = Booking.Status.COMPLETED
    start_at = factory.LazyFunction(lambda: tomorrow_at(10, days=-10))
    completed_at = factory.LazyAttribute(lambda row: row.end_at + timedelta(days=1))


class ReviewFactory(DjangoModelFactory[Review]):
    """A published five-star review; ``ReviewFactory(booking__offering=offering, overall=4)``."""

    class Meta:
        model = Review

    booking = factory.SubFactory(CompletedLessonFactory)
    instructor = factory.SelfAttribute("booking.instructor")
    student = factory.SelfAttribute("booking.student")
    service = factory.SelfAttribute("booking.offering.service")
    overall = 5
    text = "Clear, kind and always prepared."
    created_at = factory.LazyFunction(lambda: clock.now() - timedelta(days=5))
    changed_at = factory.SelfAttribute("created_at")
    revealed_at = factory.LazyAttribute(lambda row: row.created_at + timedelta(days=1))


def reviews_of(offering: Offering, *stars: int) -> list[Review]:
    """Write a published review for each number of stars, all by different students."""
    first = tomorrow_at(9, days=-60)
    return [
        ReviewFactory(
            booking__offering=offering,
            booking__start_at=first + timedelta(days=day),
            overall=number,
        )
        for day, number in enumerate(stars)
    ]
