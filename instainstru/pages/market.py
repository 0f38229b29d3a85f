"""What there is and what people want most, for pages that have few queries to spend.

Popularity has one place, so that another measure can replace the lessons booked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from bookings.lessons.models import Booking
from catalog.models import Category, Policy, Service

RECENT = timedelta(days=30)
SHOWN, NAMED = 10, 2
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


def _popular(now: datetime) -> QuerySet[Service]:
    lessons = (
        recently_booked(now)
        .filter(offering__service=OuterRef("pk"))
        .order_by()
        .values("offering__service")
        .annotate(n=Count("pk"))
        .values("n")
    )
    booked = recently_booked(now).values("offering__service")
    return (
        Service.objects.active()
        .filter(pk__in=booked)
        .annotate(lessons=Subquery(lessons))
        .order_by("-lessons", "position")[:SHOWN]
    )


def _tiles() -> QuerySet[Category]:
    active = Service.objects.active().filter(category=OuterRef("pk")).order_by("position")
    return (
        Category.objects.with_service_counts()
        .filter(Exists(active))
        .annotate(first=ArraySubquery(active.values("name")[:NAMED]))
    )


def market_facts(now: datetime) -> MarketFacts:
    """Return numbers, founding places left, tiles and what is booked most, in one query.

    There is no record of searches yet; lessons booked say what people want. Spec: S9.1.
    """
    row: Any = (
        Policy.objects.with_founding_spots()
        .annotate(
            popular=ArraySubquery(
                _popular(now).values(
                    row=JSONObject(
                        name="name", slug="slug", category_slug=F("category__slug"),
                        lessons="lessons",
                    )
                )
            ),
            tiles=ArraySubquery(
                _tiles().values(
                    row=JSONObject(
                        name="name", slug="slug", icon="icon", count="service_count", first="first"
                    )
                )
            ),
        )
        .order_by("-pk")[0]
    )  # fmt: skip
    popular = tuple(PopularService(**values) for values in row.popular)
    tiles = tuple(Tile(**{**values, "first": tuple(values["first"])}) for values in row.tiles)
    return MarketFacts(row, row.founding_spots_left, popular, tiles)
