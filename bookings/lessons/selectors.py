"""Reads that assemble what the booking rules need, for one offer or for many at once."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections, router

from accounts.models import Block, User
from accounts.owners import Owner
from bookings.availability.selectors import InstructorTime, Limits, instant_at, load_instructor_time
from bookings.lessons import rules
from bookings.lessons.managers import BookingQuerySet
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
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
# Lessons that only use up the caps.
_OVER = frozenset({Status.COMPLETED, Status.NO_SHOW_STUDENT})


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


def wanted_again(booking: Booking, *, owner: Owner | None = None) -> WantedLesson:
    """Return a booking's lesson as somebody wants it at another time, or again at its own."""
    return WantedLesson(
        offering=booking.offering,
        duration_minutes=booking.duration_minutes,
        modality=booking.modality,
        neighborhood_id=booking.neighborhood_id,
        owner=owner,
        learner_id=booking.learner_id,
    )


def find_lesson(*, by: User, code: str) -> Booking:
    """Return the person's own confirmed or former lesson; raises ``NotFoundError``. Spec: G5."""
    return _found(Booking.objects.of_student(by), code)


def find_taught_lesson(*, by: User, code: str) -> Booking:
    """Return a lesson that the person teaches or taught; raises ``NotFoundError``. Spec: G5."""
    return _found(Booking.objects.of_instructor(by), code)


def find_on_side(*, by: User, code: str, side: str) -> Booking:
    """Return the lesson of the one who booked or teaches it; raises ``NotFoundError``. Spec: G5"""
    find = find_lesson if side == Side.STUDENT else find_taught_lesson
    return find(by=by, code=code)


def side_of(*, by: User, code: str) -> Side:
    """Return on which side of a lesson somebody is; a stranger is told nothing by it."""
    is_student = Booking.objects.of_student(by).filter(code=code).exists()
    return Side.STUDENT if is_student else Side.INSTRUCTOR


def held_together(hold: Booking) -> list[Booking]:
    """Return what is paid with this hold: itself, or all the lessons of its series. Spec: R19"""
    if hold.series is None:
        return [hold]
    return list(Booking.objects.together_with(hold).with_people())


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
    existing = _bookings_of({instructor.pk: time}, first_on, last_on, wanted.owner)
    facts = BookabilityFacts(
        rules=_instructor_rules(time, lesson_zone(instructor)),
        offer=_offer_facts(wanted, now),
        schedule=time.schedule,
        bookings=tuple(existing[instructor.pk]),
    )
    if wanted.learner_id is None:
        return facts
    learner = _learner_bookings(wanted.learner_id, first_on, last_on, wanted.owner)
    return replace(facts, learner_bookings=tuple(learner))


def _instructor_rules(time: InstructorTime, zone: ZoneInfo) -> InstructorRules:
    return InstructorRules(zone=zone, **time.rules._asdict())


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


# In the order of ``_booking``. Hundreds of rows are read for a search, so instants are numbers,
# which are read in a tenth of the time. Written out like the layers of the hours.
_ROW = """
    jsonb_build_array(id, extract(epoch from start_at), extract(epoch from end_at),
        buffer_before_minutes, buffer_after_minutes, learner_id, status,
        extract(epoch from expires_at), purpose, student_id, guest_key, service_name)
"""
_INSIDE = "start_at < %(until)s AND end_at > %(since)s AND status = ANY(%(blocking)s)"
_OF_INSTRUCTORS = f"""
    SELECT instructor_id, jsonb_agg({_ROW}) FROM lessons_booking
     WHERE instructor_id = ANY(%(ids)s) AND {_INSIDE}
"""  # noqa: S608 - put together from constants, as those below
_USED_UP = """
        OR instructor_id = ANY(%(capped)s) AND status = ANY(%(counted)s)
           AND start_at < %(week_until)s AND end_at > %(week_since)s
"""
_OF_LEARNER = f"""
    SELECT jsonb_agg({_ROW}) FROM lessons_booking WHERE learner_id = %(id)s AND {_INSIDE}
"""  # noqa: S608


def _bookings_of(
    times: Mapping[int, InstructorTime], first_on: date, last_on: date, owner: Owner | None
) -> Mapping[int, list[ExistingBooking]]:
    """Return what blocks the dates; with caps also the lessons that used up their weeks."""
    capped = [pk for pk, time in times.items() if _has_caps(time.rules)]
    asked = {
        "ids": list(times),
        "capped": capped,
        "counted": _names(COUNTED),
        "week_since": _noon(first_on) - _WEEKS,
        "week_until": _noon(last_on) + _WEEKS,
        **_inside(first_on, last_on),
    }
    where = _OF_INSTRUCTORS + _USED_UP if capped else _OF_INSTRUCTORS
    found: dict[int, list[ExistingBooking]] = defaultdict(list)
    with connections[router.db_for_read(Booking)].cursor() as cursor:
        cursor.execute(f"{where} GROUP BY instructor_id", asked)
        for instructor_id, rows in cursor.fetchall():
            found[instructor_id] = _existing(rows, owner)
    return found


def _inside(first_on: date, last_on: date) -> dict[str, Any]:
    since, until = _noon(first_on) - _NIGHTS, _noon(last_on) + _NIGHTS
    return {"since": since, "until": until, "blocking": _names(BLOCKING)}


def _names(statuses: Collection[Status]) -> list[str]:
    return [status.value for status in statuses]


def _noon(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, 12, tzinfo=NEW_YORK)


def _has_caps(rules: Limits) -> bool:
    return rules.max_lessons_per_day is not None or rules.max_minutes_per_week is not None


def _learner_bookings(
    learner_id: int, first_on: date, last_on: date, owner: Owner | None
) -> list[ExistingBooking]:
    with connections[router.db_for_read(Booking)].cursor() as cursor:
        cursor.execute(_OF_LEARNER, {"id": learner_id, **_inside(first_on, last_on)})
        return _existing(cursor.fetchone()[0], owner)


def _existing(rows: str | None, owner: Owner | None) -> list[ExistingBooking]:
    return [_booking(row, owner) for row in json.loads(rows)] if rows else []


def _booking(row: Sequence[Any], owner: Owner | None) -> ExistingBooking:
    (
        pk, start, end, before, after, learner_id, status, expires, purpose,
        student_id, guest_key, service_name,
    ) = row  # fmt: skip
    is_lesson, is_held = purpose == Booking.Purpose.CHECKOUT, status == Status.HELD
    is_own = owner is not None and (
        student_id == owner.user_id if owner.user_id is not None else guest_key == owner.guest_key
    )
    return ExistingBooking(
        id=pk,
        start_at=instant_at(start),
        end_at=instant_at(end),
        buffer_before_minutes=before,
        buffer_after_minutes=after,
        learner_id=learner_id,
        expires_at=instant_at(expires) if is_held else None,
        is_blocking=status not in _OVER,
        is_counted=is_lesson,
        is_own_hold=is_held and is_lesson and is_own,
        label=service_name,
    )


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
        facts = self.facts(instructor_id, duration_minutes, zone)
        first_on, last_on = first_on or self.first_on, last_on or self.last_on
        return rules.bookable_starts(facts, duration_minutes, first_on, last_on, self.now, limit)

    def facts(self, instructor_id: int, minutes: int, zone: ZoneInfo) -> BookabilityFacts:
        """Return what the rules need of an offer that is known to be live and priced."""
        return BookabilityFacts(
            rules=_instructor_rules(self.time[instructor_id], zone),
            offer=OfferFacts(priced_minutes=frozenset({minutes})),
            schedule=self.time[instructor_id].schedule,
            bookings=tuple(self.bookings.get(instructor_id, ())),
        )


def load_calendars(
    instructor_ids: Collection[int], *, first_on: date, last_on: date, now: datetime
) -> Calendars:
    """Read the time of many instructors for cards and strips. Spec: S8.4, S12.4."""
    times = load_instructor_time(
        instructor_ids, first_on=first_on - timedelta(days=1), last_on=last_on + timedelta(days=2)
    )
    bookings = _bookings_of(times, first_on, last_on, None)
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
