"""A small city of pianists for the results page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bookings.reviews.models import InstructorStatistics
from catalog.models import Offering, Policy
from search.candidate_cache import forget_candidates
from search.ranking import Formula
from search.snapshot import forget_snapshot, formula_of
from tests.factories.accounts import UserFactory
from tests.factories.catalog import (
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
)

USUAL: Formula = formula_of(Policy())
"""The order with the usual numbers of the policy."""


@contextmanager
def fresh_catalogue() -> Iterator[None]:
    """Forget the catalogue in memory before and after."""
    forget_snapshot()
    forget_candidates()
    yield
    forget_snapshot()
    forget_candidates()


def pianist(name: str = "Maya", **fields: Any) -> Offering:
    """Return an offer of piano; ``instructor__…`` and the fields of an offering change it."""
    person = UserFactory(first_name=name, last_name="Cohen")
    own = {key[12:]: fields.pop(key) for key in list(fields) if key.startswith("instructor__")}
    instructor = InstructorFactory(user=person, slug=f"{name.lower()}-c", **own)
    fields.setdefault("service", ServiceFactory(name="Piano"))
    return OfferingFactory(instructor=instructor, **fields)


def rate(offering: Offering, *, fives: int, fours: int = 0) -> None:
    """Give the instructor so many reviews of five and of four stars."""
    InstructorStatistics.objects.update_or_create(
        instructor=offering.instructor,
        defaults={
            "review_count": fives + fours,
            "rating_sum": 5 * fives + 4 * fours,
            "stars_5": fives,
            "stars_4": fours,
        },
    )


def gowanus() -> Any:
    """Return a second neighborhood, a mile from Park Slope."""
    return NeighborhoodFactory(name="Gowanus", latitude=40.6733, longitude=-73.9903)
