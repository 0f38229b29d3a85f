"""The time page: what is chosen, the month around it and the times of the day.

Spec: S12.1-S12.6
"""

import calendar
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.owners import Owner
from bookings.lessons import rules
from bookings.lessons.rules import BookabilityFacts, DayState
from bookings.lessons.selectors import WantedLesson, lesson_zone, load_facts
from catalog.models import Instructor, Modality, Offering
from instainstru.clock import NEW_YORK

NOON, EVENING = 12, 17
DEFAULT_MINUTES = 60
# The month looks one step further for "Next available"; the advance limit is at most a year.
LOOK_AHEAD_DAYS = 62


@dataclass(frozen=True)
class Choice:
    """What the address or the form says, already parsed; None where it said nothing useful."""

    service_slug: str | None = None
    duration_minutes: int | None = None
    modality: str | None = None
    local_on: date | None = None
    month: date | None = None
    start_at: datetime | None = None
    learner_id: int | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class MonthDay:
    """One cell of the month."""

    on: date
    state: DayState
    count: int
    is_in_month: bool
    is_selected: bool
    is_today: bool

    @property
    def label(self) -> str:
        """What a screen reader says: the day and how many times it has."""
        words = {
            DayState.FULL: "no times left",
            DayState.CLOSED: "not available",
            DayState.OUTSIDE: "cannot be booked",
        }
        times = "1 time" if self.count == 1 else f"{self.count} times"
        return f"{self.on:%A, %B} {self.on.day}, {words.get(self.state, times)}"


@dataclass(frozen=True)
class TimeGroup:
    """Starts of one part of the day."""

    name: str
    starts: list[datetime]

    def as_slots(self, chosen: datetime | None) -> dict[str, object]:
        """Return the group as the slot component wants it; a value is the UTC instant."""
        slots = [
            {
                "start_at": start,
                "value": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "state": "open",
                "checked": start == chosen,
            }
            for start in self.starts
        ]
        return {"title": self.name, "slots": slots, "note": "No times."}


@dataclass(frozen=True)
class ChosenOffer:
    """An offer with the length in minutes and the place that will be booked."""

    offering: Offering
    durations: list[tuple[int, int]]
    duration_minutes: int
    modality: str
    notices: tuple[str, ...] = ()

    @property
    def price_cents(self) -> int:
        """The lesson, without travel."""
        return dict(self.durations)[self.duration_minutes]

    @property
    def travel_fee_cents(self) -> int:
        """What the way to the student costs; nothing elsewhere."""
        return self.offering.travel_fee_cents if self.modality == Modality.AT_STUDENT else 0

    @property
    def modalities(self) -> list[tuple[str, str]]:
        """The places on offer with their words."""
        return [(mode, Modality(mode).label) for mode in self.offering.modalities]


@dataclass(frozen=True)
class TimePage:
    """Everything the time page shows."""

    instructor: Instructor
    offerings: list[Offering]
    offering: Offering
    durations: list[tuple[int, int]]
    duration_minutes: int
    price_cents: int
    modalities: list[tuple[str, str]]
    modality: str
    travel_fee_cents: int
    zone: ZoneInfo
    month_on: date
    weeks: list[list[MonthDay]]
    selected_on: date | None
    groups: list[TimeGroup]
    previous_month: date | None
    next_month: date | None
    next_open: datetime | None
    chosen_at: datetime | None = None
    neighbours: list[date] = field(default_factory=list)
    day_reasons: list[str] = field(default_factory=list)
    notices: tuple[str, ...] = ()

    @property
    def total_cents(self) -> int:
        """Lesson and travel, in cents."""
        return self.price_cents + self.travel_fee_cents

    @property
    def slot_groups(self) -> list[dict[str, object]]:
        """The times as radio buttons under Morning, Afternoon and Evening."""
        return [group.as_slots(self.chosen_at) for group in self.groups]

    @property
    def zone_words(self) -> str:
        """The zone in words, printed above every list of times."""
        return (
            "Eastern (New York)"
            if self.zone.key == NEW_YORK.key
            else self.zone.key.replace("_", " ")
        )

    @property
    def has_times(self) -> bool:
        """Whether the selected day has a bookable start."""
        return any(group.starts for group in self.groups)


def build_time_page(
    instructor: Instructor, choice: Choice, *, owner: Owner | None, now: datetime
) -> TimePage | None:
    """Return the page for a choice, filling what is missing; None when nothing is on offer."""
    offerings = _active_offerings(instructor)
    if not offerings:
        return None
    chosen = choose_offer(offerings, choice)
    offering, minutes, modality = chosen.offering, chosen.duration_minutes, chosen.modality
    durations = chosen.durations
    zone = lesson_zone(instructor)
    today = now.astimezone(zone).date()
    selected = choice.local_on
    if selected is None and choice.start_at is not None:
        selected = choice.start_at.astimezone(zone).date()
    month_on = (choice.month or selected or today).replace(day=1)
    wanted = WantedLesson(
        offering=offering, duration_minutes=minutes, modality=modality, owner=owner,
        learner_id=choice.learner_id,
    )  # fmt: skip
    first_on, last_on = _grid_bounds(month_on)
    facts = load_facts(
        wanted,
        first_on=min(first_on, today),
        last_on=max(last_on, today + timedelta(days=LOOK_AHEAD_DAYS)),
        now=now,
    )
    starts = rules.bookable_starts(
        facts,
        minutes,
        min(first_on, today),
        max(last_on, today + timedelta(days=LOOK_AHEAD_DAYS)),
        now,
    )
    by_day = _group_by_day(starts, zone)
    if selected is None or selected.replace(day=1) != month_on:
        selected = _first_open_in_month(by_day, month_on)
    states = rules.day_states(facts, minutes, first_on, last_on, now)
    return TimePage(
        instructor=instructor,
        offerings=offerings,
        offering=offering,
        durations=durations,
        duration_minutes=minutes,
        price_cents=chosen.price_cents,
        modalities=chosen.modalities,
        modality=modality,
        travel_fee_cents=chosen.travel_fee_cents,
        zone=zone,
        month_on=month_on,
        weeks=_weeks(month_on, states, by_day, selected, today),
        selected_on=selected,
        groups=_day_groups(by_day.get(selected, []) if selected else [], zone),
        previous_month=_previous(month_on, today),
        next_month=_next(month_on, today, facts),
        next_open=_next_open(starts, selected, zone),
        chosen_at=choice.start_at,
        neighbours=_open_neighbours(by_day, selected),
        day_reasons=_reasons(facts, minutes, selected, by_day, now),
        notices=chosen.notices,
    )


def choose_offer(offerings: list[Offering], choice: Choice) -> ChosenOffer:
    """Return what a choice means among these offers (at least one); says what it replaced.

    Spec: S10.4
    """
    notices = list(choice.notices)
    offering = _chosen_offering(offerings, choice, notices)
    durations = [(row.duration_minutes, row.price_cents) for row in offering.prices.all()]
    return ChosenOffer(
        offering=offering,
        durations=durations,
        duration_minutes=_chosen_minutes(durations, choice, notices),
        modality=_chosen_modality(offering, choice, notices),
        notices=tuple(notices),
    )


def _active_offerings(instructor: Instructor) -> list[Offering]:
    rows = instructor.offerings.filter(is_active=True, service__is_active=True)
    offerings = list(
        rows.select_related("service", "instructor").prefetch_related("prices").order_by("pk")
    )
    return [offering for offering in offerings if offering.prices.all()]


def _chosen_offering(offerings: list[Offering], choice: Choice, notices: list[str]) -> Offering:
    if choice.service_slug is None:
        return offerings[0]
    for offering in offerings:
        if offering.service.slug == choice.service_slug:
            return offering
    notices.append("That service is not on offer here, so we show another one.")
    return offerings[0]


def _chosen_minutes(durations: list[tuple[int, int]], choice: Choice, notices: list[str]) -> int:
    lengths = [minutes for minutes, _ in durations]
    if choice.duration_minutes in lengths:
        return choice.duration_minutes
    fallback = DEFAULT_MINUTES if DEFAULT_MINUTES in lengths else lengths[0]
    if choice.duration_minutes is not None:
        notices.append(f"That length is not on offer, so we show {fallback} minutes.")
    return fallback


def _chosen_modality(offering: Offering, choice: Choice, notices: list[str]) -> str:
    if choice.modality in offering.modalities:
        return choice.modality
    if choice.modality is not None:
        notices.append("That place is not on offer, so we show another one.")
    return offering.modalities[0]


def _grid_bounds(month_on: date) -> tuple[date, date]:
    weeks = calendar.Calendar(firstweekday=6).monthdatescalendar(month_on.year, month_on.month)
    return weeks[0][0], weeks[-1][-1]


def _group_by_day(starts: list[datetime], zone: ZoneInfo) -> dict[date, list[datetime]]:
    by_day: dict[date, list[datetime]] = defaultdict(list)
    for start in starts:
        by_day[start.astimezone(zone).date()].append(start)
    return by_day


def _first_open_in_month(by_day: dict[date, list[datetime]], month_on: date) -> date | None:
    return next((on for on in sorted(by_day) if on.replace(day=1) == month_on), None)


def _weeks(
    month_on: date,
    states: dict[date, DayState],
    by_day: dict[date, list[datetime]],
    selected: date | None,
    today: date,
) -> list[list[MonthDay]]:
    weeks = calendar.Calendar(firstweekday=6).monthdatescalendar(month_on.year, month_on.month)
    return [
        [
            MonthDay(
                on=on,
                state=states[on],
                count=len(by_day.get(on, ())),
                is_in_month=on.month == month_on.month,
                is_selected=on == selected,
                is_today=on == today,
            )
            for on in week
        ]
        for week in weeks
    ]


def _day_groups(starts: list[datetime], zone: ZoneInfo) -> list[TimeGroup]:
    groups = {"Morning": [], "Afternoon": [], "Evening": []}  # type: dict[str, list[datetime]]
    for start in starts:
        hour = start.astimezone(zone).hour
        name = "Morning" if hour < NOON else "Afternoon" if hour < EVENING else "Evening"
        groups[name].append(start)
    return [TimeGroup(name, found) for name, found in groups.items()]


def _previous(month_on: date, today: date) -> date | None:
    earlier = (month_on - timedelta(days=1)).replace(day=1)
    return earlier if earlier >= today.replace(day=1) else None


def _next(month_on: date, today: date, facts: BookabilityFacts) -> date | None:
    later = (month_on + timedelta(days=32)).replace(day=1)
    return later if later <= today + timedelta(days=facts.rules.max_advance_days) else None


def _next_open(starts: list[datetime], selected: date | None, zone: ZoneInfo) -> datetime | None:
    if selected is None:
        return starts[0] if starts else None
    later = (start for start in starts if start.astimezone(zone).date() > selected)
    return next(later, None)


def _open_neighbours(by_day: dict[date, list[datetime]], selected: date | None) -> list[date]:
    """Return the open days nearest to an empty one, one on each side (Spec: S12.1)."""
    if selected is None or by_day.get(selected):
        return []
    days = sorted(on for on, starts in by_day.items() if starts)
    before = [on for on in days if on < selected][-1:]
    after = [on for on in days if on > selected][:1]
    return before + after


def _reasons(
    facts: BookabilityFacts,
    minutes: int,
    selected: date | None,
    by_day: dict[date, list[datetime]],
    now: datetime,
) -> list[str]:
    if selected is None or by_day.get(selected):
        return []
    return [failure.student_text for failure in rules.explain_day(facts, minutes, selected, now)]
