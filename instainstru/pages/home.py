"""The homepage, signed out and signed in (Spec: S9.1, S9.2)."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import F, Subquery
from django.db.models.functions import Mod
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bookings.lessons.models import Booking
from bookings.lessons.my_lessons import cards_of
from bookings.lessons.selectors import load_calendars
from catalog.city_map import lit_map
from catalog.models import Offering, Policy, Service
from catalog.selectors import months_before
from instainstru import clock
from instainstru.access import public
from instainstru.http import mark_private
from instainstru.pages.cards import TIMES_A_CARD, offer_card, usual_minutes
from instainstru.pages.new_york import open_places

EXAMPLES = [
    ("Piano in Park Slope Saturday", "piano in park slope saturday morning under $90"),
    ("Spanish this weekend", "spanish tutor this weekend"),
    ("Guitar for a 9-year-old", "guitar for a 9 year old"),
]
RAIL_SIZE, RAIL_MINIMUM, RAIL_POOL = 6, 3, 72
# Numbers without common factors: another order of instructors every day, the same for everybody.
SHUFFLE, SHUFFLE_ROUND = 7919, 1009
NOON, EVENING, MORNING = 12, 17, 5


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Answer what can be learnt, by whom and when; people signed in see their next lesson first."""
    now = clock.now()
    tiles = category_tiles()
    context: dict[str, Any] = {
        "examples": EXAMPLES,
        "categories": tiles,
        "service_total": sum(tile["count"] for tile in tiles),
        **_today(now),
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


def category_tiles() -> list[dict[str, Any]]:
    """Return the nine tiles in brand order, each with its number of services, by one query."""
    tiles: dict[int, dict[str, Any]] = {}
    rows = Service.objects.active().order_by("category__position", "position")
    for pk, name, slug, icon, service in rows.values_list(
        "category_id", "category__name", "category__slug", "category__icon", "name"
    ):
        tile = tiles.setdefault(pk, {"name": name, "slug": slug, "icon": icon, "services": []})
        tile["services"].append(service)
    return [
        {**tile, "count": len(tile["services"]), "note": _tile_note(tile["services"])}
        for tile in tiles.values()
    ]


def _tile_note(names: list[str]) -> str:
    shown, more = ", ".join(names[:2]), len(names) - 2
    return f"{shown} and {more} more" if more > 0 else shown


def _today(now: datetime) -> dict[str, Any]:
    """Return the rail and the map; until the job has looked at everybody, the rail lights it."""
    rail, places = _rail(now), open_places(now)
    own = {offer.instructor.base_neighborhood.name for offer, _ in rail}
    return {
        "rail": [offer_card(offer, offer.service, starts) for offer, starts in rail],
        "map": lit_map(own if places is None else places),
        "is_map_complete": places is not None,
    }


def available_today(now: datetime) -> list[dict[str, Any]]:
    """Return up to six cards with real times today, of different categories where possible.

    Nothing when fewer than three times are left. Spec: S9.1.
    """
    return [offer_card(offer, offer.service, starts) for offer, starts in _rail(now)]


def _rail(now: datetime) -> list[tuple[Offering, Sequence[datetime]]]:
    today = now.astimezone(clock.NEW_YORK).date()
    pool = _pool(today)
    calendars = load_calendars(
        [offer.instructor_id for offer in pool], first_on=today, last_on=today, now=now
    )
    rail: list[tuple[Offering, Sequence[datetime]]] = []
    for offer in pool:
        starts = calendars.starts(offer.instructor_id, usual_minutes(offer))[:TIMES_A_CARD]
        if starts:
            rail.append((offer, starts))
        if len(rail) == RAIL_SIZE:
            break
    return rail if sum(len(starts) for _, starts in rail) >= RAIL_MINIMUM else []


def _pool(today: date) -> list[Offering]:
    """Return offers of different instructors, mixed anew every day, first one of each category."""
    months = Policy.objects.order_by("-pk").values("background_check_months")[:1]
    turn = Mod(F("instructor_id") * SHUFFLE + today.toordinal(), SHUFFLE_ROUND)
    rows = (
        Offering.objects.bookable()
        .select_related("instructor__base_neighborhood", "instructor__statistics", "service")
        .prefetch_related("prices")
        .annotate(turn=turn, check_months=Subquery(months))
        .order_by("turn", "instructor_id", "pk")[:RAIL_POOL]
    )
    people = {
        offer.instructor_id: offer
        for offer in reversed(rows)
        if offer.prices.all() and _is_checked(offer, today)
    }
    seen: Counter[int] = Counter()
    mixed: list[tuple[int, Offering]] = []
    for offer in reversed(people.values()):
        mixed.append((seen[offer.service.category_id], offer))
        seen[offer.service.category_id] += 1
    return [offer for _, offer in sorted(mixed, key=lambda pair: pair[0])]


def _is_checked(offer: Any, today: date) -> bool:
    """Tell whether the background check is young enough; the row carries the policy's months."""
    checked_on = offer.instructor.background_checked_on
    return checked_on is not None and checked_on >= months_before(today, offer.check_months)


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
