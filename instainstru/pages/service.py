"""The page of one service: what it is, what it costs, who can teach it when (Spec: S7.4)."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONArray, JSONObject
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from bookings.lessons.selectors import Calendars, load_calendars
from bookings.reviews.ratings import Rating
from bookings.reviews.selectors import statistics_of
from catalog.models import Modality, Neighborhood, Offering, Policy, Service
from catalog.saving import mark_saved
from catalog.selectors import months_before, offers_of
from instainstru import clock
from instainstru.access import public
from instainstru.http import mark_private
from instainstru.pages.cards import TIMES_A_CARD, first_starts, offer_card, usual_minutes
from search.nearest import related_services
from search.ranking import Factors, Formula
from search.snapshot import formula_of

PAGE_SIZE, MOST_OFFERS, RELATED = 20, 400, 6
LOOK_AHEAD_DAYS = 14
HOUR = 60
_LINK = JSONObject(name="name", slug="slug", category="category__slug")
LOW, HIGH = 10, 90


@public
@require_safe
def service(request: HttpRequest, category_slug: str, slug: str) -> HttpResponse:
    """Show a service; a former slug or a wrong category leads to the right address."""
    found = _find(slug)
    if (found.slug, found.category.slug) != (slug, category_slug):
        return redirect("catalog:service", found.category.slug, found.slug, permanent=True)
    if not found.is_active:
        return render(request, "catalog/service_gone.html", {"service": found}, status=410)
    context = _context(request, found, clock.now())
    mark_saved(request, context["cards"])
    response = render(request, "catalog/service.html", context)
    return mark_private(response) if request.user.is_authenticated else response


def _find(slug: str) -> Any:
    """Return the service of a present or former slug with everything around it, by one query."""
    rows = Service.objects.select_related("category", "category__statistics").annotate(
        related=ArraySubquery(_related().values(row=_LINK)),
        same_heading=ArraySubquery(_same_heading().values(row=_LINK)),
        places=ArraySubquery(_places().values(row=JSONArray("borough", "name"))),
        numbers=Subquery(Policy.objects.numbers()),
    )
    found: Any = rows.filter(slug=slug).first() or rows.filter(slug_aliases__slug=slug).first()
    if found is None:
        raise Http404("no such service")
    found.related = found.related or found.same_heading
    return found


def _related() -> QuerySet[Service]:
    """Return what is nearest in meaning (Spec: S8.15)."""
    return related_services(OuterRef("pk"))[:RELATED]


def _same_heading() -> QuerySet[Service]:
    """Return what stands under the same heading, for a site without a model."""
    same = Service.objects.active().filter(
        category=OuterRef("category"), subcategory=OuterRef("subcategory")
    )
    return same.exclude(pk=OuterRef("pk")).order_by("position")[:RELATED]


def _places() -> QuerySet[Neighborhood]:
    """Return where somebody comes to the student for this service."""
    coming = Offering.objects.bookable().filter(
        service=OuterRef(OuterRef("pk")),
        modalities__contains=[Modality.AT_STUDENT],
        instructor__served_neighborhoods=OuterRef("pk"),
    )
    return Neighborhood.objects.filter(Exists(coming)).order_by("borough", "name")


def _context(request: HttpRequest, found: Any, now: datetime) -> dict[str, Any]:
    today, policy = now.astimezone(clock.NEW_YORK).date(), Policy(**found.numbers)
    formula = formula_of(policy)
    offers = [
        offer
        for offer in offers_of(
            found,
            limit=MOST_OFFERS,
            also=["instructor__statistics"],
            checked_since=months_before(today, policy.background_check_months),
        )
        if offer.prices.all()
    ]
    calendars = load_calendars(
        {offer.instructor_id for offer in offers},
        first_on=today,
        last_on=today + timedelta(days=LOOK_AHEAD_DAYS - 1),
        now=now,
    ) if offers else None  # fmt: skip
    times = _times(offers, calendars, formula)
    ranked = _ranked(found, offers, times, formula)
    page = Paginator(ranked, PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "service": found,
        "page": page,
        "cards": [
            offer_card(offer, found, times[offer.pk][:TIMES_A_CARD], names_service=False)
            for offer in page.object_list
        ],
        "price_range": price_range(offers),
        "places": _by_borough(found.places),
        "search_url": f"{reverse('search:results')}?{urlencode({'q': found.name})}",
    }


def _times(
    offers: Sequence[Offering], calendars: Calendars | None, formula: Formula
) -> Mapping[int, Sequence[datetime]]:
    """Return the next starts of each offer, as many as its rank and its card ask for."""
    if calendars is None:
        return {}
    most = max(formula.full_starts, TIMES_A_CARD)
    return {offer.pk: first_starts(calendars, offer, most) for offer in offers}


def _ranked(
    found: Any,
    offers: Sequence[Offering],
    times: Mapping[int, Sequence[datetime]],
    formula: Formula,
) -> list[Offering]:
    """Return the offers in the order of search, without words and places. Spec: S8.3."""
    hourly = {offer.pk: _hourly_cents(offer) for offer in offers}
    median = int(statistics.median(hourly.values())) if hourly else 0
    counted = getattr(found.category, "statistics", None)
    category = Rating(counted.review_count, counted.rating_sum) if counted else Rating(0, 0)

    def score(offer: Offering) -> float:
        own = statistics_of(offer.instructor)
        return Factors(
            relevance=1.0,
            availability=formula.availability(len(times[offer.pk]), is_window_open=False),
            distance=1.0,
            price=formula.price(hourly[offer.pk], median, None),
            quality=formula.quality(own.rating, category),
        ).score

    return sorted(offers, key=lambda offer: (not times[offer.pk], -score(offer), offer.pk))


def _hourly_cents(offer: Offering) -> int:
    minutes = usual_minutes(offer)
    return next(
        row.hourly_cents for row in offer.prices.all() if row.duration_minutes == minutes
    )  # fmt: skip


def price_range(offers: Sequence[Offering]) -> tuple[int, int] | None:
    """Return the cents that a tenth and nine tenths of the prices for 60 minutes stay within.

    None when nobody has a price for an hour. Spec: S7.4.
    """
    cents = sorted(
        row.price_cents
        for offer in offers
        for row in offer.prices.all()
        if row.duration_minutes == HOUR
    )
    if not cents:
        return None
    return _percentile(cents, LOW), _percentile(cents, HIGH)


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest rank: the smallest value that this share of all does not exceed."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def _by_borough(rows: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for borough, name in rows:
        found[borough].append(name)
    return sorted(found.items())
