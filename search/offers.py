"""Offers of the candidate services as plain values, and what of a query each one misses."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from bookings.reviews.ratings import Rating
from catalog.models import Modality
from search.demand import Demand
from search.snapshot import Snapshot

DEFAULT_MINUTES = 60
# A price a little over the limit is a close match (Spec: S8.5).
STRETCH = 1.2


class Offer(NamedTuple):
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
    languages: tuple[str, ...]
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
    lessons: int = 0
    strikes: int = 0
    questions: int = 0
    quick_replies: int = 0
    cosine: float | None = None
    """How near it is to the words that are left; None where none are."""

    def minutes_for(self, wanted: int | None) -> int:
        """Return the wanted length when it is priced, else an hour or the shortest."""
        if wanted is not None and wanted in self.prices:
            return wanted
        return DEFAULT_MINUTES if DEFAULT_MINUTES in self.prices else min(self.prices)

    def hourly_cents(self, minutes: int) -> int:
        """Return the price of this length scaled to an hour, rounded up to the cent."""
        return -(-self.prices[minutes] * 60 // minutes)


def offer_of(row: Sequence[Any]) -> Offer:
    """Return the offer of a row that ``search.choosing`` read."""
    minutes, cents, served = row[20:23]
    own, of_category = Rating(*row[23:25]), Rating(*row[25:27])
    prices = dict(zip(minutes, cents, strict=True))
    languages, modalities, levels = tuple(row[9]), tuple(row[16]), tuple(row[17])
    said = (*row[:9], languages, *row[10:16], modalities, levels, (row[18], row[19]), prices)
    return Offer._make((*said, frozenset(served), own, of_category, *row[27:]))


def misses(offer: Offer, demand: Demand, snapshot: Snapshot) -> frozenset[str] | None:
    """Return which of location, price and level the offer misses; None when it is ruled out.

    Modality, age, language, rating and exclusions are never relaxed. Spec: S8.1, S8.3, S8.5.
    """
    if not _has_modality(offer, demand) or not _fits_learner(offer, demand):
        return None
    if is_at(offer, demand.excluded_places, snapshot):
        return None
    missed = set()
    # A lesson online is everywhere.
    is_remote = demand.modalities == {"online"}
    if demand.places and not is_remote and not reaches(offer, demand, snapshot):
        missed.add("location")
    if not _fits_price(offer, demand, 1.0):
        if not _fits_price(offer, demand, STRETCH):
            return None
        missed.add("price")
    if demand.level and demand.level not in offer.levels:
        missed.add("level")
    return frozenset(missed)


def _has_modality(offer: Offer, demand: Demand) -> bool:
    return bool(_ways(offer, demand))


def _ways(offer: Offer, demand: Demand) -> set[str]:
    """Return the ways of the offer in which the lesson may be."""
    offered = set(offer.modalities) - {demand.excluded_modality or ""}
    return offered & demand.modalities if demand.modalities else offered


def _fits_learner(offer: Offer, demand: Demand) -> bool:
    if demand.language and demand.language not in offer.languages:
        return False
    if demand.rating_hundredths and not offer.rating.is_at_least(demand.rating_hundredths):
        return False
    if demand.ages is None:
        return True
    low, high = demand.ages
    return offer.ages[0] <= high and low <= offer.ages[1]


def is_based_in(offer: Offer, names: Collection[str]) -> bool:
    """Tell whether the instructor's own neighborhood is, or lies in, one of the places."""
    return offer.borough in names or offer.base in names


def reaches(offer: Offer, demand: Demand, snapshot: Snapshot) -> bool:
    """Tell whether a lesson can be in one of the wanted places.

    It can where the instructor is based; elsewhere only at the student's, in a neighborhood of the
    place that the instructor serves. Spec: S8.3, S8.5
    """
    if is_based_in(offer, demand.places):
        return True
    return Modality.AT_STUDENT in _ways(offer, demand) and any(
        offer.served & snapshot.neighborhoods.get(name, frozenset()) for name in demand.places
    )


def is_at(offer: Offer, names: Collection[str], snapshot: Snapshot) -> bool:
    """Tell whether an excluded place is the base, or a neighborhood that the instructor serves.

    Who travels to a neighborhood of an excluded borough still teaches elsewhere.
    """
    for name in names:
        if name in (offer.borough, offer.base):
            return True
        place = snapshot.places.get(name)
        if place is not None and place.pk in offer.served:
            return True
    return False


def _fits_price(offer: Offer, demand: Demand, stretch: float) -> bool:
    minutes = offer.minutes_for(demand.minutes)
    is_lesson = demand.price_basis == "lesson"
    cents = offer.prices[minutes] if is_lesson else offer.hourly_cents(minutes)
    if demand.max_cents is not None and cents > demand.max_cents * stretch:
        return False
    return demand.min_cents is None or cents >= demand.min_cents
