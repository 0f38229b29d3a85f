"""Averages, shares and the Top rule over plain numbers."""

import pytest

from bookings.reviews.ratings import Rating, TopRule, percent, star_rows

pytestmark = pytest.mark.S10


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [
        (0, 0, ""), (2, 10, ""), (3, 15, "5.0"), (3, 3, "1.0"), (3, 13, "4.3"), (20, 97, "4.9"),
        (20, 99, "5.0"), (100, 497, "5.0"), (100, 494, "4.9"), (8, 35, "4.4"),
    ],
)  # fmt: skip
def test_average_has_one_decimal_from_three_reviews_on(count: int, total: int, text: str) -> None:
    """S10.2, S11.13: never 0.0."""
    assert Rating(count, total).text == text


def test_distribution_starts_with_five_stars() -> None:
    rows = star_rows([1, 0, 0, 1, 6])
    assert [(row.stars, row.count, row.percent) for row in rows] == [
        (5, 6, 75), (4, 1, 13), (3, 0, 0), (2, 0, 0), (1, 1, 13),
    ]  # fmt: skip
    assert [row.percent for row in star_rows([0] * 5)] == [0] * 5
    assert percent(1, 3) == 33


@pytest.mark.parametrize(
    ("lessons", "no_shows", "total", "is_top"),
    [(40, 0, 48, True), (39, 0, 50, False), (40, 1, 50, False), (40, 0, 47, False)],
)
def test_top_needs_lessons_rating_and_no_missed_lesson(
    lessons: int, no_shows: int, total: int, is_top: bool
) -> None:
    """S10.1: the exact average counts, not the rounded one."""
    rule = TopRule(lessons=40, days=90, rating_hundredths=480)
    rating = Rating(10, total)
    assert rule.holds(rating, recent_lessons=lessons, recent_no_shows=no_shows) is is_top
