"""The homepage, signed out and signed in (Spec: S9.1, S9.2)."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bookings.lessons.models import Booking
from bookings.lessons.my_lessons import cards_of
from bookings.lessons.selectors import load_calendars
from catalog.models import Category, Offering, Service
from instainstru import clock
from instainstru.access import public
from instainstru.http import mark_private
from instainstru.pages.cards import offer_card, usual_minutes

EXAMPLES = [
    ("Piano in Park Slope Saturday", "piano in park slope saturday morning under $90"),
    ("Spanish this weekend", "spanish tutor this weekend"),
    ("Guitar for a 9-year-old", "guitar for a 9 year old"),
]
RAIL_SIZE, RAIL_MINIMUM, RAIL_POOL, TIMES_A_CARD = 6, 3, 48, 3
NOON, EVENING, MORNING = 12, 17, 5


@public
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Answer what can be learnt, by whom and when; people signed in see their next lesson first."""
    now = clock.now()
    context: dict[str, Any] = {
        "examples": EXAMPLES,
        "categories": _categories(),
        "service_total": Service.objects.active().count(),
        "rail": available_today(now),
    }
    if request.user.is_authenticated:
        context.update(greeting=greeting(now), **_own(request, now))
    response = render(request, "pages/home.html", context)
    return mark_private(response) if request.user.is_authenticated else response


def greeting(now: datetime) -> str:
    """Return the greeting of New York's clock: morning 5-12, afternoon 12-17, else evening."""
    hour = now.astimezone(clock.NEW_YORK).hour
    if MORNING <= hour < NOON:
        return "Good morning"
    return "Good afternoon" if NOON <= hour < EVENING else "Good evening"


def _categories() -> list[dict[str, Any]]:
    """Return the nine tiles with three service names and the number of the others."""
    names: dict[int, list[str]] = {}
    for pk, name in (
        Service.objects.active().order_by("position").values_list("category_id", "name")
    ):
        names.setdefault(pk, []).append(name)
    return [
        {
            "name": category.name,
            "slug": category.slug,
            "icon": category.icon,
            "note": _tile_note(names.get(category.pk, [])),
        }
        for category in Category.objects.order_by("position")
    ]


def _tile_note(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    more = len(names) - 3
    return f"{shown} and {more} more" if more > 0 else shown


def available_today(now: datetime) -> list[dict[str, Any]]:
    """Return up to six cards with real times today; nothing when fewer than three. Spec: S9.1."""
    today = now.astimezone(clock.NEW_YORK).date()
    pool = list(
        Offering.objects.bookable()
        .filter(instructor__background_checked_on__gte=today - timedelta(days=730))
        .select_related("instructor__base_neighborhood", "service")
        .prefetch_related("prices")
        .order_by("instructor_id", "pk")
        .distinct("instructor_id")[:RAIL_POOL]
    )
    calendars = load_calendars(
        [offer.instructor_id for offer in pool], first_on=today, last_on=today, now=now
    )
    cards = []
    for offer in pool:
        starts = calendars.starts(offer.instructor_id, usual_minutes(offer))
        if starts:
            cards.append(offer_card(offer, offer.service, starts[:TIMES_A_CARD]))
        if len(cards) == RAIL_SIZE:
            break
    return cards if len(cards) >= RAIL_MINIMUM else []


def _own(request: HttpRequest, now: datetime) -> dict[str, Any]:
    user: Any = request.user
    mine = Booking.objects.of_student(user).select_related(
        "instructor__base_neighborhood", "learner", "neighborhood", "policy"
    )
    upcoming = list(mine.filter(status="confirmed", end_at__gt=now).order_by("start_at", "pk")[:1])
    holds = list(mine.live_holds(now).order_by("expires_at")[:3])
    return {
        "next_lesson": cards_of(upcoming, now)[0] if upcoming else None,
        "holds": cards_of(holds, now),
    }
