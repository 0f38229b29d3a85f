"""Offers held against a demand, with their real times, in order (Spec: S8.3, S8.4, S8.8)."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bookings.lessons.selectors import Calendars, load_calendars
from bookings.reviews.ratings import Rating
from instainstru.clock import NEW_YORK
from search.demand import Demand
from search.offers import Offer, misses
from search.ranking import (
    STARTS_FOR_FULL,
    Factors,
    availability_factor,
    distance_factor,
    kilometers_between,
    price_factor,
    quality_factor,
)
from search.snapshot import Snapshot
from search.windows import Window

CARD_TIMES = 3
APART = timedelta(hours=3)
# When any time will do: more than a rank counts, and a day's worth for the times of a card.
ENOUGH_STARTS = 2 * STARTS_FOR_FULL
MOST_REASONS = 3
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
    starts: Sequence[datetime]
    factors: Factors
    kilometers: float | None
    reasons: Sequence[str]


@dataclass(frozen=True)
class Candidate:
    """An offer with the demands it misses and the starts that fit best."""

    offer: Offer
    relevance: float
    missed: frozenset[str]
    starts: Sequence[datetime]

    @property
    def is_time_open(self) -> bool:
        """Whether the wanted window is open."""
        return self.missed.isdisjoint({"time", "date"})


def match_offers(
    offers: Iterable[Offer],
    demand: Demand,
    relevance: Mapping[int, float],
    *,
    snapshot: Snapshot,
    now: datetime,
) -> list[tuple[Candidate, Hit]]:
    """Return the offers that miss at most one thing, best first, each with its times.

    ``relevance`` is the score of each service; services that are not in it count as 1. Reads times
    in three queries.
    """
    kept = [
        (offer, missed)
        for offer in offers
        if (missed := misses(offer, demand, snapshot)) is not None and len(missed) <= 1
    ]
    first_on, last_on = demand.window.horizon(now.astimezone(NEW_YORK).date())
    calendars = load_calendars(
        {offer.instructor_id for offer, _ in kept}, first_on=first_on, last_on=last_on, now=now
    )
    best = max(relevance.values(), default=1.0)
    rows = [
        _with_times(offer, missed, relevance.get(offer.service_id, best) / best, demand, calendars)
        for offer, missed in kept
    ]
    return _ranked(rows, demand, snapshot)


def in_order(hits: Iterable[Hit], sort: Sort) -> list[Hit]:
    """Return hits in another order; equal ones stay in the order of the best match."""
    key = _KEYS.get(sort)
    return sorted(hits, key=key) if key else list(hits)


_KEYS: Mapping[Sort, Callable[[Hit], float]] = {
    Sort.PRICE_LOW: lambda hit: hit.hourly_cents,
    Sort.PRICE_HIGH: lambda hit: -hit.hourly_cents,
    Sort.SOONEST: lambda hit: hit.starts[0].timestamp() if hit.starts else float("inf"),
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


def _with_times(
    offer: Offer,
    missed: frozenset[str],
    relevance: float,
    demand: Demand,
    calendars: Calendars,
) -> Candidate:
    window, minutes = demand.window, offer.minutes_for(demand.minutes)
    zone = ZoneInfo(offer.zone)
    limit = ENOUGH_STARTS if window.is_open_ended else None
    starts = calendars.starts(offer.instructor_id, minutes, zone=zone, limit=limit)
    wanted = [start for start in starts if window.fits(start, minutes, zone)]
    if wanted:
        return Candidate(offer, relevance, missed, wanted)
    # The day may be right and only the hours wrong; that is the nearer miss.
    same_day = [s for s in starts if window.fits_day(s.astimezone(zone).date())]
    kind = "time" if same_day and window.has_hours else "date"
    return Candidate(offer, relevance, missed | {kind}, same_day or _nearest(starts, window, zone))


def _nearest(starts: Sequence[datetime], window: Window, zone: ZoneInfo) -> Sequence[datetime]:
    """Return the starts on the days nearest to the wanted ones. Spec: S8.4."""
    off = [window.days_off(start.astimezone(zone).date()) for start in starts]
    least = min(off, default=0)
    return [start for start, days in zip(starts, off, strict=True) if days == least]


def _ranked(
    rows: Sequence[Candidate], demand: Demand, snapshot: Snapshot
) -> list[tuple[Candidate, Hit]]:
    medians = _medians(rows, demand)
    pairs = [(row, _hit(row, medians, demand, snapshot)) for row in rows]
    return sorted(pairs, key=lambda pair: (-pair[1].factors.score, pair[0].offer.pk))


def _medians(rows: Sequence[Candidate], demand: Demand) -> dict[int, int]:
    by_service: dict[int, list[int]] = {}
    for row in rows:
        minutes = row.offer.minutes_for(demand.minutes)
        by_service.setdefault(row.offer.service_id, []).append(row.offer.hourly_cents(minutes))
    return {pk: int(statistics.median(cents)) for pk, cents in by_service.items()}


def _hit(row: Candidate, medians: dict[int, int], demand: Demand, snapshot: Snapshot) -> Hit:
    offer = row.offer
    minutes = offer.minutes_for(demand.minutes)
    hourly = offer.hourly_cents(minutes)
    kilometers = _kilometers(offer, demand, snapshot)
    covered = "location" not in row.missed
    factors = Factors(
        relevance=row.relevance,
        availability=availability_factor(
            len(row.starts),
            is_window_open=row.is_time_open and not demand.window.is_open_ended,
        ),
        distance=distance_factor(None if covered else kilometers),
        price=price_factor(hourly, medians[offer.service_id], demand.price_preference),
        quality=quality_factor(offer.rating, offer.category_rating),
    )
    service = snapshot.services[offer.service_id]
    return Hit(
        offer=offer,
        service_name=service.name,
        service_slug=service.slug,
        minutes=minutes,
        price_cents=offer.prices[minutes],
        hourly_cents=hourly,
        starts=spread(row.starts, CARD_TIMES),
        factors=factors,
        kilometers=kilometers,
        reasons=_reasons(row, service.name, demand, kilometers),
    )


def spread(starts: Sequence[datetime], count: int) -> list[datetime]:
    """Return up to ``count`` starts, the first one and others some hours apart where there are."""
    kept: list[datetime] = []
    for start in starts:
        if not kept or start - kept[-1] >= APART:
            kept.append(start)
    kept = kept[:count]
    spare = [start for start in starts if start not in kept]
    return sorted([*kept, *spare[: count - len(kept)]])


def _kilometers(offer: Offer, demand: Demand, snapshot: Snapshot) -> float | None:
    places = [snapshot.places[name] for name in demand.places if name in snapshot.places]
    return min(
        (
            kilometers_between(offer.latitude, offer.longitude, p.latitude, p.longitude)
            for p in places
        ),
        default=None,
    )


def _reasons(row: Candidate, service: str, demand: Demand, kilometers: float | None) -> list[str]:
    reasons = [f"teaches {service}"]
    if row.is_time_open and not demand.window.is_open_ended:
        reasons.append("open at the time you asked for")
    if demand.places and "location" not in row.missed:
        reasons.append(f"teaches in {' or '.join(demand.places)}")
    elif kilometers is not None:
        reasons.append(f"{kilometers * MILES_PER_KILOMETER:.1f} miles away")
    if row.offer.rating.is_at_least(WELL_RATED):
        reasons.append(f"rated {row.offer.rating.text} by students")
    return reasons[:MOST_REASONS]
