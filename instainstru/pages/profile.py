"""An instructor's public profile (Spec: S10.1-S10.4)."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.owners import Owner
from bookings.lessons.forms import parse_choice
from bookings.lessons.selectors import lesson_zone, load_calendars
from bookings.lessons.time_selection import TimePage, build_time_page
from catalog.models import Instructor, Level, Modality
from catalog.selectors import profile_offers
from instainstru import clock
from instainstru.access import public
from instainstru.http import mark_private, render_page_or_fragment

STRIP_DAYS = 14
NEXT_TIMES = 4


@public
@require_GET
def profile(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who teaches, what, where, for how much and when."""
    person = (
        Instructor.objects.select_related("user", "base_neighborhood")
        .prefetch_related("served_neighborhoods")
        .filter(slug=slug)
        .first()
    )
    if person is None or not _is_visible(person):
        if person is not None and person.status == Instructor.Status.CLOSED:
            return render(request, "pages/profile_gone.html", {"person": person}, status=410)
        raise Http404("no such profile")
    response = render_page_or_fragment(
        request, "pages/profile.html", _context(request, person), fragment="panel"
    )
    return mark_private(response)


def _is_visible(person: Instructor) -> bool:
    return person.status in (Instructor.Status.LIVE, Instructor.Status.PAUSED)


def _context(request: HttpRequest, person: Instructor) -> dict[str, Any]:
    now = clock.now()
    user = request.user
    owner = Owner(user_id=user.pk) if user.is_authenticated else None
    is_live = person.status == Instructor.Status.LIVE
    choice = parse_choice(request.GET.dict())
    page = build_time_page(person, choice, owner=owner, now=now) if is_live else None
    offers = profile_offers(person)
    return {
        "person": person,
        "page": page,
        "strip": _strip(person, page) if page else [],
        "next_starts": _next(person, page) if page else [],
        "services": [_service(offer) for offer in offers],
        "durations": sorted({p.duration_minutes for offer in offers for p in offer.prices.all()}),
        "served": sorted(place.name for place in person.served_neighborhoods.all()),
        "is_own": user.is_authenticated and user.pk == person.user_id,
        "is_live": is_live,
        "book_url": reverse("lessons:times", args=[person.slug]),
    }


def _service(offer: Any) -> dict[str, Any]:
    prices = {row.duration_minutes: row.price_cents for row in offer.prices.all()}
    return {
        "offer": offer,
        "prices": prices,
        "levels": ", ".join(Level(level).label for level in offer.levels),
        "modes": ", ".join(Modality(mode).label for mode in offer.modalities),
    }


def _strip(person: Instructor, page: TimePage) -> list[dict[str, Any]]:
    """Return fourteen days with the number of their bookable starts. Spec: S10.1."""
    zone = lesson_zone(person)
    by_day = _starts_by_day(person, page, zone)
    today = clock.now().astimezone(zone).date()
    days = [today + timedelta(days=number) for number in range(STRIP_DAYS)]
    return [{"on": on, "count": len(by_day.get(on, []))} for on in days]


def _starts_by_day(person: Instructor, page: TimePage, zone: ZoneInfo) -> dict[date, list[Any]]:
    today = clock.now().astimezone(zone).date()
    calendars = load_calendars(
        [person.pk], first_on=today, last_on=today + timedelta(days=STRIP_DAYS - 1), now=clock.now()
    )
    found: dict[date, list[Any]] = {}
    for start in calendars.starts(person.pk, page.duration_minutes, zone=zone):
        found.setdefault(start.astimezone(zone).date(), []).append(start)
    return found


def _next(person: Instructor, page: TimePage) -> list[Any]:
    by_day = _starts_by_day(person, page, lesson_zone(person))
    return [start for on in sorted(by_day) for start in by_day[on]][:NEXT_TIMES]
