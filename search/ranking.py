"""The order of instructors: a product of bounded factors, each one monotone (Spec: S8.3)."""

import hashlib
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeVar

from bookings.reviews.ratings import Rating

EARTH_RADIUS_KM = 6371.0
# Who was asked little is taken to answer and to come as often as people in this trade do.
USUAL_REPLY, USUAL_COMPLETION = 0.7, 0.97
# Who has as many strikes as staff look at stands behind those who have fewer (05 section 4).
STRUCK = 0.5
# Wanting it cheap or fine moves people up and down and never out of sight.
LEAST_WANTED = 0.2
# Scores this near are equals: then no neighborhood fills the page.
NEAR_EQUAL = 0.95

Row = TypeVar("Row")


class Factors(NamedTuple):
    """What the score of one offer is made of; 1 is best."""

    relevance: float
    availability: float
    distance: float
    price: float
    quality: float = 1.0
    reliability: float = 1.0
    newness: float = 1.0

    @property
    def score(self) -> float:
        """The product."""
        return math.prod(self)

    def as_dict(self) -> dict[str, float]:
        """Return the factors by name, as they are kept with an impression."""
        return {name: round(value, 4) for name, value in self._asdict().items()}


@dataclass(frozen=True)
class Formula:
    """The numbers that staff set for the order of instructors, and the factors made of them.

    Shares are 0 to 1, ``distance_km`` kilometers after which a factor falls to 37 %. The policy
    (00 section 6) holds the usual ones, and its bounds keep every factor above 0. Spec: S8.3
    """

    words_share: float
    least_availability: float
    full_starts: int
    distance_km: float
    price_share: float
    price_spread: float
    imagined_reviews: int
    usual_stars: float
    reply_share: float
    completion_share: float
    boost: float
    boost_lessons: int
    luck: float
    boosted_per_page: int
    neighbors_in_row: int
    page_size: int

    def relevance(self, service_score: float, cosine: float | None) -> float:
        """Return how well service and words fit: all of the service at cosine 1.

        ``service_score`` is 1 for the best service; ``cosine`` is None where no words were left.
        """
        if cosine is None:
            return service_score
        share = self.words_share
        return service_score * (1 - share + share * min(max(cosine, 0.0), 1.0))

    def availability(self, open_starts: int, *, is_window_open: bool) -> float:
        """1 when the wanted window is open, else less by the open starts of 14 days."""
        if is_window_open:
            return 1.0
        least = self.least_availability
        return least + (1 - least) * min(1.0, open_starts / self.full_starts)

    def distance(self, kilometers: float | None) -> float:
        """1 when online or covered (None), else falling with the distance in kilometers."""
        return 1.0 if kilometers is None else math.exp(-kilometers / self.distance_km)

    def price(self, hourly_cents: int, median_cents: int, preference: str | None) -> float:
        """Highest near the median; strictly falling when cheap is wanted, rising for premium."""
        ratio = math.log(hourly_cents / median_cents) if median_cents else 0.0
        if preference == "low":
            return LEAST_WANTED + (1 - LEAST_WANTED) / (1 + math.exp(2 * ratio))
        if preference == "high":
            return LEAST_WANTED + (1 - LEAST_WANTED) / (1 + math.exp(-2 * ratio))
        share = self.price_share
        return 1 - share + share * math.exp(-0.5 * (ratio / self.price_spread) ** 2)

    def quality(self, rating: Rating, category: Rating) -> float:
        """Return the average in fifths, as if more students had given the category's mean.

        Somebody without reviews stands where the category does.
        """
        mean = category.total / category.count if category.count else self.usual_stars
        imagined = self.imagined_reviews
        return (imagined * mean + rating.total) / (imagined + rating.count) / 5

    def reliability(
        self,
        lessons: int,
        failures: int,
        *,
        questions: int = 0,
        quick_replies: int = 0,
        is_struck: bool = False,
    ) -> float:
        """Return how sure are an answer and a lesson; somebody new counts as usual.

        ``lessons`` were taught, ``failures`` are strikes that count, ``quick_replies`` of the
        ``questions`` were answered within two hours. Spec: S8.3, 05 section 4
        """
        imagined = self.imagined_reviews
        reply = (USUAL_REPLY * imagined + quick_replies) / (imagined + questions)
        kept = USUAL_COMPLETION * imagined + lessons
        completion = kept / (imagined + lessons + failures)
        factor = (1 - self.reply_share + self.reply_share * reply) * (
            1 - self.completion_share + self.completion_share * completion
        )
        return factor * STRUCK if is_struck else factor

    def newness(self, lessons: int) -> float:
        """Return the chance that somebody new gets, fading with lessons taught."""
        return 1 + self.boost * math.exp(-lessons / self.boost_lessons)

    def jitter(self, owner: str, on: date, instructor_id: int) -> float:
        """Return the day's luck: the same for an owner and instructor, so that paging is stable."""
        said = f"{owner}:{on.isoformat()}:{instructor_id}".encode()
        share = int.from_bytes(hashlib.blake2b(said, digest_size=4).digest(), "big") / 2**32
        return 1 + self.luck * share


class Standing(NamedTuple):
    """What decides where a row stands: its score, that without newness, and its neighborhood."""

    score: float
    plain: float
    place: object = None


def page_order(rows: Sequence[Row], standings: Sequence[Standing], formula: Formula) -> list[Row]:
    """Return the rows, best first, in the order in which pages show them. Spec: S8.3

    On each page only so many stand before somebody only because they are new, and only so many
    near-equal rows of one ``place`` follow each other; the next of another place moves up, and
    where there is none the order stays. Rows whose place is None may follow each other. Nobody is
    lost.
    """
    left = _Left(standings)
    order: list[int] = []
    boosted, in_row = 0, formula.neighbors_in_row
    for number in range(len(rows)):
        if number % formula.page_size == 0:
            boosted = 0
        has_room = boosted < formula.boosted_per_page
        picked = left.best() if has_room else left.best_without_newness()
        places = {standings[one].place for one in order[-in_row:]}
        if number >= in_row and places == {standings[picked].place} != {None}:
            picked = left.elsewhere(picked, may_be_boosted=has_room)
        boosted += left.is_boosted(picked)
        left.take(picked)
        order.append(picked)
    return [rows[number] for number in order]


class _Left:
    """The rows that are not placed yet, by their number in the order of scores."""

    def __init__(self, standings: Sequence[Standing]) -> None:
        self.standings = standings
        self._is_taken = [False] * len(standings)
        self._best = 0
        self._plain = sorted(range(len(standings)), key=lambda one: -standings[one].plain)
        self._best_plain = 0

    def take(self, number: int) -> None:
        self._is_taken[number] = True

    def best(self) -> int:
        while self._is_taken[self._best]:
            self._best += 1
        return self._best

    def best_without_newness(self) -> int:
        while self._is_taken[self._plain[self._best_plain]]:
            self._best_plain += 1
        return self._plain[self._best_plain]

    def is_boosted(self, number: int) -> bool:
        """Tell whether it would stand behind somebody if nobody were new."""
        mine = self.standings[number]
        if self.standings[self.best_without_newness()].plain <= mine.plain:
            return False
        return any(
            theirs.plain > mine.plain and theirs.score < mine.score
            for one, theirs in enumerate(self.standings[number + 1 :], number + 1)
            if not self._is_taken[one]
        )

    def elsewhere(self, number: int, *, may_be_boosted: bool) -> int:
        """Return the best near-equal row of another place, else the row itself."""
        mine = self.standings[number]
        for one in range(self._best, len(self.standings)):
            theirs = self.standings[one]
            if theirs.score < mine.score * NEAR_EQUAL:
                break
            is_free = not self._is_taken[one] and theirs.place != mine.place
            if is_free and (may_be_boosted or not self.is_boosted(one)):
                return one
        return number


def largest_reasons(
    mine: Factors, usual: Factors, sentences: Mapping[str, str], most: int
) -> list[str]:
    """Return the sentences of the factors that lift somebody most above the others.

    Compared is each factor with the mean of all results; equal ones keep the order of
    ``sentences``. Spec: S8.3
    """
    lift = {name: _lift(getattr(mine, name), getattr(usual, name)) for name in sentences}
    order = sorted(sentences, key=lambda name: -round(lift[name], 3))
    return [sentences[name] for name in order[:most]]


def _lift(mine: float, usual: float) -> float:
    return math.log(mine / usual) if mine > 0 and usual > 0 else 0.0


def usual_factors(rows: Sequence[Factors]) -> Factors:
    """Return the mean of each factor; those of nobody are 1."""
    return Factors(*map(statistics.fmean, zip(*rows, strict=True))) if rows else Factors(1, 1, 1, 1)


def kilometers_between(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Return the great-circle distance."""
    one, other = math.radians(latitude), math.radians(other_latitude)
    half_latitude = math.sin((other - one) / 2)
    half_longitude = math.sin(math.radians(other_longitude - longitude) / 2)
    chord = half_latitude**2 + math.cos(one) * math.cos(other) * half_longitude**2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))
