"""How large cities are."""

import pytest

from instainstru.city.profiles import LESSONS_PER_PUPIL, PROFILES

BENCH = PROFILES["bench"]


@pytest.mark.parametrize(
    ("instructors", "students"), [(1, 10), (2_000, 20_000), (5_000, 20_000), (50_000, 100_000)]
)
def test_students_of_a_bench_city(instructors: int, students: int) -> None:
    """G14: never fewer than two for an instructor."""
    assert BENCH.students_of(instructors) == students


@pytest.mark.parametrize(
    ("instructors", "lessons"), [(2_000, 200_000), (5_000, 200_000), (50_000, 400_000)]
)
def test_lessons_of_a_large_bench_city_are_bounded(instructors: int, lessons: int) -> None:
    """G14: about 200,000, and not fewer than eight for an instructor."""
    sizes = BENCH.sizes_of(instructors)
    planned = instructors * LESSONS_PER_PUPIL * sum(sizes) / len(sizes)
    assert planned == pytest.approx(lessons, rel=0.12)
    assert len(set(sizes)) > 1


def test_small_cities_have_all_their_pupils() -> None:
    assert PROFILES["demo"].sizes_of(400) == PROFILES["demo"].sizes
    assert BENCH.sizes_of(100) == BENCH.sizes
