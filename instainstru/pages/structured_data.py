"""Profiles for search engines, as schema.org understands them (Spec: S10.2, S10.8)."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from bookings.reviews.models import InstructorStatistics
from catalog.models import Instructor, Offering


def canonical_url(person: Instructor) -> str:
    """Return the one address of a profile."""
    return f"{settings.SITE_URL}{reverse('instructor-profile', args=[person.slug])}"


def profile_data(
    person: Instructor,
    offers: Sequence[Offering],
    statistics: InstructorStatistics,
    places: Sequence[str],
) -> dict[str, Any]:
    """Return the data of a profile; the rating is left out where the page shows none."""
    url = canonical_url(person)
    teacher = {
        "@type": "Person",
        "@id": f"{url}#person",
        "name": person.display_name,
        "description": person.headline,
        "knowsLanguage": list(person.languages),
        "knowsAbout": [offer.service.name for offer in offers],
    }
    lessons = {
        "@type": "Service",
        "name": f"Lessons with {person.display_name}",
        "url": url,
        "provider": {"@id": teacher["@id"]},
        "areaServed": list(dict.fromkeys([person.base_neighborhood.name, *places])),
        **_offers(offers),
        **_rating(statistics),
    }
    page = {"@type": "ProfilePage", "url": url, "mainEntity": {"@id": teacher["@id"]}}
    return {"@context": "https://schema.org", "@graph": [page, teacher, lessons]}


def _offers(offers: Sequence[Offering]) -> dict[str, Any]:
    cents = [row.price_cents for offer in offers for row in offer.prices.all()]
    if not cents:
        return {}
    return {
        "offers": {
            "@type": "AggregateOffer",
            "priceCurrency": "USD",
            "lowPrice": f"{min(cents) / 100:.2f}",
            "highPrice": f"{max(cents) / 100:.2f}",
            "offerCount": len(cents),
        }
    }


def _rating(statistics: InstructorStatistics) -> dict[str, Any]:
    rating = statistics.rating
    if rating.is_new:
        return {}
    return {
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": rating.text,
            "reviewCount": rating.count,
            "bestRating": 5,
            "worstRating": 1,
        }
    }
