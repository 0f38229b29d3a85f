"""The quality factor: ratings move people up and down, a single one only a little."""

import pytest

from bookings.reviews.ratings import Rating
from search.ranking import Factors, quality_factor

pytestmark = pytest.mark.S8

NOBODY, MUSIC = Rating(0, 0), Rating(100, 460)


def test_somebody_new_stands_where_the_category_does() -> None:
    """S8.3."""
    assert quality_factor(NOBODY, MUSIC) == pytest.approx(0.92)
    assert quality_factor(NOBODY, Rating(10, 40)) == pytest.approx(0.8)
    assert quality_factor(NOBODY, NOBODY) == pytest.approx(0.92)


def test_quality_follows_the_formula() -> None:
    """S8.3: (8 · category mean + sum of ratings) / (8 + n) / 5."""
    assert quality_factor(Rating(2, 6), MUSIC) == pytest.approx((8 * 4.6 + 6) / 10 / 5)
    one_bad = quality_factor(Rating(1, 1), MUSIC)
    assert 0.8 < one_bad < 0.92
    assert quality_factor(Rating(50, 50), MUSIC) < 0.4


@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_another_good_review_never_lowers_the_score(count: int) -> None:
    """S8.3."""
    scores = [
        Factors(1, 1, 1, 1, quality_factor(Rating(count, total), MUSIC)).score
        for total in range(count, 5 * count + 1)
    ]
    assert scores == sorted(scores)
    before, after = Rating(count, 4 * count), Rating(count + 1, 4 * count + 5)
    assert quality_factor(after, MUSIC) > quality_factor(before, MUSIC)
