"""Of many offers those are read that fit and promise most (Spec: S8.3)."""

import itertools
import math
import statistics
from datetime import timedelta
from typing import Any

import pytest

from bookings.reviews.models import InstructorStatistics
from catalog.models import Coverage, Modality, Offering
from instainstru import clock
from search.choosing import Wish, _fitting, load_offers
from search.demand import Demand
from search.offers import Offer, misses
from search.ranking import Formula
from search.services import run_search
from search.snapshot import current_snapshot
from tests.factories.catalog import NeighborhoodFactory, ServiceFactory
from tests.search.builders import USUAL, fresh_catalogue, gowanus, pianist, rate

pytestmark = [pytest.mark.django_db, pytest.mark.S8]


def chosen(demand: Demand | None = None, formula: Formula = USUAL, **fields: Any) -> list[Offer]:
    now = clock.now()
    return load_offers(
        None, Wish(demand or Demand(), formula, **fields), not_user_id=None, struck_since=now,
        checked_since=(now - timedelta(days=3650)).date(),
    )  # fmt: skip


def names(offers: list[Offer]) -> set[str]:
    return {offer.name.split()[0] for offer in offers}


def taught(offering: Offering, lessons: int, *, fives: int, fours: int) -> None:
    rate(offering, fives=fives, fours=fours)
    InstructorStatistics.objects.filter(instructor=offering.instructor).update(
        lessons_taught=lessons,
        recent_question_count=lessons % 7,
        recent_reply_count=lessons % 7,
        recent_quick_reply_count=lessons % 7 * (lessons % 2),
    )


def promise(offer: Offer, usual_cents: float, preference: str | None, scores: Any) -> float:
    return math.prod(
        [
            scores[offer.service_id],
            USUAL.price(offer.hourly_cents(60), round(usual_cents), preference),
            USUAL.quality(offer.rating, offer.category_rating),
            USUAL.reliability(
                offer.lessons, 0, questions=offer.questions, quick_replies=offer.quick_replies
            ),
        ]
    )


@pytest.mark.parametrize("preference", [None, "low", "high"])
def test_the_database_chooses_as_the_ranking_would(
    monkeypatch: pytest.MonkeyPatch, preference: str | None
) -> None:
    """S8.3: nobody is cut who would stand above somebody who is not."""
    other, scores = ServiceFactory(name="Keyboard"), {}
    for number in range(24):
        fields: dict[str, Any] = {"service": other} if number % 3 else {}
        offering = pianist(f"P{number}", prices={60: 3000 + 700 * (number * 7 % 24)}, **fields)
        scores[offering.service_id] = 1.0 if number % 3 else 0.93
        if number % 4:
            taught(offering, number * 5 % 31, fives=number * 11 % 13, fours=number % 5)
    demand = Demand(price_preference=preference)
    everybody = chosen(demand, scores=scores)
    assert len(everybody) == 24
    usual = {
        pk: math.exp(statistics.fmean(math.log(one.hourly_cents(60)) for one in some))
        for pk in scores
        if (some := [one for one in everybody if one.service_id == pk])
    }  # fmt: skip
    order = sorted(
        everybody,
        key=lambda one: -promise(one, usual[one.service_id], preference, scores),
    )
    for most in (1, 5, 11):
        monkeypatch.setattr("search.choosing.MAX_OFFERS", most)
        assert names(chosen(demand, scores=scores)) == names(order[:most])


@pytest.mark.parametrize(
    ("demand", "fitting"),
    [
        (Demand(max_cents=6000), {"prices": {60: 5900}}),
        (Demand(level="advanced"), {"levels": ["advanced"]}),
        (Demand(rating_hundredths=450), {}),
        (Demand(excluded_places=("Gowanus",)), {}),
        (Demand(excluded_modality="online"), {"modalities": ["public", "online"]}),
    ],
)
def test_who_fits_is_not_cut_for_who_does_not(
    monkeypatch: pytest.MonkeyPatch, demand: Demand, fitting: dict[str, Any]
) -> None:
    """S8.3, S8.5: rating and exclusions rule out; price and level come before what is missed."""
    for name in ("Ada", "Ben"):
        fields: dict[str, Any] = {"prices": {60: 6500}, "levels": ["beginner"]}
        fields |= {"modalities": ["online"], "instructor__base_neighborhood": gowanus()}
        taught(pianist(name, **fields), 50, fives=4, fours=6)
    taught(pianist("Zoe", **fitting), 0, fives=5, fours=5)
    monkeypatch.setattr("search.choosing.MAX_OFFERS", 1)
    assert names(chosen(demand)) == {"Zoe"}


def test_near_me_keeps_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    far = gowanus()
    pianist("Far", instructor__base_neighborhood=far)
    near = pianist("Near").instructor.base_neighborhood
    monkeypatch.setattr("search.choosing.MAX_OFFERS", 1)
    for place, name in ((near, "Near"), (far, "Far")):
        here = [(place.latitude, place.longitude)]
        assert names(chosen(Demand(), points=here, is_near_me=True)) == {name}


def test_newcomers_are_read_though_others_promise_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """S8.3: two of a page may stand there because they are new, so they must not be cut."""
    for number in range(11):
        taught(pianist(f"P{number}"), 42, fives=5, fours=1)
    pianist("Zoe")
    monkeypatch.setattr("search.choosing.MAX_OFFERS", 10)
    assert len(chosen(Demand())) == 11
    assert "Zoe" in names(chosen(Demand()))


def travelers() -> None:
    """Instructors of Park Slope and Astoria, in all ways to teach, who serve none or one place."""
    slope = pianist("Home").instructor.base_neighborhood
    astoria = NeighborhoodFactory(name="Astoria", borough="Queens")
    ways = [way.value for way in Modality]
    some_ways = [some for count in (1, 2) for some in itertools.combinations(ways, count)]
    places = itertools.product((slope, astoria), (None, gowanus(), astoria), some_ways)
    for number, (base, served, modalities) in enumerate(places):
        offering = pianist(
            f"T{number}", modalities=list(modalities), instructor__base_neighborhood=base
        )
        Coverage.objects.filter(instructor=offering.instructor).delete()
        if served is not None:
            Coverage.objects.create(instructor=offering.instructor, neighborhood=served)


def test_the_database_knows_who_comes_to_a_place_as_the_offers_do() -> None:
    """S8.3, S8.5: both rule out the same people and miss the place of the same people."""
    travelers()
    everybody = {offer.pk: offer for offer in chosen()}
    wanted: list[frozenset[str]] = [
        frozenset(some)
        for some in ((), ("at_student",), ("at_instructor",), ("public", "at_student"), ("online",))
    ]
    places = [("Queens",), ("Brooklyn",), ("Astoria",), ("Gowanus", "Queens")]
    excluded = [(), ("Queens",), ("Astoria",)]
    with fresh_catalogue():
        snapshot = current_snapshot()
        for names_, ways, out, never in itertools.product(
            places, wanted, (None, "at_student"), excluded
        ):
            demand = Demand(
                places=names_, modalities=ways, excluded_modality=out, excluded_places=never
            )
            ids = {pk for name in names_ for pk in snapshot.neighborhoods[name]}
            never_ids = [snapshot.places[name].pk for name in never if name in snapshot.places]
            wish = Wish(demand, USUAL, place_ids=ids, excluded_place_ids=never_ids)
            told = {row[0]: row[4] for row in _fitting(Offering.objects.all(), wish)}
            missed = {pk: misses(offer, demand, snapshot) for pk, offer in everybody.items()}
            assert told == {
                pk: "location" in some for pk, some in missed.items() if some is not None
            }, demand


def _reached(place: str, **fields: Any) -> set[str]:
    with fresh_catalogue():
        snapshot = current_snapshot()
        demand = Demand(places=(place,), **fields)
        return {
            offer.name.split()[0] for offer in chosen() if misses(offer, demand, snapshot) == set()
        }


def test_a_borough_is_reached_by_who_is_based_there_or_comes_there() -> None:
    """S8.3, S8.5: to serve a neighborhood is to come there; a studio stays where it is."""
    astoria = NeighborhoodFactory(name="Astoria", borough="Queens")
    comes = pianist("Comes", modalities=["at_student"])
    studio = pianist("Studio", modalities=["at_instructor"])
    both = pianist("Both", modalities=["at_instructor", "at_student"])
    pianist("Lives", modalities=["at_instructor"], instructor__base_neighborhood=astoria)
    for offering in (comes, studio, both):
        Coverage.objects.create(instructor=offering.instructor, neighborhood=astoria)
    for place in ("Queens", "Astoria"):
        assert _reached(place) == {"Comes", "Both", "Lives"}
        assert _reached(place, modalities=frozenset({"at_instructor"})) == {"Lives"}
        assert _reached(place, modalities=frozenset({"at_student"})) == {"Comes", "Both"}
    # Who also travels to Queens still teaches in Brooklyn.
    assert _reached("Brooklyn", excluded_places=("Queens",)) == {"Comes", "Studio", "Both"}


def test_the_reason_says_who_comes_and_who_teaches_there() -> None:
    """S8.3"""
    astoria = NeighborhoodFactory(name="Astoria", borough="Queens")
    comes = pianist("Comes", modalities=["at_student"])
    Coverage.objects.create(instructor=comes.instructor, neighborhood=astoria)
    pianist("Lives", instructor__base_neighborhood=astoria)
    with fresh_catalogue():
        hits = run_search("piano in queens", now=clock.now()).anywhere
    said = {hit.offer.name.split()[0]: set(hit.reasons) for hit in hits}
    assert "comes to Queens" in said["Comes"]
    assert "teaches in Queens" in said["Lives"]
