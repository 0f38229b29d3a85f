"""Writes lessons in every state, with the prices, buffers and codes that real ones carry."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from random import Random
from uuid import UUID

from bookings.lessons.models import Booking
from bookings.lessons.states import COUNTED
from catalog.models import Policy
from instainstru.city.dice import crockford_from, dice
from instainstru.city.roster import Diaries, PlannedLesson
from instainstru.city.students import Pupils
from instainstru.city.teachers import instant_of
from instainstru.clock import NEW_YORK
from instainstru.database.bulk import insert_by_copy

CANCELLED_SHARE = 0.06
LAPSED_SHARE = 0.04
_DAY = timedelta(days=1)
_NOTES = (
    "Please ring twice, the bell is shy.",
    "There is a friendly dog.",
    "I would like to prepare for a family party.",
    "We have parking in the back.",
    "First lesson in years, please be gentle.",
)
_REASONS = ("Something came up at work.", "My child has a fever.", "I have to travel.", "")
_S = Booking.Status

Slot = tuple[date, int, int]
"""A local date, a minute of it and a length in minutes."""


@dataclass(frozen=True)
class Moment:
    """The instant the city stands at: local midnight of ``today``; ``policy`` is in force then."""

    today: date
    policy: Policy

    @cached_property
    def now(self) -> datetime:
        """Midnight in New York, as an instant in UTC."""
        return instant_of(self.today, 0)


class Codes:
    """Gives each lesson a booking code that no other has."""

    def __init__(self) -> None:
        self._taken = set(Booking.objects.exclude(code=None).values_list("code", flat=True))

    def draw(self, chance: Random) -> str:
        """Return a free code and keep it."""
        while (code := f"II-{crockford_from(chance, 6)}") in self._taken:
            pass
        self._taken.add(code)
        return code


def note_existing(diaries: Diaries, first_on: date) -> Mapping[int, Sequence[Slot]]:
    """Note the lessons that stand from a week before ``first_on``; return them by instructor."""
    taken: dict[int, list[Slot]] = defaultdict(list)
    rows = Booking.objects.filter(
        status__in=list(COUNTED), end_at__gt=instant_of(first_on, 0) - 7 * _DAY
    ).values_list("instructor_id", "learner_id", "start_at", "end_at")
    for instructor_id, learner_id, start_at, end_at in rows.iterator():
        local = start_at.astimezone(NEW_YORK)
        minutes = int((end_at - start_at).total_seconds() // 60)
        taken[instructor_id].append((local.date(), local.hour * 60 + local.minute, minutes))
        if learner_id is not None:
            diaries.note(learner_id, start_at, end_at)
    return taken


def write_lessons(
    lessons: Iterable[tuple[PlannedLesson, str]], pupils: Pupils, codes: Codes, moment: Moment
) -> list[Booking]:
    """Insert a booking for each planned lesson and some lapsed holds; return the booked ones.

    A lesson with an empty state gets the one that fits its time.
    """
    booked: list[Booking] = []
    lapsed: list[Booking] = []
    for lesson, state in lessons:
        chance = dice("lesson", lesson.teacher.slug, lesson.start_at)
        row = _booking(chance, lesson, state, moment)
        row.code = codes.draw(chance)
        booked.append(row)
        if chance.random() < LAPSED_SHARE:
            lapsed += _lapsed_holds(chance, row, pupils, moment.policy.hold_minutes)
    by_age = sorted([*booked, *lapsed], key=lambda row: (row.created_at, row.hold_id))
    insert_by_copy(Booking, by_age)
    return booked


def _booking(chance: Random, lesson: PlannedLesson, state: str, moment: Moment) -> Booking:
    teacher, offer, pupil = lesson.teacher, lesson.offer, lesson.pupil
    end_at = lesson.start_at + timedelta(minutes=lesson.minutes)
    is_visit = lesson.mode == "at_student"
    policy = moment.policy
    row = Booking(
        hold_id=crockford_from(chance, 10),
        ics_uid=UUID(int=chance.getrandbits(128), version=4),
        student_id=pupil.student_id,
        learner_id=pupil.learner_id,
        instructor_id=teacher.pk,
        offering_id=offer.pk,
        policy_id=policy.pk,
        start_at=lesson.start_at,
        end_at=end_at,
        buffer_before_minutes=teacher.rules.buffer_before_minutes,
        buffer_after_minutes=teacher.rules.buffer_after_minutes,
        zone=teacher.zone,
        duration_minutes=lesson.minutes,
        service_name=offer.service_name,
        modality=lesson.mode,
        neighborhood_id=pupil.home.pk if is_visit else None,
        address=pupil.address if is_visit else "",
        note=chance.choice(_NOTES) if chance.random() < 0.2 else "",
        price_cents=offer.prices[lesson.minutes],
        travel_fee_cents=offer.travel_fee_cents if is_visit else 0,
        fee_pct=policy.fee_founding_pct if teacher.is_founding else policy.fee_standard_pct,
        status=state or _state(chance, lesson.start_at, end_at, moment.now),
    )
    _date(row, chance, moment.now, teacher.rules.min_notice_minutes)
    return row


def _state(chance: Random, start_at: datetime, end_at: datetime, now: datetime) -> str:
    if chance.random() < CANCELLED_SHARE:
        return _S.CANCELLED_STUDENT
    if end_at > now:
        return _S.CONFIRMED
    return _S.COMPLETED if end_at + _DAY <= now else _S.ENDED


def _date(row: Booking, chance: Random, now: datetime, notice_minutes: int) -> None:
    """Give the row its history: booked in time, and nothing after ``now``."""
    latest = min(now, row.start_at - timedelta(minutes=notice_minutes))
    row.created_at = latest - timedelta(minutes=chance.randrange(90, 18 * 1440))
    row.confirmed_at = row.created_at + timedelta(minutes=chance.randrange(1, 9))
    if row.status == _S.COMPLETED:
        row.completed_at = min(now, row.end_at + timedelta(hours=chance.randrange(1, 25)))
    if row.status == _S.CANCELLED_STUDENT:
        share = chance.uniform(0.1, 0.95)
        row.cancelled_at = row.confirmed_at + (min(now, row.start_at) - row.confirmed_at) * share
        row.cancel_reason = chance.choice(_REASONS)


def _lapsed_holds(
    chance: Random, booking: Booking, pupils: Pupils, hold_minutes: int
) -> Iterator[Booking]:
    """Let somebody else have held the same time before, and given it up."""
    other = pupils.anybody(chance, (0, 99))
    if other is None or other.student_id == booking.student_id:
        return
    created_at = booking.created_at - timedelta(minutes=chance.randrange(30, 600))
    copied = (
        "instructor_id", "offering_id", "policy_id", "start_at", "end_at", "buffer_before_minutes",
        "buffer_after_minutes", "zone", "duration_minutes", "service_name", "modality",
        "price_cents", "travel_fee_cents", "fee_pct",
    )  # fmt: skip
    yield Booking(
        **{name: getattr(booking, name) for name in copied},
        hold_id=crockford_from(chance, 10),
        ics_uid=UUID(int=chance.getrandbits(128), version=4),
        student_id=other.student_id,
        status=_S.EXPIRED,
        created_at=created_at,
        expires_at=created_at + timedelta(minutes=hold_minutes),
    )
