"""The page of a weekly series: every date with its state, what it costs, what was chosen (R19)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.owners import Owner
from bookings.lessons.forms import parse_instant
from bookings.lessons.models import Booking
from bookings.lessons.selectors import WantedLesson, lesson_zone, load_facts
from bookings.lessons.series_dates import (
    BOOK,
    REACH,
    SKIP,
    Picks,
    SeriesDate,
    series_dates,
    wall_starts,
)
from bookings.lessons.services import SERIES_MAX, SERIES_MIN
from bookings.lessons.time_page import active_offerings
from bookings.lessons.time_selection import Choice, ChosenOffer, choose_offer, shown_zone
from catalog.models import Instructor
from instainstru.clock import NEW_YORK

USUAL_WEEKS = 4


@dataclass(frozen=True)
class SeriesPage:
    """Everything the page shows; times are UTC instants, printed in ``zone``."""

    instructor: Instructor
    chosen: ChosenOffer
    choice: Choice
    zone: ZoneInfo
    start_at: datetime
    weeks: int
    dates: list[SeriesDate]

    @property
    def starts(self) -> list[datetime]:
        """What is going to be held."""
        return [planned.chosen_at for planned in self.dates if planned.chosen_at is not None]

    @property
    def total_cents(self) -> int:
        """All chosen lessons together."""
        return len(self.starts) * self.chosen.total_cents

    @property
    def can_hold(self) -> bool:
        """Whether enough dates are chosen."""
        return SERIES_MIN <= len(self.starts) <= SERIES_MAX

    @property
    def lengths(self) -> range:
        """The numbers of weeks to choose from."""
        return range(SERIES_MIN, SERIES_MAX + 1)


def read_weeks(text: str) -> int:
    """Return how many weeks an address asks for, between 2 and 12; 4 for nonsense."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(SERIES_MAX))
    return min(max(int(text), SERIES_MIN), SERIES_MAX) if is_number else USUAL_WEEKS


def read_picks(values: Mapping[str, str]) -> Picks:
    """Return what was chosen of each date: ``d3=skip``, ``d3=book`` or ``d3=<start>``."""
    picks: dict[int, str | datetime] = {}
    for number in range(1, SERIES_MAX + 1):
        text = values.get(f"d{number}", "")
        pick = text if text in {BOOK, SKIP} else parse_instant(text)
        if pick is not None:
            picks[number] = pick
    return picks


def build_series_page(
    instructor: Instructor,
    choice: Choice,
    weeks: int,
    picks: Picks,
    *,
    owner: Owner,
    learner_id: int | None,
    viewer: ZoneInfo = NEW_YORK,
    now: datetime,
) -> SeriesPage | None:
    """Return the page for a chosen first start; None without one, or when nothing is on offer.

    Spec: R19
    """
    offerings = active_offerings(instructor)
    if not offerings or choice.start_at is None:
        return None
    chosen = choose_offer(offerings, choice)
    wanted = WantedLesson(
        offering=chosen.offering,
        duration_minutes=chosen.duration_minutes,
        modality=chosen.modality,
        owner=owner,
        learner_id=learner_id,
    )
    first_on = choice.start_at.astimezone(lesson_zone(instructor)).date()
    facts = load_facts(
        wanted,
        first_on=first_on - REACH,
        last_on=first_on + timedelta(weeks=weeks) + REACH,
        now=now,
    )
    dates = series_dates(facts, choice.start_at, weeks, chosen.duration_minutes, now, picks)
    return SeriesPage(
        instructor=instructor,
        chosen=chosen,
        choice=choice,
        zone=shown_zone(instructor, chosen.modality, viewer, choice),
        start_at=choice.start_at,
        weeks=weeks,
        dates=dates,
    )


def weekly_url(slug: str, query: Mapping[str, str]) -> str:
    """Return the address of the page for a service, length, place, first start and weeks."""
    return f"{reverse('lessons:weekly', args=[slug])}?{urlencode(query)}"


def weekly_again_url(booking: Booking) -> str:
    """Return the address that repeats a lesson from the week after it, at the same wall time."""
    zone = ZoneInfo(booking.zone)
    starts = wall_starts(booking.start_at, 3, zone)
    query = {
        "service": booking.offering.service.slug,
        "duration": str(booking.duration_minutes),
        "place": booking.modality,
        # A time that the clocks skip next week begins a week later.
        "start": f"{starts[1] or starts[2]:%Y-%m-%dT%H:%M:%SZ}",
        "weeks": str(USUAL_WEEKS),
    }
    if booking.learner is not None:
        query["learner"] = booking.learner.public_id
    return weekly_url(booking.instructor.slug, query)


def dates_again_url(hold: Booking, lessons: list[Booking]) -> str:
    """Return the address that shows the dates of a lapsed series anew."""
    last_at = lessons[-1].start_at
    weeks = round((last_at - lessons[0].start_at) / timedelta(weeks=1)) + 1
    query = {
        "service": hold.offering.service.slug,
        "duration": str(hold.duration_minutes),
        "place": hold.modality,
        "start": f"{lessons[0].start_at:%Y-%m-%dT%H:%M:%SZ}",
        "weeks": str(min(max(weeks, SERIES_MIN), SERIES_MAX)),
    }
    if hold.learner is not None:
        query["learner"] = hold.learner.public_id
    return weekly_url(hold.instructor.slug, query)
