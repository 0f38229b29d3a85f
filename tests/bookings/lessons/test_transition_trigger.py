"""The database itself holds the table of states and the frozen terms (R13, R17)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bookings.lessons.models import Booking
from bookings.lessons.states import ALLOWED_CHANGES, FINAL, Status
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = pytest.mark.django_db

PAIRS = [(source, target) for source in Status for target in Status if source != target]


def in_state(status: Status) -> Booking:
    lesson: Booking = BookingFactory(status=status, expires_at=tomorrow_at(9))
    return lesson


def constraint_of(error: IntegrityError) -> str:
    assert error.__cause__ is not None
    return str(error.__cause__.diag.constraint_name)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=str)
def test_trigger_is_the_table(source: Status, target: Status) -> None:
    """R13: exactly the pairs of 05 section 2 pass, in any statement."""
    booking = in_state(source)
    change = Booking.objects.filter(pk=booking.pk)
    if (source, target) in ALLOWED_CHANGES:
        assert change.update(status=target) == 1
        booking.refresh_from_db()
        assert booking.status == target
        return
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change.update(status=target)
    assert constraint_of(caught.value) == "booking_transition_allowed"
    booking.refresh_from_db()
    assert booking.status == source


@pytest.mark.parametrize("status", sorted(FINAL))
def test_final_states_are_final(status: Status) -> None:
    """R13"""
    booking = in_state(status)
    for target in set(Status) - {status}:
        with pytest.raises(IntegrityError), transaction.atomic():
            Booking.objects.filter(pk=booking.pk).update(status=target)


@pytest.mark.parametrize(
    "change",
    [
        {"price_cents": 1},
        {"travel_fee_cents": 1},
        {"fee_pct": 1},
        {"duration_minutes": 30},
        {"zone": "America/Los_Angeles"},
        {"buffer_before_minutes": 5},
        {"buffer_after_minutes": 5},
        {"service_name": "Oboe"},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("status", [Status.HELD, Status.CONFIRMED])
def test_terms_of_a_booking_are_frozen(status: Status, change: dict[str, object]) -> None:
    """R17"""
    booking = in_state(status)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Booking.objects.filter(pk=booking.pk).update(**change)
    assert constraint_of(caught.value) == "booking_terms_frozen"


def test_offer_and_instructor_of_a_booking_are_frozen() -> None:
    """R17"""
    booking, other = in_state(Status.CONFIRMED), OfferingFactory()
    for change in ({"offering": other}, {"instructor": other.instructor}):
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            Booking.objects.filter(pk=booking.pk).update(**change)
        assert constraint_of(caught.value) == "booking_terms_frozen"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CONFIRMED}))
def test_only_a_confirmed_lesson_moves(status: Status) -> None:
    """T5, R16"""
    booking = in_state(status)
    later = {
        "start_at": booking.start_at + timedelta(hours=1),
        "end_at": booking.end_at + timedelta(hours=1),
    }
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Booking.objects.filter(pk=booking.pk).update(**later)
    assert constraint_of(caught.value) == "booking_moves_only_confirmed"


@pytest.mark.parametrize("status", ["held", "confirmed", "ended", "reported"])
def test_blocking_lessons_of_one_instructor_never_overlap(status: str) -> None:
    """R11"""
    first = in_state(Status(status))
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        BookingFactory(offering=first.offering, start_at=first.start_at + timedelta(minutes=30))
    assert constraint_of(caught.value) == "booking_instructor_no_overlap"
    BookingFactory(offering=first.offering, start_at=first.end_at)


@pytest.mark.parametrize("status", sorted(FINAL | {Status.COMPLETED}))
def test_rows_that_are_over_keep_nobody_out(status: Status) -> None:
    """R11"""
    first = in_state(status)
    assert BookingFactory(offering=first.offering, start_at=first.start_at).pk


def test_one_learner_is_never_in_two_lessons_at_once() -> None:
    """R7, R11"""
    first = in_state(Status.CONFIRMED)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        BookingFactory(student=first.student, learner=first.learner)
    assert constraint_of(caught.value) == "booking_learner_no_overlap"
