"""Ratings as people read them: averages, shares and the Top badge, over plain numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

# Fewer reviews say too little: such people are new (Spec: S10.2, S11.13).
FEWEST_REVIEWS = 3
# The repeat rate of fewer students would single somebody out (Spec: S10.1).
FEWEST_STUDENTS = 10


@dataclass(frozen=True)
class Rating:
    """How many ratings there are, and the sum of their stars."""

    count: int
    total: int

    @property
    def is_new(self) -> bool:
        """Whether there are too few for an average."""
        return self.count < FEWEST_REVIEWS

    @property
    def text(self) -> str:
        """The average with one decimal, half up; empty while too few. Spec: S11.13."""
        if self.is_new:
            return ""
        tenths = (20 * self.total + self.count) // (2 * self.count)
        return f"{tenths // 10}.{tenths % 10}"

    def is_at_least(self, hundredths: int) -> bool:
        """Tell whether the exact average reaches ``hundredths`` of a star (480 is 4.8)."""
        return not self.is_new and 100 * self.total >= hundredths * self.count


@dataclass(frozen=True)
class StarRow:
    """One bar of the distribution."""

    stars: int
    count: int
    percent: int


def star_rows(counts: Sequence[int]) -> list[StarRow]:
    """Return the bars from five stars down; ``counts`` are those of 1 to 5 stars."""
    total = sum(counts)
    rows = [StarRow(stars, n, percent(n, total)) for stars, n in enumerate(counts, start=1)]
    return rows[::-1]


def percent(part: int, whole: int) -> int:
    """Return the share in whole per cent, half up; 0 of nothing."""
    return (200 * part + whole) // (2 * whole) if whole else 0


@dataclass(frozen=True)
class TopRule:
    """What the Top badge asks for (Spec: 00 section 6)."""

    lessons: int
    days: int
    rating_hundredths: int

    def holds(self, rating: Rating, *, recent_lessons: int, recent_no_shows: int) -> bool:
        """Tell whether somebody with these numbers is Top. Spec: S10.1."""
        return (
            recent_lessons >= self.lessons
            and recent_no_shows == 0
            and rating.is_at_least(self.rating_hundredths)
        )
