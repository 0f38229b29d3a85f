"""Which ZIP codes belong to the city, and where they lie (Spec: 02 section 5)."""

import csv
from functools import cache
from math import hypot
from pathlib import Path
from typing import NamedTuple, Protocol

FILE = Path(__file__).parent / "data" / "zip_codes.csv"
PREFIXES = frozenset({"100", "101", "102", "103", "104", "111", "112", "113", "114", "116"})
"""The city alone uses these; codes of single buildings and boxes are not in the file."""
KM_PER_DEGREE_NORTH, KM_PER_DEGREE_EAST = 111.0, 84.2
NEAR_KM = 8.0
"""From the middle of a code to the middle of a neighborhood that it may belong to."""


class Point(NamedTuple):
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


class Located(Protocol):
    """Anything that has a place on the map."""

    @property
    def latitude(self) -> float:
        """Degrees north."""

    @property
    def longitude(self) -> float:
        """Degrees east."""


@cache
def _points() -> dict[str, Point]:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return {row["zip"]: Point(float(row["lat"]), float(row["lng"])) for row in rows}


def is_in_city(zip_code: str) -> bool:
    """Tell whether a five-digit code is in one of the five boroughs."""
    return zip_code in _points() or zip_code[:3] in PREFIXES


def point_of(zip_code: str) -> Point | None:
    """Return the middle of a code's area; None where the file knows none."""
    return _points().get(zip_code)


def is_near(one: Located, other: Located) -> bool:
    """Tell whether two places may belong together."""
    north = (one.latitude - other.latitude) * KM_PER_DEGREE_NORTH
    east = (one.longitude - other.longitude) * KM_PER_DEGREE_EAST
    return hypot(north, east) <= NEAR_KM
