"""The instructors somebody keeps, each with the next open time (Spec: S9.5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.lessons.selectors import next_times
from catalog.models import Favorite, Instructor, Offering
from catalog.saving import SAVE
from instainstru import clock
from instainstru.access import requires
from instainstru.http import mark_private
from instainstru.pages.cards import offer_card, usual_minutes

PAGE_SIZE = 20


@requires(SAVE)
@require_safe
def favorites(request: HttpRequest) -> HttpResponse:
    """List whom the person keeps, the newest first."""
    user = cast("User", request.user)
    rows = Favorite.objects.of_user(user).values_list("instructor_id", flat=True)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "cards": cards_of_instructors(list(page.object_list), clock.now())}
    return mark_private(render(request, "pages/favorites.html", context))


def cards_of_instructors(
    instructor_ids: Sequence[int], now: datetime, *, limit: int = 3
) -> list[dict[str, Any]]:
    """Return a saved card for each instructor, in the order given, by the first thing they teach.

    People who are paused or teach nothing now say so instead of times.
    """
    offers: dict[int, Offering] = {}
    rows = Offering.objects.filter(
        instructor__in=instructor_ids, is_active=True, service__is_active=True
    )
    for offer in (
        rows.select_related("instructor__base_neighborhood", "service")
        .prefetch_related("prices")
        .order_by("pk")
    ):
        if offer.prices.all():
            offers.setdefault(offer.instructor_id, offer)
    live = {pk: usual_minutes(o) for pk, o in offers.items() if o.instructor.status == "live"}
    times = next_times(sorted(live.items()), now=now, limit=limit)
    resting = Instructor.objects.filter(pk__in=set(instructor_ids) - live.keys())
    bare = {person.pk: _bare_card(person) for person in resting}
    return [
        bare[pk]
        if pk in bare
        else {**offer_card(offers[pk], offers[pk].service, times[pk, live[pk]]), "saved": True}
        for pk in instructor_ids
    ]


def _bare_card(person: Instructor) -> dict[str, Any]:
    """Return the card of somebody who cannot be booked now."""
    return {
        "url": reverse("instructor-profile", args=[person.slug]),
        "slug": person.slug,
        "name": person.display_name,
        "headline": person.headline,
        "rating_text": "",
        "is_closed": True,
        "saved": True,
    }
