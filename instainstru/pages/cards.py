"""Offers as the plain values of the instructor card."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from bookings.lessons.selectors import Calendars, lesson_zone
from bookings.reviews.selectors import statistics_of
from catalog.models import Offering, Service
from instainstru.templatetags.ui import counted, format_clock, money

HOUR, TIMES_A_CARD = 60, 3


def usual_minutes(offering: Offering) -> int:
    """Return an hour when it is priced, else the shortest length."""
    lengths = [price.duration_minutes for price in offering.prices.all()]
    return HOUR if HOUR in lengths else min(lengths)


def first_starts(calendars: Calendars, offering: Offering, limit: int) -> list[datetime]:
    """Return the next bookable starts of an offer, looking no further than needed."""
    zone = lesson_zone(offering.instructor)
    return calendars.starts(
        offering.instructor_id, usual_minutes(offering), zone=zone, limit=limit
    )  # fmt: skip


def offer_card(
    offering: Offering,
    service: Service,
    starts: Sequence[datetime],
    *,
    names_service: bool = True,
) -> dict[str, Any]:
    """Return the values of ``components/instructor_card.html`` for one offer.

    A list whose heading is the service does not name it again. Spec: S8.4.
    """
    person = offering.instructor
    minutes = usual_minutes(offering)
    price = next(row for row in offering.prices.all() if row.duration_minutes == minutes)
    chosen = {"service": service.slug, "duration": minutes}
    book = reverse("lessons:times", args=[person.slug])
    badges = [{"icon": "shield-check", "text": "Background checked"}]
    if person.is_founding:
        badges.append({"icon": "award", "text": "Founding instructor"})
    place, rating = person.base_neighborhood, statistics_of(person).rating
    return {
        "url": f"{reverse('instructor-profile', args=[person.slug])}?{urlencode(chosen)}",
        "slug": person.slug,
        "name": person.display_name,
        "headline": person.headline,
        "price_text": money(price.hourly_cents),
        "price_unit": "/hour",
        "price_note": "" if minutes == HOUR else f"{money(price.price_cents)} for {minutes} min",
        "rating_text": rating.text,
        "review_count": rating.count,
        "facts": [
            *([service.name] if names_service else []),
            f"{counted(person.years_teaching, 'year')} teaching",
            f"{place.name}, {place.borough}",
        ],
        "badges": badges,
        "slots": [
            {
                "url": f"{book}?{urlencode({**chosen, 'start': f'{start:%Y-%m-%dT%H:%M:%SZ}'})}",
                "start_at": start,
                "zone": person.zone,
            }
            for start in starts
        ],
        "more_url": f"{book}?{urlencode(chosen)}",
    }  # fmt: skip


def today_card(offering: Offering, starts: Sequence[datetime]) -> dict[str, Any]:
    """Return the same under a heading that names the day and New York's zone. Spec: S9.1."""
    card = offer_card(offering, offering.service, starts)
    zone = offering.instructor.zone
    card["times"] = [
        {"url": slot["url"], "text": format_clock(slot["start_at"], zone, abbreviation=False)}
        for slot in card.pop("slots")
    ]
    return card
