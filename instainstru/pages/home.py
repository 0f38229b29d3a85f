"""The homepage, signed out and signed in (Spec: S9.1, S9.2)."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast

from django.contrib import messages
from django.db.models import F, Subquery
from django.db.models.functions import Mod
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from bookings.lessons.selectors import load_calendars
from catalog.city_map import lit_map
from catalog.interest import save_preferences
from catalog.interest_forms import PreferencesForm
from catalog.models import LearningPreferences, Offering, Policy
from catalog.saving import mark_saved
from catalog.selectors import months_before
from instainstru import clock
from instainstru.access import has_permission, public, requires
from instainstru.http import mark_private, posted
from instainstru.page_store.versions import keep_out
from instainstru.pages.cards import TIMES_A_CARD, first_starts, today_card
from instainstru.pages.market import market_facts
from instainstru.pages.new_york import open_places
from instainstru.pages.personal_home import personal_home
from instainstru.pages.sections import Section, load_section

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
    """Answer what can be learnt, by whom and when; people signed in see their own things first."""
    now = clock.now()
    context: dict[str, Any] = {
        "now": now,
        "examples": EXAMPLES,
        "market": load_section("market", lambda: market_facts(now)),
    }
    if request.user.is_authenticated:
        return _signed_in(request, context, now)
    context |= _today(now)
    return render(request, "pages/home.html", context)


def _signed_in(request: HttpRequest, context: dict[str, Any], now: datetime) -> HttpResponse:
    """Greet the person; those who learn see their own things, the others what there is."""
    is_learning = has_permission(request, "bookings.view_own")
    own = personal_home(cast("User", request.user), now) if is_learning else None
    context |= {"greeting": greeting(now), "own": own}
    if own is None or own.is_new:
        context |= _today(now)
        mark_saved(request, context["rail"].value)
    if own is not None and own.has_countdown:
        keep_out(request)
    return mark_private(render(request, "pages/home.html", context))


@requires("bookings.create")
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Take the answers to three questions, or that somebody skips them. Spec: S9.2."""
    user = cast("User", request.user)
    known = LearningPreferences.objects.of(user)
    initial = {
        "category": known.category and known.category.slug,
        "learners": known.learners,
        "neighborhood": known.neighborhood and known.neighborhood.slug,
    } if known else {}  # fmt: skip
    form = PreferencesForm(posted(request), initial=initial, auto_id="about_%s")
    if request.method == "POST" and "skip" in request.POST:
        if known is None:
            save_preferences(by=user)
        return redirect("home")
    if request.method == "POST" and form.is_valid():
        save_preferences(by=user, **form.cleaned_data)
        messages.success(request, "Saved. Your home page follows it.")
        return redirect("home")
    context = {"form": form, "is_known": known is not None}
    status = 422 if form.is_bound else 200
    return mark_private(render(request, "pages/preferences.html", context, status=status))


def greeting(now: datetime) -> str:
    """Return the greeting of New York's clock: morning 5-12, afternoon 12-17, else evening."""
    hour = now.astimezone(clock.NEW_YORK).hour
    if MORNING <= hour < NOON:
        return "Good morning"
    return "Good afternoon" if NOON <= hour < EVENING else "Good evening"


def _today(now: datetime) -> dict[str, Any]:
    """Return the rail and the map; until the job has looked at everybody, the rail lights it."""
    rail = load_section("rail", lambda: available_today(now))
    places = load_section("places", lambda: open_places(now)).value
    own = {offer.instructor.base_neighborhood.name for offer, _ in rail.value or ()}
    cards = [today_card(offer, starts) for offer, starts in rail.value or ()]
    return {
        "rail": Section(cards, has_failed=rail.has_failed),
        "map": lit_map(own if places is None else places),
        "is_map_complete": places is not None,
    }


def available_today(now: datetime) -> list[tuple[Offering, Sequence[datetime]]]:
    """Return up to six offers with real times today, of different categories where possible.

    Nothing when fewer than three times are left. Spec: S9.1.
    """
    today = now.astimezone(clock.NEW_YORK).date()
    pool = _pool(today)
    calendars = load_calendars(
        [offer.instructor_id for offer in pool], first_on=today, last_on=today, now=now
    )
    rail: list[tuple[Offering, Sequence[datetime]]] = []
    for offer in pool:
        starts = first_starts(calendars, offer, TIMES_A_CARD)
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
