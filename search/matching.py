"""Offers held against a demand, with their real times, in order (Spec: S8.3, S8.4, S8.8)."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from bookings.lessons.calendar_memory import Wanted, memory
from bookings.lessons.starts import Starts
from bookings.reviews.ratings import Rating
from instainstru.clock import NEW_YORK
from search.demand import Demand
from search.offers import Offer, is_based_in, misses
from search.ranking import (
    Factors,
    Formula,
    Standing,
    kilometers_between,
    largest_reasons,
    page_order,
    usual_factors,
)
from search.snapshot import Snapshot
from search.windows import nearest_days, usual_horizon, wanted_starts

CARD_TIMES = 3
# So many of those who are not free then have their nearest times looked up.
MOST_CLOSE = 60
APART_MINUTES = 180
MOST_REASONS = 3
# So many lessons are worth naming.
MANY_LESSONS = 20
# An average worth naming, in hundredths of a star.
WELL_RATED = 480
MILES_PER_KILOMETER = 0.6214


class Sort(StrEnum):
    """The orders in which results can be read; ``NEAREST`` needs a place."""

    BEST = "best"
    PRICE_LOW = "price_low"
    PRICE_HIGH = "price_high"
    SOONEST = "soonest"
    RATING = "rating"
    NEAREST = "nearest"


@dataclass(frozen=True)
class Hit:
    """One instructor on the page: the offer, its length and price, and times that fit."""

    offer: Offer
    service_name: str
    service_slug: str
    minutes: int
    price_cents: int
    hourly_cents: int
    free: Starts
    factors: Factors
    kilometers: float | None
    reasons: Sequence[str]
    score: float

    @cached_property
    def starts(self) -> Sequence[datetime]:
        """The times of the card: the first start and others some hours apart where there are."""
        kept = self.free.apart(APART_MINUTES, CARD_TIMES)
        spare = [start for start in self.free.first(CARD_TIMES) if start not in kept]
        return sorted([*kept, *spare[: CARD_TIMES - len(kept)]])


@dataclass(frozen=True)
class Origin:
    """Where somebody who said "near me" is, in degrees, and their borough."""

    latitude: float
    longitude: float
    borough: str | None = None


@dataclass(frozen=True)
class Candidate:
    """An offer with the demands it misses, the starts that fit best, and all of two weeks."""

    offer: Offer
    relevance: float
    missed: frozenset[str]
    starts: Starts
    all_starts: Starts

    @property
    def is_time_open(self) -> bool:
        """Whether the wanted window is open."""
        return self.missed.isdisjoint({"time", "date"})


@dataclass(frozen=True)
class Matcher:
    """What offers are held against besides the demand.

    ``relevance`` is the score of each service; services that are not in it count as 1. ``owner``
    names who looks, for the jitter.
    """

    demand: Demand
    relevance: Mapping[int, float]
    snapshot: Snapshot
    now: datetime
    origin: Origin | None = None
    owner: str = ""

    @property
    def formula(self) -> Formula:
        """The numbers of the order, as staff have set them."""
        return self.snapshot.formula

    def service_score(self, service_id: int) -> float:
        """Return how much a service is meant; the best one is 1."""
        best = max(self.relevance.values(), default=1.0)
        return self.relevance.get(service_id, best) / best

    def jitter(self, instructor_id: int) -> float:
        """Return the day's small luck of an instructor."""
        return self.formula.jitter(self.owner, self.now.astimezone(NEW_YORK).date(), instructor_id)


def match_offers(
    offers: Iterable[Offer], matcher: Matcher, *, most_missed: int = 1
) -> list[tuple[Candidate, Hit]]:
    """Return the offers that miss at most ``most_missed`` of place, price and level, best first.

    Each comes with its times, which may miss the day or the hour besides. Reads times in one query
    where the process knows the calendars, else in three.
    """
    demand, snapshot, now = matcher.demand, matcher.snapshot, matcher.now
    kept = [
        (offer, missed)
        for offer in offers
        if (missed := misses(offer, demand, snapshot)) is not None and len(missed) <= most_missed
    ]
    dates = demand.window.horizon(now.astimezone(NEW_YORK).date())
    free = memory.free_starts(
        {_wanted(offer, demand) for offer, _ in kept}, first_on=dates[0], last_on=dates[1], now=now
    )
    rows: list[Candidate] = []
    late: list[Candidate] = []
    for offer, missed in kept:
        score = matcher.service_score(offer.service_id)
        relevance = matcher.formula.relevance(score, offer.cosine)
        starts = free[_wanted(offer, demand)]
        row = _with_wanted_times(Candidate(offer, relevance, missed, starts, starts), demand, dates)
        (rows if row.starts else late).append(row)
    # Only a few can stand close by, and looking for their nearest times is what takes long.
    late.sort(key=lambda row: _promise(row, matcher.formula), reverse=True)
    late = late[:MOST_CLOSE]
    shut = [row for row in late if not row.all_starts]
    rows += [
        _with_nearest_times(replace(row, starts=row.all_starts), demand, dates)
        for row in late
        if row.all_starts
    ]
    rows += _within_two_weeks(shut, matcher, looked_at=dates)
    return _ranked(rows, matcher)


def _within_two_weeks(
    rows: Sequence[Candidate], matcher: Matcher, *, looked_at: tuple[date, date]
) -> list[Candidate]:
    """Return who has no time at all around a far date, with what is nearest in the next two weeks.

    Whoever was looked up in those already has none. Spec: S8.4, S8.5
    """
    dates = usual_horizon(matcher.now.astimezone(NEW_YORK).date())
    if not rows or looked_at[0] <= dates[0]:
        return []
    demand = matcher.demand
    free = memory.free_starts(
        {_wanted(row.offer, demand) for row in rows},
        first_on=dates[0], last_on=dates[1], now=matcher.now,
    )  # fmt: skip
    found = [(row, free[_wanted(row.offer, demand)]) for row in rows]
    return [
        _with_nearest_times(replace(row, starts=starts, all_starts=starts), demand, dates)
        for row, starts in found
    ]


def _promise(row: Candidate, formula: Formula) -> tuple[bool, float]:
    """Order those whose time does not fit: who misses nothing else, then by what they are."""
    quality = formula.quality(row.offer.rating, row.offer.category_rating)
    return not row.missed, row.relevance * quality


def usual_sort(demand: Demand, origin: Origin | None) -> Sort:
    """Return the order where none was chosen: the nearest first for "near me". Spec: S8.1"""
    return Sort.NEAREST if is_sorted_by_distance(demand, origin) else Sort.BEST


def in_order(hits: Iterable[Hit], sort: Sort) -> list[Hit]:
    """Return hits in another order; equal ones stay in the order of the best match."""
    key = _KEYS.get(sort)
    return sorted(hits, key=key) if key else list(hits)


_KEYS: Mapping[Sort, Callable[[Hit], float]] = {
    Sort.PRICE_LOW: lambda hit: hit.hourly_cents,
    Sort.PRICE_HIGH: lambda hit: -hit.hourly_cents,
    Sort.SOONEST: lambda hit: hit.free.first(1)[0].timestamp() if hit.free else float("inf"),
    Sort.RATING: lambda hit: -_average(hit.offer.rating),
    Sort.NEAREST: lambda hit: float("inf") if hit.kilometers is None else hit.kilometers,
}


def _average(rating: Rating) -> float:
    return 0.0 if rating.is_new else rating.total / rating.count


def one_card_each(hits: Iterable[Hit], taken: Iterable[int] = ()) -> list[Hit]:
    """Keep the first hit of each instructor who is not in ``taken``. Spec: S8.3."""
    seen, kept = set(taken), []
    for hit in hits:
        if hit.offer.instructor_id not in seen:
            seen.add(hit.offer.instructor_id)
            kept.append(hit)
    return kept


def in_page_order(hits: Sequence[Hit], matcher: Matcher) -> list[Hit]:
    """Return the matches as pages show them: newcomers and neighborhoods mixed in. Spec: S8.3

    Of a place that was asked for, as many as there are may follow each other.
    """
    has_place = bool(matcher.demand.places or matcher.origin)
    standings = [
        Standing(
            hit.score, hit.score / hit.factors.newness, None if has_place else hit.offer.base_id
        )
        for hit in hits
    ]
    return page_order(hits, standings, matcher.formula)


def _wanted(offer: Offer, demand: Demand) -> Wanted:
    return Wanted(offer.instructor_id, offer.minutes_for(demand.minutes), ZoneInfo(offer.zone))


def _with_wanted_times(row: Candidate, demand: Demand, dates: tuple[date, date]) -> Candidate:
    """Return the candidate, of whose free starts those are left that fit."""
    window, wanted = demand.window, _wanted(row.offer, demand)
    if window.is_open_ended:
        return row
    fitting = wanted_starts(window, wanted.zone, *dates, wanted.minutes)
    return replace(row, starts=row.starts.within(fitting))


def _with_nearest_times(row: Candidate, demand: Demand, dates: tuple[date, date]) -> Candidate:
    """Return the candidate with what is nearest to the wanted time, and what it misses."""
    window, zone = demand.window, ZoneInfo(row.offer.zone)
    # The day may be right and only the hours wrong; that is the nearer miss.
    days = nearest_days(window, zone, *dates)
    nearest = next((near for bits in days if (near := row.starts.within(bits))), Starts())
    is_same_day = bool(row.starts.within(days[0]))
    kind = "time" if is_same_day and window.has_hours else "date"
    return replace(row, missed=row.missed | {kind}, starts=nearest)


def _ranked(rows: Sequence[Candidate], matcher: Matcher) -> list[tuple[Candidate, Hit]]:
    medians = _medians(rows, matcher.demand)
    pairs = [(row, _hit(row, medians, matcher)) for row in rows]
    usual = usual_factors([hit.factors for _, hit in pairs])
    pairs = [(row, replace(hit, reasons=_reasons(row, hit, usual, matcher))) for row, hit in pairs]
    pairs.sort(key=lambda pair: (-pair[1].score, pair[0].offer.pk))
    return pairs


def _medians(rows: Sequence[Candidate], demand: Demand) -> dict[int, int]:
    by_service: dict[int, list[int]] = {}
    for row in rows:
        minutes = row.offer.minutes_for(demand.minutes)
        by_service.setdefault(row.offer.service_id, []).append(row.offer.hourly_cents(minutes))
    return {pk: int(statistics.median(cents)) for pk, cents in by_service.items()}


def _hit(row: Candidate, medians: dict[int, int], matcher: Matcher) -> Hit:
    offer, demand, snapshot = row.offer, matcher.demand, matcher.snapshot
    formula = matcher.formula
    minutes = offer.minutes_for(demand.minutes)
    hourly = offer.hourly_cents(minutes)
    kilometers = _kilometers(offer, demand, snapshot, matcher.origin)
    covered = "location" not in row.missed and not is_sorted_by_distance(demand, matcher.origin)
    factors = Factors(
        relevance=row.relevance,
        availability=formula.availability(
            len(row.all_starts),
            is_window_open=row.is_time_open and not demand.window.is_open_ended,
        ),
        distance=formula.distance(None if covered else kilometers),
        price=formula.price(hourly, medians[offer.service_id], demand.price_preference),
        quality=formula.quality(offer.rating, offer.category_rating),
        reliability=formula.reliability(
            offer.lessons,
            offer.strikes,
            questions=offer.questions,
            quick_replies=offer.quick_replies,
            is_struck=offer.strikes >= snapshot.strikes_review,
        ),
        newness=formula.newness(offer.lessons),
    )
    service = snapshot.services[offer.service_id]
    return Hit(
        offer=offer,
        service_name=service.name,
        service_slug=service.slug,
        minutes=minutes,
        price_cents=offer.prices[minutes],
        hourly_cents=hourly,
        free=row.starts,
        factors=factors,
        kilometers=kilometers,
        reasons=(),
        score=factors.score * matcher.jitter(offer.instructor_id),
    )


def is_sorted_by_distance(demand: Demand, origin: Origin | None) -> bool:
    """Tell whether "near me" counts: somewhere is known, and the lesson is not online."""
    return origin is not None and not demand.places and demand.modalities != {"online"}


def _kilometers(
    offer: Offer, demand: Demand, snapshot: Snapshot, origin: Origin | None
) -> float | None:
    """Return the distance from the nearest wanted place, or from who said "near me"."""
    places: list[Any] = [snapshot.places[name] for name in demand.places if name in snapshot.places]
    if not places and origin is not None:
        places = [origin]
    return min(
        (
            kilometers_between(offer.latitude, offer.longitude, p.latitude, p.longitude)
            for p in places
        ),
        default=None,
    )


def _reasons(row: Candidate, hit: Hit, usual: Factors, matcher: Matcher) -> list[str]:
    """Say why somebody stands here: what lifts them most above the others. Spec: S8.3"""
    offer, demand = row.offer, matcher.demand
    said: dict[str, str] = {"relevance": f"teaches {hit.service_name}"}
    if row.is_time_open and not demand.window.is_open_ended:
        said["availability"] = "open at the time you asked for"
    if demand.places and "location" not in row.missed:
        is_remote = demand.modalities == {"online"}
        verb = "teaches in" if is_based_in(offer, demand.places) else "comes to"
        said["distance"] = "online" if is_remote else f"{verb} {' or '.join(demand.places)}"
    elif hit.kilometers is not None:
        said["distance"] = f"{hit.kilometers * MILES_PER_KILOMETER:.1f} miles away"
    if offer.rating.is_at_least(WELL_RATED):
        said["quality"] = f"rated {offer.rating.text} by students"
    if offer.lessons >= MANY_LESSONS and not offer.strikes:
        said["reliability"] = f"{offer.lessons} lessons taught"
    elif not offer.lessons:
        said["newness"] = "new here"
    if hit.factors.price > usual.price:
        said["price"] = "a usual price" if not demand.price_preference else "the price you like"
    return largest_reasons(hit.factors, usual, said, MOST_REASONS)
