"""An instructor's public profile (Spec: S10.1-S10.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from bookings.lessons.forms import parse_choice
from bookings.lessons.selectors import lesson_zone, load_calendars
from bookings.lessons.time_selection import Choice, ChosenOffer, choose_offer
from catalog.models import Instructor, Level, Modality, Offering
from catalog.selectors import instructor_once_named, profile_offers, similar_instructors
from instainstru import clock
from instainstru.access import public
from instainstru.http import mark_private, moved_for_ever, render_page_or_fragment

STRIP_DAYS = 14
NEXT_TIMES = 4
OLDEST = 99

_S = Instructor.Status
PUBLIC_STATES = (_S.LIVE, _S.PAUSED)
# Their owners see what the page will be; everybody else gets 404 (Spec: S10.3).
PREVIEW_STATES = (_S.DRAFT, _S.SUBMITTED, _S.IN_REVIEW, _S.CHANGES_REQUESTED)


@dataclass(frozen=True)
class BookingPanel:
    """What is chosen in the panel, and the bookable starts of the next fourteen days by date."""

    instructor: Instructor
    offerings: Sequence[Offering]
    chosen: ChosenOffer
    zone: ZoneInfo
    starts: Mapping[date, Sequence[datetime]]
    first_on: date
    selected_on: date | None

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
    def strip(self) -> list[tuple[date, int]]:
        """Fourteen days with the number of their bookable starts. Spec: S10.1."""
        days = (self.first_on + timedelta(days=number) for number in range(STRIP_DAYS))
        return [(on, len(self.starts.get(on, ()))) for on in days]

    @property
    def next_starts(self) -> list[datetime]:
        """The next starts, or those of the selected day."""
        if self.selected_on is not None and self.starts.get(self.selected_on):
            return list(self.starts[self.selected_on])
        return [start for on in sorted(self.starts) for start in self.starts[on]][:NEXT_TIMES]


@public
@require_safe
def profile(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who teaches, what, where, for how much and when."""
    person = (
        Instructor.objects.select_related("user", "base_neighborhood").filter(slug=slug).first()
    )
    if person is None and (renamed := instructor_once_named(slug)):
        return moved_for_ever(request, reverse("instructor-profile", args=[renamed.slug]))
    if person is not None and person.status == _S.CLOSED:
        context = {"person": person, "similar": similar_instructors(person)}
        return render(request, "pages/profile_gone.html", context, status=410)
    if person is None or not _may_see(request, person):
        raise Http404("no such profile")
    response = render_page_or_fragment(
        request, "pages/profile.html", _context(request, person), fragment="panel"
    )
    return mark_private(response) if request.user.is_authenticated else response


def _is_owner(request: HttpRequest, person: Instructor) -> bool:
    return request.user.is_authenticated and request.user.pk == person.user_id


def _may_see(request: HttpRequest, person: Instructor) -> bool:
    if person.status in PUBLIC_STATES:
        return True
    return person.status in PREVIEW_STATES and _is_owner(request, person)


def _context(request: HttpRequest, person: Instructor) -> dict[str, Any]:
    offers = [offer for offer in profile_offers(person) if offer.prices.all()]
    is_live, is_own = person.status == _S.LIVE, _is_owner(request, person)
    panel = None
    if is_live and offers:
        panel = build_panel(person, offers, parse_choice(request.GET.dict()), now=clock.now())
    return {
        "person": person,
        "panel": panel,
        "services": [_service(offer) for offer in offers],
        "served": _served(person, offers),
        "similar": [] if is_live else similar_instructors(person),
        "is_own": is_own,
        "is_live": is_live,
        "is_preview": person.status in PREVIEW_STATES,
        "book_url": reverse("lessons:times", args=[person.slug]),
    }


def build_panel(
    person: Instructor, offers: list[Offering], choice: Choice, *, now: datetime
) -> BookingPanel:
    """Return the booking panel for a choice among the offers (at least one)."""
    zone = lesson_zone(person)
    today = now.astimezone(zone).date()
    chosen = choose_offer(offers, choice)
    calendars = load_calendars(
        [person.pk], first_on=today, last_on=today + timedelta(days=STRIP_DAYS - 1), now=now
    )
    starts: dict[date, list[datetime]] = {}
    for start in calendars.starts(person.pk, chosen.duration_minutes, zone=zone):
        starts.setdefault(start.astimezone(zone).date(), []).append(start)
    return BookingPanel(person, offers, chosen, zone, starts, today, choice.local_on)


def _service(offer: Offering) -> dict[str, Any]:
    return {
        "offer": offer,
        "prices": [(row.duration_minutes, row.price_cents) for row in offer.prices.all()],
        "levels": ", ".join(Level(level).label for level in offer.levels),
        "modes": ", ".join(Modality(mode).label for mode in offer.modalities),
        "ages": _ages(offer),
    }


def _ages(offer: Offering) -> str:
    return (
        f"{offer.age_from} and up"
        if offer.age_to >= OLDEST
        else f"{offer.age_from} to {offer.age_to}"
    )


def _served(person: Instructor, offers: Sequence[Offering]) -> list[str]:
    """Return the neighborhoods of the area; empty for people who do not travel."""
    if not any(Modality.AT_STUDENT in offer.modalities for offer in offers):
        return []
    return sorted(person.served_neighborhoods.values_list("name", flat=True))
