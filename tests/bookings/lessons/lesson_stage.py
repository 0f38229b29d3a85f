"""A paid lesson with its two sides, for the tests of what happens to lessons later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.roles import Role
from accounts.services import grant_role
from bookings.lessons.models import Booking
from instainstru import clock
from tests.bookings.lessons.stage import self_learner
from tests.factories import payments as make
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at


@dataclass(frozen=True)
class Stage:
    """Maya has paid Andre for a lesson of $90 and $5 travel, 10:00 in five days."""

    maya: User
    andre: User
    lesson: Booking

    @property
    def code(self) -> str:
        """The lesson's code."""
        return str(self.lesson.code)

    def fresh(self) -> Booking:
        """Return the lesson as it stands in the database."""
        return Booking.objects.get(pk=self.lesson.pk)


def teacher(**fields: Any) -> User:
    """Return a verified person who teaches, without a profile."""
    person: User = VerifiedUserFactory(first_name="Andre", last_name="Williams", **fields)
    grant_role(person, Role.INSTRUCTOR)
    return person


def set_stage(
    *,
    start_at: datetime | None = None,
    pays: bool = True,
    credit_cents: int = 0,
    profile: dict[str, Any] | None = None,
    **fields: Any,
) -> Stage:
    """Return a lesson that is booked and paid."""
    maya, andre = student(), teacher()
    offering = OfferingFactory(instructor=InstructorFactory(user=andre, **(profile or {})))
    lesson = BookingFactory(
        student=maya,
        learner=self_learner(maya),
        offering=offering,
        start_at=start_at or tomorrow_at(10, days=5),
        price_cents=9000,
        travel_fee_cents=500,
        confirmed_at=fields.pop("confirmed_at", clock.now()),
        **fields,
    )
    if pays:
        if credit_cents:
            make.give_credit(maya, credit_cents)
        make.pay(lesson, credit_cents=credit_cents)
    return Stage(maya, andre, lesson)
