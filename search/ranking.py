"""The order of instructors: a product of bounded factors, each one monotone (Spec: S8.3)."""

import math
from dataclasses import dataclass

from bookings.reviews.ratings import Rating

EARTH_RADIUS_KM = 6371.0
STARTS_FOR_FULL = 8
IMAGINED, USUAL_MEAN = 8, 4.6


@dataclass(frozen=True)
class Factors:
    """What the score of one offer is made of; 1 is best."""

    relevance: float
    availability: float
    distance: float
    price: float
    quality: float = 1.0

    @property
    def score(self) -> float:
        """The product."""
        return self.relevance * self.availability * self.distance * self.price * self.quality


def availability_factor(open_starts: int, *, is_window_open: bool) -> float:
    """1 when the wanted window is open, else 0.25 to 1 by the open starts of 14 days."""
    if is_window_open:
        return 1.0
    return 0.25 + 0.75 * min(1.0, open_starts / STARTS_FOR_FULL)


def distance_factor(kilometers: float | None) -> float:
    """1 when online or covered (None), else falling with the distance in kilometers."""
    return 1.0 if kilometers is None else math.exp(-kilometers / 4)


def price_factor(hourly_cents: int, median_cents: int, preference: str | None) -> float:
    """Highest near the median price; strictly falling when cheap is wanted, rising for premium."""
    ratio = math.log(hourly_cents / median_cents) if median_cents else 0.0
    if preference == "low":
        return 1 / (1 + math.exp(2 * ratio))
    if preference == "high":
        return 1 / (1 + math.exp(-2 * ratio))
    return 0.7 + 0.3 * math.exp(-0.5 * (ratio / 0.6) ** 2)


def quality_factor(rating: Rating, category: Rating) -> float:
    """Return the average in fifths, as if eight more students had given the category's mean.

    Somebody without reviews stands where the category does.
    """
    mean = category.total / category.count if category.count else USUAL_MEAN
    return (IMAGINED * mean + rating.total) / (IMAGINED + rating.count) / 5


def kilometers_between(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Return the great-circle distance."""
    one, other = math.radians(latitude), math.radians(other_latitude)
    half_latitude = math.sin((other - one) / 2)
    half_longitude = math.sin(math.radians(other_longitude - longitude) / 2)
    chord = half_latitude**2 + math.cos(one) * math.cos(other) * half_longitude**2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))
