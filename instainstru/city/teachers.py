"""Instructors as lesson planning sees them: offers, rules and open hours."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Prefetch

from bookings.availability.intervals import Schedule
from bookings.availability.selectors import Limits, load_instructor_time
from catalog.models import Coverage, Instructor, Offering
from instainstru.city.hours import SATURDAY
from instainstru.clock import NEW_YORK

NOON = 12 * 60
Taken = tuple[int, int]


@dataclass(frozen=True)
class Offer:
    """What can be booked; prices in cents by minutes."""

    pk: int
    service_name: str
    modes: Sequence[str]
    ages: tuple[int, int]
    prices: Mapping[int, int]
    travel_fee_cents: int


@dataclass
class Teacher:
    """One instructor; ``taken`` holds the minutes of each local date that lessons fill."""

    pk: int
    slug: str
    zone: str
    is_founding: bool
    joined_on: date
    offers: Sequence[Offer]
    area: frozenset[int]
    rules: Limits
    schedule: Schedule
    keeps_saturday: bool
    taken: dict[date, list[Taken]] = field(default_factory=dict)

    @property
    def gap(self) -> int:
        """Minutes between two lessons: the larger of the buffers (Spec: R4)."""
        return max(self.rules.buffer_before_minutes, self.rules.buffer_after_minutes)

    def is_free(self, on: date, start: int, minutes: int) -> bool:
        """Tell whether a lesson fits: open hours, the grid, its gaps and the caps."""
        end, taken = start + minutes, self.taken.get(on, ())
        if start % self.rules.slot_step_minutes:
            return False
        if self.keeps_saturday and on.weekday() == SATURDAY and start < NOON + 60:
            return False
        if any(
            start < other_end + self.gap and other < end + self.gap for other, other_end in taken
        ):
            return False
        if not any(first <= start and end <= last for first, last in self.windows_on(on)):
            return False
        return self._is_under_caps(on, minutes)

    def take(self, on: date, start: int, minutes: int) -> None:
        """Note a lesson."""
        self.taken.setdefault(on, []).append((start, start + minutes))

    def windows_on(self, on: date) -> Sequence[tuple[int, int]]:
        """Return the open hours of a local date; any time off closes the whole date here."""
        if any(off.first_on <= on <= off.last_on for off in self.schedule.blackouts):
            return ()
        if on in self.schedule.overrides:
            return self.schedule.overrides[on]
        return [window[1:] for window in self.schedule.weekly if window[0] == on.weekday()]

    def _is_under_caps(self, on: date, minutes: int) -> bool:
        per_day, per_week = self.rules.max_lessons_per_day, self.rules.max_minutes_per_week
        if per_day is not None and len(self.taken.get(on, ())) >= per_day:
            return False
        if per_week is None:
            return True
        monday = on - timedelta(days=on.weekday())
        week = (self.taken.get(monday + timedelta(days=day), ()) for day in range(7))
        return sum(end - start for day in week for start, end in day) + minutes <= per_week


def load_teachers(
    instructor_ids: Collection[int], *, first_on: date, last_on: date
) -> list[Teacher]:
    """Return live instructors with their time on the local dates, in order of their keys."""
    offerings = Offering.objects.bookable().select_related("service").prefetch_related("prices")
    rows = (
        Instructor.objects.live()
        .filter(pk__in=instructor_ids)
        .prefetch_related(Prefetch("offerings", offerings.order_by("pk")))
        .order_by("pk")
    )
    ids = [row.pk for row in rows]
    # Caps look at whole weeks, so the days around are read as well.
    times = load_instructor_time(
        ids, first_on=first_on - timedelta(days=7), last_on=last_on + timedelta(days=7)
    )
    areas: dict[int, set[int]] = {pk: set() for pk in ids}
    for pk, place in Coverage.objects.filter(instructor__in=ids).values_list(
        "instructor_id", "neighborhood_id"
    ):
        areas[pk].add(place)
    return [
        Teacher(
            pk=row.pk,
            slug=row.slug,
            zone=row.zone,
            is_founding=row.is_founding,
            joined_on=row.created_at.date(),
            offers=[_offer(offering) for offering in row.offerings.all()],
            area=frozenset(areas[row.pk]),
            rules=times[row.pk].rules,
            schedule=times[row.pk].schedule,
            keeps_saturday=any(
                offering.service.slug == "piano" for offering in row.offerings.all()
            ),
        )
        for row in rows
    ]


def _offer(offering: Offering) -> Offer:
    return Offer(
        pk=offering.pk,
        service_name=offering.service.name,
        modes=offering.modalities,
        ages=(offering.age_from, offering.age_to),
        prices={row.duration_minutes: row.price_cents for row in offering.prices.all()},
        travel_fee_cents=offering.travel_fee_cents,
    )


def instant_of(on: date, minute: int) -> datetime:
    """Return the UTC instant of a New York minute; seeded hours avoid the clock change."""
    local = datetime.combine(on, time(*divmod(minute, 60)), tzinfo=NEW_YORK)
    return local.astimezone(UTC)
