"""The page of one service: what it is, and who can teach it when (Spec: S7.4)."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from bookings.lessons.selectors import next_times
from catalog.models import Offering, Service, ServiceSlugAlias
from catalog.selectors import offers_of
from instainstru import clock
from instainstru.access import public
from instainstru.pages.cards import offer_card, usual_minutes

SHOWN = 20
RELATED = 6


@public
@require_safe
def service(request: HttpRequest, category_slug: str, slug: str) -> HttpResponse:
    """Show a service; a former slug or a wrong category leads to the right address."""
    found = Service.objects.select_related("category").filter(slug=slug).first()
    if found is None:
        alias = (
            ServiceSlugAlias.objects.select_related("service__category").filter(slug=slug).first()
        )
        if alias is None:
            raise Http404("no such service")
        found = alias.service
    if (found.slug, found.category.slug) != (slug, category_slug):
        return redirect("catalog:service", found.category.slug, found.slug, permanent=True)
    related = _related(found)
    if not found.is_active:
        context = {"service": found, "related": related}
        return render(request, "catalog/service_gone.html", context, status=410)
    return render(request, "catalog/service.html", _context(found, related))


def _related(found: Service) -> list[Service]:
    same = Service.objects.active().filter(category=found.category, subcategory=found.subcategory)
    return list(same.exclude(pk=found.pk).select_related("category")[:RELATED])


def _context(found: Service, related: list[Service]) -> dict[str, Any]:
    offers = offers_of(found, also=["instructor__statistics"])
    times = _times(offers)
    ready = sorted(offers, key=lambda offer: (not times[offer.pk], _first(times[offer.pk])))
    return {
        "service": found,
        "related": related,
        "count": len(offers),
        "cards": [offer_card(offer, found, times[offer.pk]) for offer in ready[:SHOWN]],
        "search_url": f"{reverse('search:results')}?q={found.name}",
    }


def _times(offers: list[Offering]) -> dict[int, list[datetime]]:
    wanted = {offer.pk: (offer.instructor_id, usual_minutes(offer)) for offer in offers}
    found = next_times(sorted(set(wanted.values())), now=clock.now())
    return {pk: found[key] for pk, key in wanted.items()}


def _first(starts: list[datetime]) -> float:
    return starts[0].timestamp() if starts else 0.0
