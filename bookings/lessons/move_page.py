"""Another time for a lesson: the month, the times of a day, and what may be done (S11.1, T6)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bookings.lessons import rules
from bookings.lessons.models import Booking, Proposal
from bookings.lessons.models.changes import Side
from bookings.lessons.moves import MoveTerms, move_facts, move_terms, open_proposal
from bookings.lessons.time_grid import (
    MonthDay,
    TimeGroup,
    day_groups,
    month_bounds,
    months_around,
    weeks_of_month,
)

# The month shown is read whole; "next open" looks this far.
LOOK_AHEAD_DAYS = 62


@dataclass(frozen=True)
class MovePage:
    """What the page of a new time shows; times are UTC instants, dates those of ``zone``."""

    booking: Booking
    side: str
    zone: ZoneInfo
    terms: MoveTerms
    can_move: bool
    proposal: Proposal | None
    today: date
    last_on: date
    month_on: date
    selected_on: date | None
    by_day: Mapping[date, Sequence[datetime]]
    weeks: list[list[MonthDay]]
    chosen_at: datetime | None
    day_reasons: Sequence[str]

    @property
    def starts(self) -> Sequence[datetime]:
        """The times of the selected day."""
        return self.by_day.get(self.selected_on, ()) if self.selected_on else ()

    @property
    def groups(self) -> list[TimeGroup]:
        """The times of the selected day under Morning, Afternoon and Evening."""
        if self.selected_on is None:
            return []
        return day_groups(self.by_day, self.selected_on, self.zone, self.chosen_at)

    @property
    def next_open(self) -> datetime | None:
        """The first start after the selected day."""
        days = (on for on in sorted(self.by_day) if not self.selected_on or on > self.selected_on)
        return next((self.by_day[on][0] for on in days), None)

    @property
    def next_open_url(self) -> str:
        """The address of that day on this page."""
        on = self.next_open
        return self._url(on.astimezone(self.zone).date()) if on else ""

    def _url(self, on: date) -> str:
        return f"?{urlencode({'date': on.isoformat()})}"

    @property
    def month(self) -> dict[str, object]:
        """The plain values of ``components/month.html``."""
        around = months_around(self.month_on, self.today, self.last_on)
        arrows = {}
        for side, on in zip(("previous", "next"), around, strict=True):
            if on is not None:
                arrows[f"{side}_url"] = f"?{urlencode({'month': f'{on:%Y-%m}'})}"
                arrows[f"{side}_label"] = f"{on:%B %Y}"
        return {
            "title": f"{self.month_on:%B %Y}",
            "weeks": [[self._day(day) for day in week] for week in self.weeks],
            **arrows,
        }

    def _day(self, day: MonthDay) -> dict[str, object] | None:
        if not day.is_in_month:
            return None
        return {
            "iso": day.on.isoformat(),
            "number": day.on.day,
            "label": day.label,
            "url": self._url(day.on) if day.is_link else "",
            "kind": day.state.value,
            "count": day.count,
            "is_current": day.is_selected,
            "is_today": day.is_today,
        }


def build_move_page(
    booking: Booking,
    *,
    side: str,
    zone: ZoneInfo,
    on: date | None = None,
    month: date | None = None,
    chosen_at: datetime | None = None,
    now: datetime,
) -> MovePage:
    """Return the page; its times are what moving or proposing accepts now (R16)."""
    today = now.astimezone(zone).date()
    if on is None and chosen_at is not None:
        on = chosen_at.astimezone(zone).date()
    month_on = (month or on or today).replace(day=1)
    shown = month_bounds(month_on)
    first_on = min(shown[0], today) - timedelta(days=1)
    last_on = max(shown[1], today + timedelta(days=LOOK_AHEAD_DAYS)) + timedelta(days=1)
    facts = move_facts(booking, first_on=first_on, last_on=last_on, now=now, by=side)
    minutes = booking.duration_minutes
    by_day: dict[date, list[datetime]] = defaultdict(list)
    for start in rules.bookable_starts(facts, minutes, first_on, last_on, now):
        if start != booking.start_at:
            by_day[start.astimezone(zone).date()].append(start)
    selected = on
    if selected is None or selected.replace(day=1) != month_on:
        selected = next((day for day in sorted(by_day) if day.replace(day=1) == month_on), None)
    states = rules.day_states(facts, minutes, *shown, now, zone)
    terms = move_terms(booking)
    return MovePage(
        booking=booking,
        side=side,
        zone=zone,
        terms=terms,
        can_move=side == Side.STUDENT and terms.may_move(now),
        proposal=open_proposal(booking, now),
        today=today,
        last_on=today + timedelta(days=facts.rules.max_advance_days),
        month_on=month_on,
        selected_on=selected,
        by_day=by_day,
        weeks=weeks_of_month(month_on, states, by_day, selected, today),
        chosen_at=chosen_at if chosen_at in by_day.get(selected or today, ()) else None,
        day_reasons=_reasons(facts, minutes, selected, by_day, zone, side, now),
    )


def _reasons(
    facts: rules.BookabilityFacts,
    minutes: int,
    selected: date | None,
    by_day: Mapping[date, Sequence[datetime]],
    zone: ZoneInfo,
    side: str,
    now: datetime,
) -> list[str]:
    """Say why a day has no time: in full to the instructor, discreetly to the student (S12.6)."""
    if selected is None or by_day.get(selected):
        return []
    failures = rules.explain_day(facts, minutes, selected, now, zone)
    if side == Side.INSTRUCTOR:
        return [failure.instructor_text for failure in failures]
    return [failure.student_text for failure in failures]
