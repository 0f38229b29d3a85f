"""The numbers of the order are staff's to set, within bounds (Spec: 00 section 6, S8.3)."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from bookings.reviews.ratings import Rating
from catalog.models import Policy
from catalog.models.policy import RANKING_BOUNDS as BOUNDS
from search.ranking import Formula
from search.snapshot import formula_of
from tests.search.builders import USUAL, fresh_catalogue, pianist, rate
from tests.search.test_choosing import chosen

pytestmark = pytest.mark.S8

MUSIC = Rating(100, 460)
NUMBERS = {field: st.integers(low, high) for field, low, high in BOUNDS}
FORMULAS = st.fixed_dictionaries(NUMBERS).map(lambda numbers: formula_of(Policy(**numbers)))


@pytest.fixture(autouse=True)
def _catalogue() -> Iterator[None]:
    with fresh_catalogue():
        yield


@given(FORMULAS)
def test_every_number_within_the_bounds_gives_factors_that_stay_monotone(formula: Formula) -> None:
    """S8.3: improving one factor never lowers a rank, whatever staff set."""
    far = [formula.distance(kilometers) for kilometers in (None, 0.5, 3, 40)]
    full = [formula.availability(starts, is_window_open=False) for starts in range(12)]
    lessons = [formula.newness(number) for number in (0, 1, 20, 500)]
    words = [formula.relevance(1, cosine) for cosine in (-1, 0, 0.4, 1)]
    kept = [formula.reliability(20, failures) for failures in range(4)]
    quick = [formula.reliability(5, 0, questions=3, quick_replies=number) for number in range(4)]
    stars = [formula.quality(Rating(10, total), MUSIC) for total in (10, 30, 50)]
    dear = [formula.price(cents, 8000, None) for cents in (8000, 10000, 20000, 50000)]
    for falling in (far, lessons, kept, dear):
        assert all(one >= other for one, other in pairwise(falling))
        assert min(falling) > 0
    for rising in (full, words, quick, stars):
        assert all(one <= other for one, other in pairwise(rising))
        assert max(rising) <= 1


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "low", "high"), BOUNDS)
def test_numbers_outside_of_the_bounds_are_refused(field: str, low: int, high: int) -> None:
    """By the database, and in words by the form."""
    for number in {low - 1, high + 1} - {-1}:
        wrong = Policy(**{field: number})
        with pytest.raises(ValidationError, match=f"must be {low} to {high}"):
            wrong.full_clean()
        with pytest.raises(IntegrityError, match=f"policy_{field}_bounds"), transaction.atomic():
            wrong.save()


@pytest.mark.django_db
def test_no_more_people_are_lifted_than_stand_on_a_page() -> None:
    wrong = Policy(rank_boosted_per_page=9, search_page_size=8)
    with pytest.raises(ValidationError, match="than stand on a page"):
        wrong.full_clean()
    with pytest.raises(IntegrityError, match="policy_rank_boosted_fit_the_page"):
        wrong.save()


@pytest.mark.django_db
def test_a_policy_changes_the_order_and_the_page(client: Client) -> None:
    """A new number counts with the next look at the catalogue."""
    near = pianist("Ann", prices={60: 9000})
    rate(near, fives=2, fours=30)
    rate(pianist("Bea", prices={60: 16000}), fives=60)
    for number in range(5):
        rate(pianist(f"Cy{number}", prices={60: 9000}), fives=0, fours=4 + number)

    def first_page(**numbers: int) -> list[str]:
        Policy.objects.create(rank_luck_pct=0, **numbers)
        with fresh_catalogue():
            page = client.get("/search/", {"q": "piano"})
        assert page.status_code == 200
        return [card["name"].split()[0] for card in page.context["cards"]]

    assert first_page(rank_price_pct=90, rank_price_spread_pct=20)[0] != "Bea"
    assert first_page(rank_price_pct=0)[0] == "Bea"
    assert len(first_page(search_page_size=5)) == 5
    assert len(first_page(search_page_size=20)) == 7
    with fresh_catalogue():
        beyond = client.get("/search/", {"q": "piano", "page": "9"})
    assert len(beyond.context["cards"]) == 7


@pytest.mark.django_db
def test_the_statement_uses_the_numbers_that_the_ranking_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S8.3: who is cut depends on the same numbers: with another price weight others stay."""
    rate(pianist("Ann", prices={60: 16000}), fives=60)
    rate(pianist("Bob", prices={60: 7000}), fives=0, fours=30)
    pianist("Cem", prices={60: 7500})
    pianist("Dov", prices={60: 7500})
    monkeypatch.setattr("search.choosing.MAX_OFFERS", 1)
    harsh = replace(USUAL, price_share=0.9, price_spread=0.2, boosted_per_page=0)
    mild = replace(USUAL, price_share=0.0, boosted_per_page=0)
    best = {
        name: {offer.name.split()[0] for offer in chosen(formula=formula)}
        for name, formula in {"harsh": harsh, "mild": mild}.items()
    }
    assert best["mild"] == {"Ann"}
    assert "Ann" not in best["harsh"]


@given(boost=st.integers(0, 50), lessons=st.integers(1, 100))
def test_the_boost_fades_as_the_policy_says(boost: int, lessons: int) -> None:
    formula = formula_of(Policy(rank_boost_pct=boost, rank_boost_lessons=lessons))
    assert formula.newness(0) == pytest.approx(1 + boost / 100)
    assert formula.newness(lessons) == pytest.approx(1 + boost / 100 / math.e)
