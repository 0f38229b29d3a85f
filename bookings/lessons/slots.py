"""What can be booked with an instructor, named as addresses and forms name it (Spec: S12.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.http import Http404

from accounts.models import Learner, User
from accounts.owners import Owner
from bookings.lessons import rules
from bookings.lessons.selectors import WantedLesson, lesson_zone, load_facts
from bookings.lessons.services import HoldRequest
from catalog.models import Instructor, Modality, Offering
from instainstru.errors import ValidationFailedError

CHOOSE_SERVICE = "Choose one of the services on offer."
CHOOSE_LENGTH = "Choose a length on offer."
CHOOSE_PLACE = "Choose a place on offer."
CHOOSE_LEARNER = "Choose one of your learners."


@dataclass(frozen=True)
class WantedSlot:
    """An offer as people name it; ``learner`` is a public id or empty."""

    service: str
    duration_minutes: int
    modality: str
    learner: str = ""


@dataclass(frozen=True)
class Slots:
    """The bookable starts of an offer, in UTC; dates are those of the instructor's ``zone``."""

    zone: ZoneInfo
    price_cents: int
    travel_fee_cents: int
    starts: Sequence[datetime]


def instructor_of(slug: str) -> Instructor:
    """Return the instructor with a public page who has, or once had, this slug."""
    rows = Instructor.objects.public_pages().select_related("base_neighborhood", "user")
    found = rows.filter(slug=slug).first() or rows.filter(slug_aliases__slug=slug).first()
    if found is None:
        raise Http404("no such instructor")
    return found


def hold_request(
    instructor: Instructor, wanted: WantedSlot, start_at: datetime, *, person: User | None
) -> HoldRequest:
    """Return what somebody picked; ``person`` is None for guests.

    Raises ``ValidationFailedError`` with the field. Length and place are checked by the hold
    itself. Spec: S12.4
    """
    offering = _offering(instructor, wanted.service)
    learner = _learner(person, wanted.learner)
    return HoldRequest(
        offering_id=offering.pk,
        start_at=start_at,
        duration_minutes=wanted.duration_minutes,
        modality=wanted.modality,
        learner_id=learner.pk if learner else None,
    )


def find_slots(
    instructor: Instructor,
    wanted: WantedSlot,
    *,
    by: Owner,
    person: User | None,
    first_on: date,
    last_on: date,
    now: datetime,
) -> Slots:
    """Return every start that could be held now on the dates, both included.

    Raises ``ValidationFailedError`` for what is not on offer. Spec: R1-R8, S12.4
    """
    offering = _offering(instructor, wanted.service)
    prices = {price.duration_minutes: price.price_cents for price in offering.prices.all()}
    if wanted.duration_minutes not in prices:
        raise ValidationFailedError(CHOOSE_LENGTH, fields={"duration": CHOOSE_LENGTH})
    if wanted.modality not in offering.modalities:
        raise ValidationFailedError(CHOOSE_PLACE, fields={"place": CHOOSE_PLACE})
    learner = _learner(person, wanted.learner)
    lesson = WantedLesson(
        offering=offering,
        duration_minutes=wanted.duration_minutes,
        modality=wanted.modality,
        owner=by,
        learner_id=learner.pk if learner else None,
    )
    facts = load_facts(lesson, first_on=first_on, last_on=last_on, now=now)
    at_student = wanted.modality == Modality.AT_STUDENT
    return Slots(
        zone=lesson_zone(instructor),
        price_cents=prices[wanted.duration_minutes],
        travel_fee_cents=offering.travel_fee_cents if at_student else 0,
        starts=rules.bookable_starts(facts, wanted.duration_minutes, first_on, last_on, now),
    )


def _offering(instructor: Instructor, service: str) -> Offering:
    rows = instructor.offerings.select_related("instructor", "service").prefetch_related("prices")
    found: Offering | None = rows.filter(service__slug=service).first()
    if found is None:
        raise ValidationFailedError(CHOOSE_SERVICE, fields={"service": CHOOSE_SERVICE})
    return found


def _learner(person: User | None, public_id: str) -> Learner | None:
    """Return the learner of this name among the person's own; strangers' do not exist."""
    if not public_id:
        return None
    mine = Learner.objects.managed_by(person) if person is not None else Learner.objects.none()
    found = mine.filter(public_id=public_id).first()
    if found is None:
        raise ValidationFailedError(CHOOSE_LEARNER, fields={"learner": CHOOSE_LEARNER})
    return found
