"""Where instructors live and how far they travel: neighborhoods by the distance of their points."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians
from random import Random

# Share of instructors and students per borough, in hundredths.
BOROUGH_SHARES = {
    "Brooklyn": 34, "Manhattan": 32, "Queens": 20, "Bronx": 9, "Staten Island": 5,
}  # fmt: skip
PRICE_LEVEL = {
    "Manhattan": 1.22, "Brooklyn": 1.06, "Queens": 0.95, "Staten Island": 0.92, "Bronx": 0.88,
}  # fmt: skip
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class Place:
    """A neighborhood with its point in degrees."""

    pk: int
    name: str
    borough: str
    latitude: float
    longitude: float


class CityMap:
    """Neighborhoods, and for each one the others from near to far."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._by_name = {place.name: place for place in places}
        self._by_borough: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            self._by_borough[place.borough].append(place)
        self._near: dict[int, list[Place]] = {}

    def named(self, name: str) -> Place:
        """Return a neighborhood by name; raises KeyError when unknown."""
        return self._by_name[name]

    def home(self, chance: Random) -> Place:
        """Choose a neighborhood, more often in a borough with more people."""
        boroughs = [name for name in BOROUGH_SHARES if name in self._by_borough]
        borough = chance.choices(boroughs, [BOROUGH_SHARES[name] for name in boroughs])[0]
        return chance.choice(self._by_borough[borough])

    def around(self, place: Place, count: int) -> list[Place]:
        """Return the ``count`` nearest neighborhoods, the place itself first."""
        if place.pk not in self._near:
            others = list(self._by_name.values())
            self._near[place.pk] = sorted(others, key=lambda other: distance_km(place, other))
        return self._near[place.pk][:count]


def distance_km(one: Place, other: Place) -> float:
    """Return the distance of two points in kilometers; flat enough for one city."""
    north = (one.latitude - other.latitude) * _KM_PER_DEGREE
    east = (one.longitude - other.longitude) * _KM_PER_DEGREE * cos(radians(one.latitude))
    return hypot(north, east)
