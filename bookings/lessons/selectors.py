"""Reads that assemble what the booking rules need, for one offer or for many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import Block, User
from accounts.owners import Owner
from bookings.availability.models import AvailabilityRules
from bookings.availability.selectors import InstructorTime, load_instructor_time
from bookings.lessons import rules
from bookings.lessons.managers import BookingQuerySet
from bookings.lessons.models import Booking
from bookings.lessons.rules import (
    BookabilityFacts,
    ExistingBooking,
    InstructorRules,
    OfferFacts,
)
from bookings.lessons.states import BLOCKING, COUNTED, Status
from catalog.models import Instructor, Modality, Offering, Policy
from catalog.selectors import earliest_check
from instainstru.clock import NEW_YORK
from instainstru.errors import NotFoundError

# A lesson or its buffers may reach over midnight into the first and last date asked for.
_NIGHTS = timedelta(days=2)
# Caps count whole weeks, so the rows of the weeks around the dates are read too.
_WEEKS = timedelta(days=8)


@dataclass(frozen=True)
class WantedLesson:
    """What somebody wants to book: an offer, a length in minutes, a place, perhaps a learner.

    ``policy`` is the one in force where it has been read already.
    """

    offering: Offering
    duration_minutes: int
    modality: str
    neighborhood_id: int | None = None
    owner: Owner | None = None
    learner_id: int | None = None
    policy: Policy | None = None


def find_lesson(*, by: User, code: str) -> Booking:
    """Return the person's own confirmed or former lesson; raises ``NotFoundError``. Spec: G5."""
    return _found(Booking.objects.of_student(by), code)


def find_taught_lesson(*, by: User, code: str) -> Booking:
    """Return a lesson that the person teaches or taught; raises ``NotFoundError``. Spec: G5."""
    return _found(Booking.objects.of_instructor(by), code)


def _found(rows: BookingQuerySet, code: str) -> Booking:
    booking = rows.with_people().filter(code=code).first()
    if booking is None:
        raise NotFoundError("We couldn't find this lesson.")
    return booking


def lesson_zone(instructor: Instructor) -> ZoneInfo:
    """Return the zone in which an instructor's rules are decided."""
    return ZoneInfo(instructor.zone) if instructor.zone else NEW_YORK


def load_facts(
    wanted: WantedLesson, *, first_on: date, last_on: date, now: datetime
) -> BookabilityFacts:
    """Return everything R1-R8 need for one wanted lesson on the local dates. Spec: R1-R8."""
    offering = wanted.offering
    instructor = offering.instructor
    time = load_instructor_time(
        [instructor.pk], first_on=first_on - timedelta(days=1), last_on=last_on + timedelta(days=2)
    )[instructor.pk]
    existing = _bookings_of({instructor.pk: time}, first_on, last_on, now, wanted.owner)
    facts = BookabilityFacts(
        rules=_instructor_rules(time, lesson_zone(instructor)),
        offer=_offer_facts(wanted, now),
        schedule=time.schedule,
        bookings=tuple(existing[instructor.pk]),
    )
    if wanted.learner_id is None:
        return facts
    learner = _learner_bookings(wanted.learner_id, first_on, last_on, now, wanted.owner)
    return replace(facts, learner_bookings=tuple(learner))


def _instructor_rules(time: InstructorTime, zone: ZoneInfo) -> InstructorRules:
    row = time.rules
    return InstructorRules(
        zone=zone,
        slot_step_minutes=row.slot_step_minutes,
        buffer_before_minutes=row.buffer_before_minutes,
        buffer_after_minutes=row.buffer_after_minutes,
        min_notice_minutes=row.min_notice_minutes,
        max_advance_days=row.max_advance_days,
        max_lessons_per_day=row.max_lessons_per_day,
        max_minutes_per_week=row.max_minutes_per_week,
    )


def _offer_facts(wanted: WantedLesson, now: datetime) -> OfferFacts:
    offering, instructor = wanted.offering, wanted.offering.instructor
    owner_id = wanted.owner.user_id if wanted.owner else None
    return OfferFacts(
        priced_minutes=frozenset(price.duration_minutes for price in offering.prices.all()),
        is_instructor_live=takes_bookings(instructor, now, wanted.policy),
        is_offer_active=offering.is_active and offering.service.is_active,
        is_mode_allowed=wanted.modality in offering.modalities,
        is_place_inside=is_place_inside(instructor, wanted.modality, wanted.neighborhood_id),
        is_blocked=owner_id is not None
        and Block.objects.between(owner_id, instructor.user_id).exists(),
        is_self_booking=owner_id is not None and owner_id == instructor.user_id,
    )


def takes_bookings(instructor: Instructor, now: datetime, policy: Policy | None = None) -> bool:
    """Tell whether the instructor is live and their background check young enough.

    ``policy`` is the one in force, for whoever has read it already.

    Spec: R8, S15.10
    """
    if instructor.status != Instructor.Status.LIVE or instructor.background_checked_on is None:
        return False
    today = now.astimezone(NEW_YORK).date()
    return instructor.background_checked_on >= earliest_check(today, policy)


def is_place_inside(instructor: Instructor, modality: str, neighborhood_id: int | None) -> bool:
    """Tell whether the instructor travels there; only lessons at the student's place ask."""
    if modality != Modality.AT_STUDENT or neighborhood_id is None:
        return True
    return instructor.served_neighborhoods.filter(pk=neighborhood_id).exists()


def _window(first_on: date, last_on: date, margin: timedelta) -> Q:
    noon = datetime(first_on.year, first_on.month, first_on.day, 12, tzinfo=NEW_YORK)
    until = datetime(last_on.year, last_on.month, last_on.day, 12, tzinfo=NEW_YORK)
    return Q(start_at__lt=until + margin, end_at__gt=noon - margin)


_FIELDS = (
    "pk", "instructor_id", "start_at", "end_at", "buffer_before_minutes", "buffer_after_minutes",
    "learner_id", "status", "expires_at", "purpose", "student_id", "guest_key", "service_name",
)  # fmt: skip


def _bookings_of(
    times: Mapping[int, InstructorTime],
    first_on: date,
    last_on: date,
    now: datetime,
    owner: Owner | None,
) -> Mapping[int, list[ExistingBooking]]:
    """Return what blocks the dates; with caps also the lessons that used up their weeks."""
    capped = [pk for pk, time in times.items() if _has_caps(time.rules)]
    wanted = Q(
        _window(first_on, last_on, _NIGHTS),
        instructor_id__in=list(times),
        status__in=list(BLOCKING),
    )
    if capped:
        wanted |= Q(
            _window(first_on, last_on, _WEEKS), instructor_id__in=capped, status__in=list(COUNTED)
        )
    found: dict[int, list[ExistingBooking]] = defaultdict(list)
    for row in Booking.objects.filter(wanted).values(*_FIELDS):
        found[row["instructor_id"]].append(_existing(row, owner))
    return found


def _has_caps(rules: AvailabilityRules) -> bool:
    return rules.max_lessons_per_day is not None or rules.max_minutes_per_week is not None


def _learner_bookings(
    learner_id: int, first_on: date, last_on: date, now: datetime, owner: Owner | None
) -> Iterable[ExistingBooking]:
    rows = (
        Booking.objects.blocking(now)
        .filter(_window(first_on, last_on, _NIGHTS), learner_id=learner_id)
        .values(*_FIELDS)
    )
    return (_existing(row, owner) for row in rows)


def _existing(row: Mapping[str, object], owner: Owner | None) -> ExistingBooking:
    status = Status(str(row["status"]))
    return ExistingBooking(
        id=row["pk"],
        start_at=row["start_at"],  # type: ignore[arg-type]
        end_at=row["end_at"],  # type: ignore[arg-type]
        buffer_before_minutes=row["buffer_before_minutes"],  # type: ignore[arg-type]
        buffer_after_minutes=row["buffer_after_minutes"],  # type: ignore[arg-type]
        learner_id=row["learner_id"],
        expires_at=row["expires_at"] if status is Status.HELD else None,  # type: ignore[arg-type]
        is_blocking=status not in (Status.COMPLETED, Status.NO_SHOW_STUDENT),
        is_counted=row["purpose"] == Booking.Purpose.CHECKOUT,
        is_own_hold=status is Status.HELD and owner is not None and _is_owner(row, owner),
        label=str(row["service_name"]),
    )


def _is_owner(row: Mapping[str, object], owner: Owner) -> bool:
    if row["purpose"] != Booking.Purpose.CHECKOUT:
        return False
    if owner.user_id is not None:
        return row["student_id"] == owner.user_id
    return row["guest_key"] == owner.guest_key


@dataclass(frozen=True)
class Calendars:
    """The time of many instructors on some local dates, read in two queries."""

    first_on: date
    last_on: date
    now: datetime
    time: Mapping[int, InstructorTime]
    bookings: Mapping[int, list[ExistingBooking]]

    def starts(
        self,
        instructor_id: int,
        duration_minutes: int,
        *,
        zone: ZoneInfo = NEW_YORK,
        first_on: date | None = None,
        last_on: date | None = None,
        limit: int | None = None,
    ) -> list[datetime]:
        """Return the bookable starts of an offer that is known to be live and priced.

        ``limit`` says how many are enough.
        """
        facts = BookabilityFacts(
            rules=_instructor_rules(self.time[instructor_id], zone),
            offer=OfferFacts(priced_minutes=frozenset({duration_minutes})),
            schedule=self.time[instructor_id].schedule,
            bookings=tuple(self.bookings.get(instructor_id, ())),
        )
        first_on, last_on = first_on or self.first_on, last_on or self.last_on
        return rules.bookable_starts(facts, duration_minutes, first_on, last_on, self.now, limit)


def load_calendars(
    instructor_ids: Collection[int], *, first_on: date, last_on: date, now: datetime
) -> Calendars:
    """Read the time of many instructors for cards and strips. Spec: S8.4, S12.4."""
    times = load_instructor_time(
        instructor_ids, first_on=first_on - timedelta(days=1), last_on=last_on + timedelta(days=2)
    )
    bookings = _bookings_of(times, first_on, last_on, now, None)
    return Calendars(first_on, last_on, now, times, bookings)


def next_times(
    wanted: Sequence[tuple[int, int]], *, now: datetime, days: int = 14, limit: int = 3
) -> dict[tuple[int, int], list[datetime]]:
    """Return for each (instructor id, minutes) up to ``limit`` bookable starts, in UTC.

    Only dates from today on, in the instructor's zone as New York has it. Spec: S8.4, S9.1.
    """
    today = now.astimezone(NEW_YORK).date()
    calendars = load_calendars(
        {pk for pk, _ in wanted}, first_on=today, last_on=today + timedelta(days=days - 1), now=now
    )
    return {key: calendars.starts(*key, limit=limit) for key in wanted}
