"""Saving an instructor's booking rules and zone, under the lock of bookings (Spec: S15.7, D13)."""

from dataclasses import dataclass

from accounts.audit import record_event
from accounts.models import User
from accounts.zones import named_zone
from bookings.availability.models import MINUTES_A_DAY, AvailabilityRules, ConnectedCalendar
from bookings.availability.permissions import CALENDAR
from bookings.availability.selectors import Limits
from bookings.lessons.locks import booking_transaction
from catalog.models import Instructor, Modality
from catalog.team import find_own_profile
from instainstru import clock
from instainstru.clock import NEW_YORK
from instainstru.errors import ConflictError, ValidationFailedError
from instainstru.page_store.versions import CATALOGUE, bump

STEPS = (15, 30, 60)
BUFFER_MAX = 120
NOTICE_MAX_MINUTES = 14 * MINUTES_A_DAY
ADVANCE_MAX_DAYS = 365
LESSONS_MAX = 24
WEEK_MINUTES = 7 * MINUTES_A_DAY


@dataclass(frozen=True)
class _Range:
    least: int
    most: int
    is_optional: bool = False

    def refuses(self, value: int | None) -> bool:
        return not self.is_optional if value is None else not self.least <= value <= self.most


_RANGES = {
    "buffer_before_minutes": _Range(0, BUFFER_MAX),
    "buffer_after_minutes": _Range(0, BUFFER_MAX),
    "min_notice_minutes": _Range(0, NOTICE_MAX_MINUTES),
    "max_advance_days": _Range(1, ADVANCE_MAX_DAYS),
    "max_lessons_per_day": _Range(1, LESSONS_MAX, is_optional=True),
    "max_minutes_per_week": _Range(1, WEEK_MINUTES, is_optional=True),
}


def save_rules(*, by: User, rules: Limits) -> None:
    """Store the rules of the person's own calendar; lessons that are booked keep theirs (R17).

    Raises ``ForbiddenError``, ``NotFoundError`` without a profile, ``ValidationFailedError`` naming
    each field that is out of its range. Spec: S15.7
    """
    values = rules._asdict()
    fields = {
        name: f"Use a number from {allowed.least} to {allowed.most}."
        for name, allowed in _RANGES.items()
        if allowed.refuses(values[name])
    }
    if rules.slot_step_minutes not in STEPS:
        fields["slot_step_minutes"] = "Choose 15, 30 or 60 minutes."
    if fields:
        raise ValidationFailedError("Some rules can't be saved.", fields=fields)
    instructor = find_own_profile(by, CALENDAR)
    with booking_transaction(instructor_ids=[instructor.pk]):
        AvailabilityRules.objects.update_or_create(instructor=instructor, defaults=values)


def change_zone(*, by: User, zone: str, known_zone: str) -> None:
    """Read the person's hours on the clocks of another zone; lessons keep their instants.

    ``known_zone`` is the one that the page of the question showed. Raises ``ConflictError`` when it
    is not that any more, ``ValidationFailedError`` for an unknown zone, and for another than New
    York's while they teach in person. Spec: D13, S15.7
    """
    instructor = find_own_profile(by, CALENDAR)
    check_zone(instructor, zone)
    with booking_transaction(instructor_ids=[instructor.pk]):
        instructor.refresh_from_db(fields=["zone"])
        if instructor.zone != known_zone:
            raise ConflictError("Your time zone was changed elsewhere meanwhile.")
        instructor.zone = zone
        instructor.save(update_fields=["zone"])
        # Their whole days and times without a zone are others now.
        ConnectedCalendar.objects.filter(instructor=instructor).update(due_at=clock.now())
        record_event(
            "instructor.zone_changed",
            by=by,
            on=instructor,
            subject=instructor.user,
            before={"zone": known_zone},
            after={"zone": zone},
        )
        bump(CATALOGUE)


def check_zone(instructor: Instructor, zone: str) -> None:
    """Raise ``ValidationFailedError`` when the instructor cannot live by this zone. 05"""
    if named_zone(zone) is None:
        raise _wrong("Choose one of the time zones.")
    offers = instructor.offerings.filter(is_active=True)
    if zone != NEW_YORK.key and offers.exclude(modalities=[Modality.ONLINE]).exists():
        raise _wrong("You teach in person in New York. Another zone is for online lessons only.")


def _wrong(text: str) -> ValidationFailedError:
    return ValidationFailedError(text, fields={"zone": text})
