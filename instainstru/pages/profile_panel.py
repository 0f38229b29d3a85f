"""The times of a profile: the strip of days, the day's times and the booking panel (S10.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bookings.lessons.policies import CancelDeadlines, PolicyNumbers, cancel_deadlines
from bookings.lessons.selectors import Calendars, lesson_zone
from bookings.lessons.time_selection import Choice, ChosenOffer, choose_offer
from catalog.models import Instructor, Offering, Policy

STRIP_DAYS = 14
WEEK = timedelta(days=7)
# "No open times in the next 60 days" is about these; the strip goes on for as long.
REACH_DAYS = 60
NEXT_TIMES = 4
DAY_TIMES = 8
HOUR = 60


@dataclass(frozen=True)
class StripDay:
    """One day of the strip: how many lessons can start on it."""

    on: date
    count: int
    url: str
    is_selected: bool


@dataclass(frozen=True)
class BookingPanel:
    """What is chosen, and the bookable starts around it."""

    instructor: Instructor
    offerings: Sequence[Offering]
    chosen: ChosenOffer
    zone: ZoneInfo
    first_on: date
    selected_on: date | None
    starts: Mapping[date, Sequence[datetime]]
    next_starts: Sequence[datetime]  # the first of each of the next open days
    start_at: datetime | None
    deadlines: CancelDeadlines | None
    previous_url: str
    next_url: str
    strip: Sequence[StripDay] = field(default_factory=list)
    notices: Sequence[str] = ()

    @property
    def offering(self) -> Offering:
        """The chosen offer."""
        return self.chosen.offering

    @property
    def duration_minutes(self) -> int:
        """The chosen length."""
        return self.chosen.duration_minutes

    @property
    def modality(self) -> str:
        """The chosen place."""
        return self.chosen.modality

    @property
    def hourly_cents(self) -> int:
        """The chosen price scaled to an hour, rounded up to the cent."""
        return -(-self.chosen.price_cents * HOUR // self.duration_minutes)

    @property
    def weeks(self) -> list[Sequence[StripDay]]:
        """The strip in rows of seven."""
        return [self.strip[start : start + 7] for start in range(0, len(self.strip), 7)]

    @property
    def has_times_in_strip(self) -> bool:
        """Whether any day of the strip has a start."""
        return any(day.count for day in self.strip)

    @property
    def day_starts(self) -> Sequence[datetime]:
        """The starts of the selected day."""
        return self.starts.get(self.selected_on, ()) if self.selected_on else ()

    @property
    def panel_starts(self) -> list[datetime]:
        """The times offered in the panel: of the selected day, else the next ones."""
        return _around(self.day_starts or self.next_starts, self.start_at)

    @property
    def next_available(self) -> datetime | None:
        """The next start at all."""
        return self.next_starts[0] if self.next_starts else None

    @property
    def zone_words(self) -> str:
        """The zone in words."""
        is_here = self.zone.key == "America/New_York"
        return "Eastern (New York)" if is_here else self.zone.key.replace("_", " ")


def _around(starts: Sequence[datetime], chosen: datetime | None) -> list[datetime]:
    """Return at most eight starts in order, the chosen one among them."""
    if chosen in starts:
        first = max(0, min(starts.index(chosen) - 2, len(starts) - DAY_TIMES))
        return list(starts[first : first + DAY_TIMES])
    return list(starts[:DAY_TIMES])


def build_panel(
    person: Instructor,
    offers: list[Offering],
    choice: Choice,
    *,
    policy: Policy,
    calendars: Calendars,
    week_on: date | None,
    path: str,
    now: datetime,
) -> BookingPanel:
    """Return the panel for a choice among the offers (at least one).

    ``calendars`` must reach from today over ``REACH_DAYS`` and the strip; ``week_on`` is a date of
    the week that the strip should begin with. Spec: S10.4.
    """
    chosen, zone = choose_offer(offers, choice), lesson_zone(person)
    today = now.astimezone(zone).date()
    notices = list(chosen.notices)
    starts = calendars.starts(person.pk, chosen.duration_minutes, zone=zone)
    by_day = _by_day(starts, zone)
    start_at = _chosen_start(choice, starts, notices)
    next_starts = [day[0] for day in by_day.values()][:NEXT_TIMES]
    selected_on = choice.local_on
    if start_at is not None and start_at not in next_starts:
        selected_on = start_at.astimezone(zone).date()
    if selected_on is not None and not today <= selected_on <= calendars.last_on:
        notices.append("That date can't be booked, so we show the next times.")
        selected_on = None
    first_on = _first_of_strip(today, selected_on, week_on)
    shown = by_day.get(selected_on) if selected_on else None
    start_at = start_at or next(iter(shown or next_starts), None)
    numbers = PolicyNumbers.of(policy)
    query = {
        "service": chosen.offering.service.slug,
        "duration": chosen.duration_minutes,
        "place": chosen.modality,
    }
    return BookingPanel(
        instructor=person, offerings=offers, chosen=chosen, zone=zone, first_on=first_on,
        selected_on=selected_on, starts=by_day, next_starts=next_starts, start_at=start_at,
        deadlines=cancel_deadlines(start_at, numbers, now) if start_at else None,
        previous_url=_days_url(path, query, first_on - WEEK) if first_on > today else "",
        next_url=_days_url(path, query, first_on + WEEK)
        if first_on + WEEK <= today + timedelta(days=REACH_DAYS)
        else "",
        strip=_strip(first_on, by_day, selected_on, path, query),
        notices=notices,
    )  # fmt: skip


def _by_day(starts: Sequence[datetime], zone: ZoneInfo) -> dict[date, list[datetime]]:
    found: dict[date, list[datetime]] = {}
    for start in starts:
        found.setdefault(start.astimezone(zone).date(), []).append(start)
    return found


def _chosen_start(
    choice: Choice, starts: Sequence[datetime], notices: list[str]
) -> datetime | None:
    if choice.start_at is None or choice.start_at in starts:
        return choice.start_at
    notices.append("That time is not available any more. These are.")
    return None


def _first_of_strip(today: date, selected_on: date | None, week_on: date | None) -> date:
    """Return the first day shown: whole weeks from today, with the selected day in view."""
    last = REACH_DAYS // 7
    if week_on is not None:
        weeks = min(max((week_on - today).days // 7, 0), last)
        first_on = today + WEEK * weeks
        if selected_on is None or 0 <= (selected_on - first_on).days < STRIP_DAYS:
            return first_on
    if selected_on is None or (selected_on - today).days < STRIP_DAYS:
        return today
    return today + WEEK * min((selected_on - today).days // 7, last)


def _days_url(path: str, query: Mapping[str, Any], week_on: date, on: date | None = None) -> str:
    days = {"week": week_on.isoformat(), **({"date": on.isoformat()} if on else {})}
    return f"{path}?{urlencode({**query, **days})}#days"


def _strip(
    first_on: date,
    by_day: Mapping[date, Sequence[datetime]],
    selected_on: date | None,
    path: str,
    query: Mapping[str, Any],
) -> list[StripDay]:
    days = (first_on + timedelta(days=number) for number in range(STRIP_DAYS))
    return [
        StripDay(
            on, len(by_day.get(on, ())), _days_url(path, query, first_on, on), on == selected_on
        )
        for on in days
    ]
