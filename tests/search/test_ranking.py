"""The quality factor: ratings move people up and down, a single one only a little."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.reviews.ratings import Rating
from search.ranking import (
    Factors,
    Standing,
    largest_reasons,
    page_order,
)
from tests.search.builders import USUAL

pytestmark = pytest.mark.S8

NOBODY, MUSIC = Rating(0, 0), Rating(100, 460)


def test_somebody_new_stands_where_the_category_does() -> None:
    """S8.3."""
    assert USUAL.quality(NOBODY, MUSIC) == pytest.approx(0.92)
    assert USUAL.quality(NOBODY, Rating(10, 40)) == pytest.approx(0.8)
    assert USUAL.quality(NOBODY, NOBODY) == pytest.approx(0.92)


def test_quality_follows_the_formula() -> None:
    """S8.3: (8 · category mean + sum of ratings) / (8 + n) / 5."""
    assert USUAL.quality(Rating(2, 6), MUSIC) == pytest.approx((8 * 4.6 + 6) / 10 / 5)
    one_bad = USUAL.quality(Rating(1, 1), MUSIC)
    assert 0.8 < one_bad < 0.92
    assert USUAL.quality(Rating(50, 50), MUSIC) < 0.4


@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_another_good_review_never_lowers_the_score(count: int) -> None:
    """S8.3."""
    scores = [
        Factors(1, 1, 1, 1, USUAL.quality(Rating(count, total), MUSIC)).score
        for total in range(count, 5 * count + 1)
    ]
    assert scores == sorted(scores)
    before, after = Rating(count, 4 * count), Rating(count + 1, 4 * count + 5)
    assert USUAL.quality(after, MUSIC) > USUAL.quality(before, MUSIC)


# --- The whole formula ------------------------------------------------------------------------
BEST = {
    "relevance": 1.0,
    "availability": 1.0,
    "distance": 1.0,
    "price": 1.0,
    "quality": 1.0,
    "reliability": 1.0,
    "newness": 1.08,
}


@given(
    rows=st.lists(
        st.fixed_dictionaries({name: st.floats(0.05, most) for name, most in BEST.items()}),
        min_size=2,
        max_size=12,
    ),
    name=st.sampled_from(sorted(BEST)),
    lift=st.floats(1.0, 3.0),
)
def test_improving_one_factor_never_lowers_a_rank(
    rows: list[dict[str, float]], name: str, lift: float
) -> None:
    """S8.3: whatever the others do, jitter included."""
    luck = [USUAL.jitter("user:1", date(2026, 3, 4), number) for number in range(len(rows))]

    def rank_of_first(each: list[dict[str, float]]) -> int:
        scores = [Factors(**row).score * luck[number] for number, row in enumerate(each)]
        order = sorted(range(len(each)), key=lambda number: (-scores[number], number))
        return order.index(0)

    better = [{**rows[0], name: rows[0][name] * lift}, *rows[1:]]
    assert rank_of_first(better) <= rank_of_first(rows)


def test_reliability_falls_with_failures_and_strikes_put_people_behind() -> None:
    """S8.3, 05 section 4: smoothed, so that one bad day of a beginner does not end them."""
    one, many = USUAL.reliability(0, 1), USUAL.reliability(100, 1)
    assert USUAL.reliability(0, 0) > one
    assert many > one > 0.8 * (0.7 + 0.3 * 0.7)
    assert USUAL.reliability(100, 3, is_struck=True) < one
    falling = [USUAL.reliability(20, failures) for failures in range(10)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize("questions", [0, 1, 5, 200])
def test_answering_quickly_never_lowers_the_score(questions: int) -> None:
    """S8.3: neither one more of the same questions nor one more question that was answered."""
    rising = [
        USUAL.reliability(20, 1, questions=questions, quick_replies=quick)
        for quick in range(questions + 1)
    ]
    assert rising == sorted(set(rising))
    for quick in range(questions + 1):
        before = USUAL.reliability(20, 1, questions=questions, quick_replies=quick)
        after = USUAL.reliability(20, 1, questions=questions + 1, quick_replies=quick + 1)
        ignored = USUAL.reliability(20, 1, questions=questions + 1, quick_replies=quick)
        assert ignored < before < after


def test_reliability_follows_the_formula_and_is_smoothed() -> None:
    """S8.3: (0.7 + 0.3 · P(reply < 2 h)) × (0.8 + 0.2 · completion)."""
    completion = (0.97 * 8 + 20) / (8 + 20)
    reply = (0.7 * 8 + 3) / (8 + 4)
    wanted = (0.7 + 0.3 * reply) * (0.8 + 0.2 * completion)
    assert USUAL.reliability(20, 0, questions=4, quick_replies=3) == pytest.approx(wanted)
    assert USUAL.reliability(0, 0, questions=1) > 0.95 * USUAL.reliability(0, 0)


def test_somebody_new_gets_a_small_chance_that_fades() -> None:
    """S8.3: 8 % at first, under 1 % after ten lessons or so."""
    assert USUAL.newness(0) == pytest.approx(1.08)
    assert USUAL.newness(12) < 1.01
    assert USUAL.newness(500) >= 1


def test_words_that_are_left_lift_and_never_bury() -> None:
    """S8.3, S8.15: between 85 % and all of the service's score."""
    assert USUAL.relevance(0.8, None) == 0.8
    assert USUAL.relevance(1, 1.0) == 1
    assert USUAL.relevance(1, -0.3) == USUAL.relevance(1, 0) == pytest.approx(0.85)


@pytest.mark.parametrize("preference", ["low", "high", None])
def test_price_has_a_floor_and_the_wanted_direction(preference: str | None) -> None:
    """S8.3: strictly falling when cheap is wanted; nobody is put out of sight."""
    factors = [USUAL.price(cents, 8000, preference) for cents in range(1000, 50000, 500)]
    assert min(factors) >= 0.2
    if preference == "low":
        assert all(one > other for one, other in pairwise(factors))
    if preference == "high":
        assert all(one < other for one, other in pairwise(factors))


def test_jitter_is_one_per_cent_and_the_same_all_day() -> None:
    """S8.3: stable for owner, day and instructor, so paging repeats nobody."""
    monday, tuesday = date(2026, 3, 2), date(2026, 3, 3)
    values = [USUAL.jitter("user:1", monday, number) for number in range(500)]
    assert all(1 <= value <= 1.01 for value in values)
    assert len({round(value, 6) for value in values}) > 400
    assert values == [USUAL.jitter("user:1", monday, number) for number in range(500)]
    assert values != [USUAL.jitter("user:1", tuesday, number) for number in range(500)]
    assert values != [USUAL.jitter("user:2", monday, number) for number in range(500)]


Rows = list[tuple[str, float, float]]
"""Neighborhood, score without newness, newness."""

STANDING_ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(0.1, 1), st.sampled_from([1, 1, 1.01, 1.05, 1.08])),
    max_size=45,
)


def _pages(rows: Rows, *, page_size: int = 20) -> Rows:
    ranked = sorted(rows, key=lambda row: -row[1] * row[2])
    standings = [Standing(plain * newness, plain, place) for place, plain, newness in ranked]
    return page_order(ranked, standings, replace(USUAL, page_size=page_size))


@given(STANDING_ROWS)
def test_neighbours_mix_where_others_are_as_good_and_nobody_is_lost(rows: Rows) -> None:
    """S8.3: at most three of one neighborhood in a row while somebody near-equal is elsewhere."""
    mixed = _pages([(place, plain, 1) for place, plain, _ in rows])
    assert sorted(mixed) == sorted((place, plain, 1) for place, plain, _ in rows)
    for place in range(len(mixed) - 3):
        four = mixed[place : place + 4]
        if len({row[0] for row in four}) == 1:
            others = [row for row in mixed[place + 3 :] if row[0] != four[0][0]]
            best = max((row[1] for row in mixed[place + 3 :]), default=0)
            assert all(row[1] < best * 0.95 or row[1] < four[3][1] for row in others)


@given(STANDING_ROWS)
def test_newness_lifts_two_people_a_page_before_others(rows: Rows) -> None:
    """S8.3: at most two stand before somebody only because they are new; nobody is lost."""
    shown = _pages([("a", plain, newness) for _, plain, newness in rows], page_size=5)
    assert len(shown) == len(rows)
    for first in range(0, len(shown), 5):
        boosted = [
            number
            for number in range(first, min(first + 5, len(shown)))
            if any(
                plain > shown[number][1] and plain * newness < shown[number][1] * shown[number][2]
                for _, plain, newness in shown[number + 1 :]
            )
        ]
        assert len(boosted) <= 2


def test_a_third_newcomer_waits_for_the_next_page() -> None:
    """S8.3"""
    known = [("a", 0.99, 1.0), ("b", 0.985, 1.0), ("c", 0.98, 1.0)]
    new = [("d", 0.97, 1.08), ("e", 0.96, 1.08), ("f", 0.95, 1.08)]
    shown = "".join(row[0] for row in _pages([*known, *new], page_size=3))
    assert shown == "deafbc"


@given(rows=STANDING_ROWS.filter(bool), lift=st.floats(1.0, 1.5), newer=st.floats(1.0, 1.08))
def test_a_better_row_never_stands_lower_in_the_pages(
    rows: Rows, lift: float, newer: float
) -> None:
    """S8.3, with the two boosts a page."""
    told = [(f"row {number}", *row[1:]) for number, row in enumerate(rows)]
    name, plain, newness = told[0]
    for better in [(name, plain * lift, newness), (name, plain, max(newness, newer))]:
        before = [row[0] for row in _at_one_place(told)].index(name)
        after = [row[0] for row in _at_one_place([better, *told[1:]])].index(name)
        assert after <= before


def _at_one_place(rows: Rows) -> Rows:
    ranked = sorted(rows, key=lambda row: (-row[1] * row[2], row[0]))
    standings = [Standing(plain * newness, plain) for _, plain, newness in ranked]
    return page_order(ranked, standings, replace(USUAL, page_size=4))


def test_reasons_are_the_largest() -> None:
    """S8.3: what lifts somebody above the others comes first."""
    usual = Factors(relevance=1.0, availability=1.0, distance=0.5, price=0.9, quality=0.8)
    mine = Factors(relevance=1.0, availability=1.0, distance=1.0, price=0.99, quality=0.82)
    said = {name: name for name in ("relevance", "quality", "distance", "price")}
    assert largest_reasons(mine, usual, said, 3) == ["distance", "price", "quality"]
    assert largest_reasons(usual, usual, said, 2) == ["relevance", "quality"]


def test_market_shows_newcomers_and_never_hides_the_good() -> None:
    """S8.3: 200 searches a day for 30 days; exposure follows merit and reaches everybody new.

    Fifty people of one price and service: ten new, forty with ratings. Whoever is shown among the
    first ten may be booked; lessons taught then fade what newcomers get.
    """
    luck = Random(7)  # noqa: S311 - a market, not a secret
    ratings = {number: 0.8 + 0.2 * luck.random() for number in range(50)}
    lessons = {number: 0 if number < 10 else 40 for number in range(50)}
    shown = dict.fromkeys(range(50), 0)
    for day in range(30):
        on = date(2026, 3, 1) + timedelta(days=day)
        for search in range(20):
            scores = {
                number: Factors(
                    1, 1, 1, 1,
                    0.92 if lessons[number] < 5 else ratings[number],
                    USUAL.reliability(lessons[number], 0),
                    USUAL.newness(lessons[number]),
                ).score * USUAL.jitter(f"guest:{search}", on, number)
                for number in range(50)
            }  # fmt: skip
            page = sorted(scores, key=lambda number: -scores[number])[:10]
            for number in page:
                shown[number] += 1
            lessons[page[luck.randrange(3)]] += 1
    assert all(shown[number] for number in range(10))
    old = range(10, 50)
    best = sorted(old, key=lambda number: -ratings[number])[:10]
    worst = sorted(old, key=lambda number: ratings[number])[:10]
    assert min(shown[number] for number in best[:5]) > max(shown[number] for number in worst)
