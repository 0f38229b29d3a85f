"""What there is and what people want most, for pages that have few queries to spend.

Counting a month of lessons takes longer than a page may: a job does it and leaves the result in the
cache; the page that comes before it counts itself. Popularity has one place, so that another
measure can replace the lessons booked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from bookings.lessons.models import Booking
from catalog.models import Category, Policy, Service

RECENT = timedelta(days=30)
SHOWN, NAMED = 10, 2
# Longer than the pause between two runs of the job.
REMEMBERED_SECONDS = 15 * 60
MOST_REMEMBERED = 500
_POPULAR_KEY = "popular-services"
# Every lesson that somebody paid for counts, whatever became of it.
UNPAID = ("held", "expired")


@dataclass(frozen=True)
class PopularService:
    """A service with the number of lessons booked in the last 30 days."""

    name: str
    slug: str
    category_slug: str
    lessons: int


@dataclass(frozen=True)
class Tile:
    """A category with the number of its services and the first of them."""

    name: str
    slug: str
    icon: str
    count: int
    first: tuple[str, ...]

    @property
    def note(self) -> str:
        """The first services in words: ``Piano, Jazz Piano and 76 more``."""
        shown, more = ", ".join(self.first), self.count - len(self.first)
        return f"{shown} and {more} more" if more > 0 else shown


@dataclass(frozen=True)
class MarketFacts:
    """The numbers in force, the nine tiles and what is popular."""

    policy: Policy
    founding_spots_left: int
    popular: tuple[PopularService, ...]
    tiles: tuple[Tile, ...]

    @property
    def service_total(self) -> int:
        """How many services there are."""
        return sum(tile.count for tile in self.tiles)


def recently_booked(now: datetime) -> QuerySet[Booking]:
    """Return the lessons booked in the last 30 days."""
    return Booking.objects.filter(confirmed_at__gt=now - RECENT, confirmed_at__lte=now).exclude(
        status__in=UNPAID
    )


def popular_services(now: datetime) -> tuple[PopularService, ...]:
    """Return the services booked most in the last 30 days, as counted some minutes ago."""
    found: tuple[PopularService, ...] | None = cache.get(_POPULAR_KEY)
    return refresh_popular_services(now) if found is None else found


def refresh_popular_services(now: datetime) -> tuple[PopularService, ...]:
    """Count the lessons booked in the last 30 days by service, and remember the most wanted."""
    rows = (
        recently_booked(now)
        .filter(offering__service__is_active=True)
        .order_by()
        .values("offering__service")
        .annotate(lessons=Count("pk"))
        .order_by("-lessons", "offering__service__position")[:SHOWN]
        .values_list(
            "offering__service__name",
            "offering__service__slug",
            "offering__service__category__slug",
            "lessons",
        )
    )
    found = tuple(PopularService(*row) for row in rows)
    cache.set(_POPULAR_KEY, found, REMEMBERED_SECONDS)
    return found


def booked_lately(borough: str, now: datetime) -> dict[int, int]:
    """Return how often each offer was booked in a borough in the last 30 days, most first.

    At most 500 offers, as counted some minutes ago.
    """
    found: dict[int, int] | None = cache.get(_booked_key(borough))
    return refresh_booked_lately(borough, now) if found is None else found


def refresh_booked_lately(borough: str, now: datetime) -> dict[int, int]:
    """Count the lessons of a borough by offer, and remember them."""
    rows = (
        recently_booked(now)
        .filter(neighborhood__borough=borough)
        .order_by()
        .values("offering")
        .annotate(lessons=Count("pk"))
        .order_by("-lessons", "offering")[:MOST_REMEMBERED]
        .values_list("offering", "lessons")
    )
    found = dict(rows)
    cache.set(_booked_key(borough), found, REMEMBERED_SECONDS)
    return found


def _booked_key(borough: str) -> str:
    return f"booked-lately:{borough.replace(' ', '-').lower()}"


def _tiles() -> QuerySet[Category]:
    active = Service.objects.active().filter(category=OuterRef("pk")).order_by("position")
    return (
        Category.objects.with_service_counts()
        .filter(Exists(active))
        .annotate(first=ArraySubquery(active.values("name")[:NAMED]))
    )


def market_facts(now: datetime) -> MarketFacts:
    """Return numbers, founding places left and tiles in one query, and what is booked most.

    There is no record of searches yet; lessons booked say what people want. Spec: S9.1.
    """
    tiles = _tiles().values(
        row=JSONObject(name="name", slug="slug", icon="icon", count="service_count", first="first")
    )
    row: Any = (
        Policy.objects.with_founding_spots()
        .annotate(tiles=ArraySubquery(tiles))
        .order_by("-pk")[0]
    )  # fmt: skip
    return MarketFacts(
        row,
        row.founding_spots_left,
        popular_services(now),
        tuple(Tile(**{**values, "first": tuple(values["first"])}) for values in row.tiles),
    )
