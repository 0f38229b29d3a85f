"""Offers of the candidate services as plain values, and what of a query each one misses."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bookings.reviews.ratings import Rating
from catalog.models import Coverage, Offering, OfferingPrice
from search.parser import ParsedQuery
from search.snapshot import Snapshot

DEFAULT_MINUTES = 60
MAX_OFFERS = 400
# A price a little over the limit is a close match (Spec: S8.5).
STRETCH = 1.2
IN_PERSON = frozenset({"at_student", "at_instructor", "public"})
_RATED, _RATING = ("instructor", "service__category"), ("review_count", "rating_sum")
AGE_GROUPS = {
    "toddler": (1, 4),
    "kid": (5, 12),
    "teen": (13, 17),
    "adult": (18, 64),
    "senior": (65, 99),
}


@dataclass(frozen=True)
class Offer:
    """One instructor's service with what a card shows and a filter asks; money in cents."""

    pk: int
    service_id: int
    instructor_id: int
    user_id: int
    slug: str
    name: str
    headline: str
    years: int
    is_founding: bool
    zone: str
    base: str
    borough: str
    base_id: int
    latitude: float
    longitude: float
    modalities: tuple[str, ...]
    levels: tuple[str, ...]
    ages: tuple[int, int]
    prices: Mapping[int, int]
    served: frozenset[int]
    rating: Rating
    category_rating: Rating

    def minutes_for(self, wanted: int | None) -> int:
        """Return the wanted length when it is priced, else an hour or the shortest."""
        if wanted is not None and wanted in self.prices:
            return wanted
        return DEFAULT_MINUTES if DEFAULT_MINUTES in self.prices else min(self.prices)

    def hourly_cents(self, minutes: int) -> int:
        """Return the price of this length scaled to an hour, rounded up to the cent."""
        return -(-self.prices[minutes] * 60 // minutes)


def load_offers(
    service_ids: Collection[int] | None, *, checked_since: date, not_user_id: int | None
) -> list[Offer]:
    """Return the bookable offers of these services (None: of any), in three queries. Spec: S8.7."""
    rows = Offering.objects.bookable().filter(instructor__background_checked_on__gte=checked_since)
    if service_ids is not None:
        rows = rows.filter(service_id__in=service_ids)
    if not_user_id is not None:
        rows = rows.exclude(instructor__user_id=not_user_id)
    values = list(
        rows.order_by("pk").values(
            "pk", "service_id", "instructor_id", "modalities", "levels", "age_from", "age_to",
            "instructor__user_id", "instructor__slug", "instructor__display_name",
            "instructor__headline", "instructor__years_teaching", "instructor__is_founding",
            "instructor__zone", "instructor__base_neighborhood_id",
            "instructor__base_neighborhood__name", "instructor__base_neighborhood__borough",
            "instructor__base_neighborhood__latitude", "instructor__base_neighborhood__longitude",
            *(f"{owner}__statistics__{name}" for owner in _RATED for name in _RATING),
        )[:MAX_OFFERS]
    )  # fmt: skip
    prices = _prices([row["pk"] for row in values])
    served = _served({row["instructor_id"] for row in values})
    return [
        _offer(row, prices[row["pk"]], served[row["instructor_id"]])
        for row in values
        if prices[row["pk"]]
    ]


def _prices(offering_ids: Collection[int]) -> Mapping[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = defaultdict(dict)
    rows = OfferingPrice.objects.filter(offering_id__in=offering_ids)
    for pk, minutes, cents in rows.values_list("offering_id", "duration_minutes", "price_cents"):
        found[pk][minutes] = cents
    return found


def _served(instructor_ids: Collection[int]) -> Mapping[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    rows = Coverage.objects.filter(instructor_id__in=instructor_ids)
    for pk, neighborhood_id in rows.values_list("instructor_id", "neighborhood_id"):
        found[pk].add(neighborhood_id)
    return found


def _rating(row: Mapping[str, Any], owner: str) -> Rating:
    return Rating(*(row[f"{owner}__statistics__{name}"] or 0 for name in _RATING))


def _offer(row: Mapping[str, Any], prices: Mapping[int, int], served: Iterable[int]) -> Offer:
    place = "instructor__base_neighborhood"
    return Offer(
        pk=row["pk"],
        service_id=row["service_id"],
        instructor_id=row["instructor_id"],
        user_id=row["instructor__user_id"],
        slug=row["instructor__slug"],
        name=row["instructor__display_name"],
        headline=row["instructor__headline"],
        years=row["instructor__years_teaching"],
        is_founding=row["instructor__is_founding"],
        zone=row["instructor__zone"],
        base=row[f"{place}__name"],
        borough=row[f"{place}__borough"],
        base_id=row[f"{place}_id"],
        latitude=row[f"{place}__latitude"],
        longitude=row[f"{place}__longitude"],
        modalities=tuple(row["modalities"]),
        levels=tuple(row["levels"]),
        ages=(row["age_from"], row["age_to"]),
        prices=prices,
        served=frozenset(served),
        rating=_rating(row, "instructor"),
        category_rating=_rating(row, "service__category"),
    )


def misses(offer: Offer, query: ParsedQuery, snapshot: Snapshot) -> frozenset[str] | None:
    """Return which of location, price and level the offer misses; None when it is ruled out.

    Modality, age and exclusions are never relaxed. Spec: S8.1, S8.3, S8.5.
    """
    wanted = query.constraints
    excluded = wanted.get("exclude", {})
    if not _has_modality(offer, wanted.get("modality"), excluded.get("modality")):
        return None
    if not _fits_age(offer, query) or _is_at(offer, _names(excluded.get("location")), snapshot):
        return None
    missed = set()
    places = _names(wanted.get("location"))
    if places and not _is_at(offer, places, snapshot):
        missed.add("location")
    if not _fits_price(offer, query, 1.0):
        if not _fits_price(offer, query, STRETCH):
            return None
        missed.add("price")
    if "level" in wanted and wanted["level"] not in offer.levels:
        missed.add("level")
    return frozenset(missed)


def _names(location: str | list[str] | None) -> list[str]:
    if location is None:
        return []
    return [location] if isinstance(location, str) else list(location)


def _has_modality(offer: Offer, wanted: str | None, excluded: str | None) -> bool:
    offered = set(offer.modalities) - {excluded}
    if wanted is None:
        return bool(offered)
    return bool(offered & IN_PERSON) if wanted == "in_person" else wanted in offered


def _fits_age(offer: Offer, query: ParsedQuery) -> bool:
    wanted = query.constraints
    if "age" in wanted:
        return offer.ages[0] <= wanted["age"] <= offer.ages[1]
    if "age_group" in wanted:
        low, high = AGE_GROUPS[wanted["age_group"]]
        return offer.ages[0] <= high and low <= offer.ages[1]
    return True


def _is_at(offer: Offer, names: Collection[str], snapshot: Snapshot) -> bool:
    """Tell whether the offer can be taught in one of the places in person."""
    for name in names:
        if name in (offer.borough, offer.base):
            return True
        place = snapshot.places.get(name)
        if place is not None and place.pk in offer.served:
            return True
    return False


def _fits_price(offer: Offer, query: ParsedQuery, stretch: float) -> bool:
    wanted = query.constraints
    minutes = offer.minutes_for(wanted.get("duration_minutes"))
    is_lesson = query.price_basis == "lesson"
    cents = offer.prices[minutes] if is_lesson else offer.hourly_cents(minutes)
    if "max_price" in wanted and cents > wanted["max_price"] * 100 * stretch:
        return False
    return not ("min_price" in wanted and cents < wanted["min_price"] * 100 / stretch)
