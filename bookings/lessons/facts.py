"""What the booking rules need to know, as plain values read from the database beforehand."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bookings.availability.intervals import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructorRules:
    """An instructor's own limits; lengths in minutes, ``None`` means no limit (Spec: S15.7).

    An offer with its own buffers passes them here in place of the instructor's.
    """

    zone: ZoneInfo
    slot_step_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    min_notice_minutes: int
    max_advance_days: int
    max_lessons_per_day: int | None = None
    max_minutes_per_week: int | None = None


class ExistingBooking(NamedTuple):
    """A row that may stand in the way; instants in UTC, buffers in minutes as copied onto it.

    ``expires_at`` is set on holds, which count until then. ``is_blocking`` is false for lessons
    that only use up the caps (completed ones); ``is_counted`` is false for rows that block but are
    no lesson of their own (the target of a proposal). ``is_own_hold`` marks a hold that taking an
    overlapping time gives up (T3). ``label`` names the row to its instructor, never to others.
    """

    id: Hashable
    start_at: datetime
    end_at: datetime
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    learner_id: Hashable | None = None
    expires_at: datetime | None = None
    is_blocking: bool = True
    is_counted: bool = True
    is_own_hold: bool = False
    label: str = ""

    def is_live(self, now: datetime) -> bool:
        """Tell whether the row still counts at ``now``; a hold that expires now does not."""
        return self.expires_at is None or now < self.expires_at

    def overlaps(self, start_at: datetime, end_at: datetime) -> bool:
        """Tell whether the lesson itself shares an instant with ``[start_at, end_at)``."""
        return self.start_at < end_at and start_at < self.end_at


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFacts:
    """The answers behind R8; ``priced_minutes`` are the durations that have a price."""

    priced_minutes: frozenset[int]
    is_instructor_live: bool = True
    is_offer_active: bool = True
    is_mode_allowed: bool = True
    is_place_inside: bool = True
    is_blocked: bool = False
    is_self_booking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BookabilityFacts:
    """Everything R1-R8 look at, except the clock and the wanted start and duration.

    ``bookings`` are the instructor's, ``learner_bookings`` the learner's with anybody. Rows in
    ``ignored_ids`` are the lesson being moved (and its proposal): R4, R6 and R7 do not see them.
    """

    rules: InstructorRules
    offer: OfferFacts
    schedule: Schedule = field(default_factory=Schedule)
    bookings: tuple[ExistingBooking, ...] = ()
    learner_bookings: tuple[ExistingBooking, ...] = ()
    ignored_ids: frozenset[Hashable] = frozenset()
    is_instructor_proposal: bool = False
