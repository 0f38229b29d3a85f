"""The time page: the month or week around a choice and the times of the day.

Spec: S12.1-S12.6
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.owners import Owner
from bookings.lessons import rules
from bookings.lessons.rules import BookabilityFacts
from bookings.lessons.selectors import WantedLesson, lesson_zone, load_facts
from bookings.lessons.time_grid import (
    DayOfWeek,
    MonthDay,
    TimeGroup,
    bookable_dates,
    clock_change_note,
    day_groups,
    days_of_week,
    month_bounds,
    months_around,
    week_start,
    weeks_of_month,
)
from bookings.lessons.time_selection import WEEK, Choice, ChosenOffer, choose_offer, shown_zone
from catalog.models import Instructor, Offering, Policy
from instainstru.clock import NEW_YORK

# The page looks one step further for "Next open"; the advance limit is at most a year.
LOOK_AHEAD_DAYS = 62
NEAREST = 3


@dataclass(frozen=True)
class MissedStart:
    """A start that the address asked for and that cannot be booked. Spec: S12.4, S12.6."""

    start_at: datetime
    reasons: tuple[str, ...]
    nearest: Sequence[datetime]


@dataclass(frozen=True)
class EmptyDays:
    """Dates in a row that have no time for the same reasons. Spec: S12.6"""

    first_on: date
    last_on: date
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class TakenPage:
    """What the answer to a time that is gone shows; the calendar is read by the next request.

    In a crowd hundreds are refused at once, so this answer costs as little as it can (R12).
    """

    instructor: Instructor
    chosen: ChosenOffer
    choice: Choice
    zone: ZoneInfo


@dataclass(frozen=True)
class TimePage:
    """Everything the time page shows; times are UTC instants, dates are those of ``zone``."""

    instructor: Instructor
    offerings: Sequence[Offering]
    chosen: ChosenOffer
    choice: Choice
    zone: ZoneInfo
    viewer: ZoneInfo
    today: date
    last_on: date
    month_on: date
    selected_on: date | None
    by_day: Mapping[date, Sequence[datetime]]
    weeks: list[list[MonthDay]]
    week: list[DayOfWeek]
    day_reasons: Sequence[str]
    missed: MissedStart | None
    empty: Sequence[EmptyDays] = ()

    @property
    def has_empty_days(self) -> bool:
        """Whether a date of the month that could be booked has no time. Spec: S12.6"""
        return any(
            on not in self.by_day for on in bookable_dates(self.month_on, self.today, self.last_on)
        )

    @property
    def is_week(self) -> bool:
        """Whether the week is shown instead of the month."""
        return self.choice.view == WEEK

    @property
    def lesson_zone(self) -> ZoneInfo:
        """The zone of the instructor's wall."""
        return lesson_zone(self.instructor)

    @property
    def can_switch_zone(self) -> bool:
        """Whether this lesson may be read in the viewer's zone or in the instructor's."""
        return self.chosen.is_online and not _same_wall(self.viewer, self.lesson_zone, self.today)

    @property
    def their_zone(self) -> ZoneInfo | None:
        """The viewer's zone where the page shows another one and no switch: "your time"."""
        is_elsewhere = not _same_wall(self.viewer, self.lesson_zone, self.today)
        return self.viewer if is_elsewhere and not self.chosen.is_online else None

    @property
    def zone_words(self) -> str:
        """The zone in words, printed above every list of times."""
        if self.zone.key == NEW_YORK.key:
            return "Eastern (New York)"
        return self.zone.key.rpartition("/")[2].replace("_", " ")

    @property
    def starts(self) -> Sequence[datetime]:
        """The bookable starts of the selected day."""
        return self.by_day.get(self.selected_on, ()) if self.selected_on else ()

    @property
    def has_times(self) -> bool:
        """Whether there is a time to choose: on the selected day, or in the week shown."""
        return any(day.starts for day in self.week) if self.is_week else bool(self.starts)

    @property
    def chosen_at(self) -> datetime | None:
        """The chosen start, when it can be booked."""
        start_at = self.choice.start_at
        return start_at if start_at is not None and self.missed is None else None

    @property
    def groups(self) -> list[TimeGroup]:
        """The times of the selected day under Morning, Afternoon and Evening."""
        if self.selected_on is None:
            return []
        taken = self.missed.start_at if self.missed else None
        return day_groups(self.by_day, self.selected_on, self.zone, self.chosen_at, taken)

    @property
    def clock_note(self) -> str:
        """What the clock does on the selected day, when it touches a shown time. Spec: D3, D4."""
        return clock_change_note(self.selected_on, self.starts, self.zone)

    @property
    def previous_month(self) -> date | None:
        """The month before, unless it is over."""
        return months_around(self.month_on, self.today, self.last_on)[0]

    @property
    def next_month(self) -> date | None:
        """The month after, if it can be booked."""
        return months_around(self.month_on, self.today, self.last_on)[1]

    @property
    def previous_week(self) -> date | None:
        """The first day of the week before, unless it is over."""
        first_on = self.week[0].on - timedelta(days=7) if self.week else None
        return first_on if first_on and first_on > self.today - timedelta(days=7) else None

    @property
    def next_week(self) -> date | None:
        """The first day of the week after, if it can be booked."""
        first_on = self.week[0].on + timedelta(days=7) if self.week else None
        return first_on if first_on and first_on <= self.last_on else None

    @property
    def next_open(self) -> datetime | None:
        """The first start after what is shown, across months. Spec: S12.1."""
        after = self.week[-1].on if self.is_week else self.selected_on
        days = (on for on in sorted(self.by_day) if after is None or on > after)
        return next((self.by_day[on][0] for on in days), None)

    @property
    def neighbours(self) -> list[date]:
        """The open days nearest to an empty one, one on each side. Spec: S12.1."""
        if self.selected_on is None or self.starts:
            return []
        days = sorted(self.by_day)
        before = [on for on in days if on < self.selected_on][-1:]
        return before + [on for on in days if on > self.selected_on][:1]


def _same_wall(one: ZoneInfo, other: ZoneInfo, on: date) -> bool:
    """Tell whether two zones show the same clock at noon of a date."""
    noon = datetime(on.year, on.month, on.day, 12)  # noqa: DTZ001 - read in both zones
    return noon.replace(tzinfo=one).utcoffset() == noon.replace(tzinfo=other).utcoffset()


def build_time_page(
    instructor: Instructor,
    choice: Choice,
    *,
    owner: Owner | None,
    learner_id: int | None = None,
    viewer: ZoneInfo = NEW_YORK,
    policy: Policy | None = None,
    now: datetime,
) -> TimePage | None:
    """Return the page for a choice, filling what is missing; None when nothing is on offer."""
    offerings = active_offerings(instructor)
    if not offerings:
        return None
    chosen = choose_offer(offerings, choice)
    zone = shown_zone(instructor, chosen.modality, viewer, choice)
    today = now.astimezone(zone).date()
    selected = _asked_day(choice, zone)
    month_on = (choice.month or selected or today).replace(day=1)
    wanted = WantedLesson(
        offering=chosen.offering,
        duration_minutes=chosen.duration_minutes,
        modality=chosen.modality,
        owner=owner,
        learner_id=learner_id,
        policy=policy,
    )
    shown = month_bounds(month_on)
    # A day more on each side: another zone's dates reach over the instructor's.
    first_on = min(shown[0], today) - timedelta(days=1)
    last_on = max(shown[1], today + timedelta(days=LOOK_AHEAD_DAYS)) + timedelta(days=1)
    facts = load_facts(wanted, first_on=first_on, last_on=last_on, now=now)
    minutes = chosen.duration_minutes
    by_day = _by_day(rules.bookable_starts(facts, minutes, first_on, last_on, now), zone)
    if selected is None or (choice.view != WEEK and selected.replace(day=1) != month_on):
        selected = next((on for on in sorted(by_day) if on.replace(day=1) == month_on), None)
    states = rules.day_states(facts, minutes, *shown, now, zone)
    until_on = today + timedelta(days=facts.rules.max_advance_days)
    dates = bookable_dates(month_on, today, until_on) if choice.asks_why else []
    week_on = week_start(selected or max(today, month_on))
    return TimePage(
        instructor=instructor,
        offerings=offerings,
        chosen=chosen,
        choice=choice,
        zone=zone,
        viewer=viewer,
        today=today,
        last_on=until_on,
        month_on=month_on,
        selected_on=selected,
        by_day=by_day,
        weeks=weeks_of_month(month_on, states, by_day, selected, today),
        week=days_of_week(week_on, by_day, choice.start_at, today) if choice.view == WEEK else [],
        day_reasons=_reasons(facts, minutes, selected, by_day, zone, now),
        missed=_missed(facts, minutes, choice.start_at, by_day, zone, (first_on, last_on), now),
        empty=_empty_days(facts, minutes, dates, by_day, zone, now),
    )


def active_offerings(instructor: Instructor) -> list[Offering]:
    """Return what an instructor offers now, with its prices."""
    rows = instructor.offerings.filter(is_active=True, service__is_active=True)
    offerings = list(
        rows.select_related("service__category", "instructor")
        .prefetch_related("prices")
        .order_by("pk")
    )
    return [offering for offering in offerings if offering.prices.all()]


def _asked_day(choice: Choice, zone: ZoneInfo) -> date | None:
    if choice.local_on is None and choice.start_at is not None:
        return choice.start_at.astimezone(zone).date()
    return choice.local_on


def _by_day(starts: Sequence[datetime], zone: ZoneInfo) -> dict[date, list[datetime]]:
    by_day: dict[date, list[datetime]] = defaultdict(list)
    for start in starts:
        by_day[start.astimezone(zone).date()].append(start)
    return dict(by_day)


def _reasons(
    facts: BookabilityFacts,
    minutes: int,
    selected: date | None,
    by_day: Mapping[date, Sequence[datetime]],
    zone: ZoneInfo,
    now: datetime,
) -> list[str]:
    """Say in plain words why a day has no time. Spec: S12.6."""
    if selected is None or by_day.get(selected):
        return []
    failures = rules.explain_day(facts, minutes, selected, now, zone)
    return [failure.student_text for failure in failures]


def _empty_days(
    facts: BookabilityFacts,
    minutes: int,
    dates: Sequence[date],
    by_day: Mapping[date, Sequence[datetime]],
    zone: ZoneInfo,
    now: datetime,
) -> list[EmptyDays]:
    """Say of each of the dates without a time why; neighbours with one reason stand together."""
    found: list[EmptyDays] = []
    for on in dates:
        if on in by_day:
            continue
        reasons = tuple(_reasons(facts, minutes, on, by_day, zone, now))
        before = found[-1] if found else None
        if before and before.reasons == reasons and before.last_on == on - timedelta(days=1):
            found[-1] = EmptyDays(before.first_on, on, reasons)
        else:
            found.append(EmptyDays(on, on, reasons))
    return found


def _missed(
    facts: BookabilityFacts,
    minutes: int,
    start_at: datetime | None,
    by_day: Mapping[date, Sequence[datetime]],
    zone: ZoneInfo,
    read: tuple[date, date],
    now: datetime,
) -> MissedStart | None:
    """Explain an asked start that is not offered, with the nearest that are. Spec: S12.4, S12.6."""
    if start_at is None or start_at in by_day.get(start_at.astimezone(zone).date(), ()):
        return None
    failures = rules.explain(facts, start_at, minutes, now)
    if not failures:  # offered, but on a date that was not read
        return None
    reasons = dict.fromkeys(failure.student_text for failure in failures)
    nearest = rules.nearest_starts(facts, start_at, minutes, now, limit=NEAREST, within=read)
    return MissedStart(start_at, tuple(reasons), nearest)
