"""From a sentence to instructors who can be booked (Spec: 04)."""

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bookings.lessons.selectors import Calendars, load_calendars
from catalog.selectors import earliest_check
from instainstru.clock import NEW_YORK
from search.offers import Offer, load_offers, misses
from search.parser import ParsedQuery, parse
from search.ranking import (
    Factors,
    availability_factor,
    distance_factor,
    kilometers_between,
    price_factor,
    quality_factor,
)
from search.retrieval import Candidates, retrieve_services
from search.snapshot import Snapshot, current_snapshot
from search.spelling import Correction, apply_corrections, correct
from search.text import fold, words_of
from search.windows import Window, window_of

PAGE_SIZE = 20
CARD_TIMES = 3
# An average worth naming, in hundredths of a star.
WELL_RATED = 480
TOP_SERVICES = 6
# A service counts as meant when its score is near the best one's.
NEAR_BEST = 0.72
CLOSE_PER_GROUP = 5
RELAX_ORDER = ("time", "date", "location", "price", "level")


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
class CloseGroup:
    """Instructors who fit but for one thing."""

    relaxed: str
    label: str
    hits: Sequence[Hit]


@dataclass(frozen=True)
class SearchResult:
    """What a search found; ``match`` is results, closest or none."""

    query: ParsedQuery
    services: Sequence[str]
    match: str
    hits: Sequence[Hit]
    close: Sequence[CloseGroup]
    corrections: Sequence[Correction]
    corrected_text: str
    took_ms: float
    mode: str = "lexical"
    service_ids: Sequence[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    offer: Offer
    relevance: float
    missed: frozenset[str]
    starts: Sequence[datetime]
    is_time_open: bool


def run_search(
    text: str,
    *,
    now: datetime,
    removed: Iterable[str] = (),
    place: str | None = None,
    is_verbatim: bool = False,
    user_id: int | None = None,
) -> SearchResult:
    """Understand the text, find services, and rank instructors who truly have the time.

    ``removed`` holds chips the person took away, ``is_verbatim`` keeps spelling as typed. Writes
    nothing. Spec: S8.1-S8.5, S8.7, S8.8.
    """
    started = time.perf_counter()
    snapshot = current_snapshot()
    query = parse(
        text, now=now, gazetteer=snapshot.gazetteer, vocabulary=snapshot.vocabulary,
        removed=removed, place=place,
    )  # fmt: skip
    corrections, words = _spell(query, snapshot, is_verbatim=is_verbatim)
    candidates = _services(words, query, snapshot)
    ids = _meant(candidates)
    hits, close = _instructors(query, candidates, ids, snapshot, now, user_id)
    return SearchResult(
        query=query,
        services=_names(candidates, snapshot),
        match=candidates.match,
        hits=hits,
        close=close,
        corrections=corrections,
        corrected_text=words,
        took_ms=(time.perf_counter() - started) * 1000,
        service_ids=ids or [],
    )


def _names(candidates: Candidates, snapshot: Snapshot) -> list[str]:
    if candidates.match == "none":
        return []
    known = (snapshot.services.get(pk) for pk in candidates.scores)
    return [entry.name for entry in known if entry is not None][:10]


def _spell(
    query: ParsedQuery, snapshot: Snapshot, *, is_verbatim: bool
) -> tuple[Sequence[Correction], str]:
    tokens = words_of(fold(query.residual_core))
    if is_verbatim:
        return [], " ".join(tokens)
    corrections = [c for c in correct(tokens, snapshot.vocabulary) if c.is_sure]
    return corrections, " ".join(apply_corrections(tokens, corrections))


def _services(words: str, query: ParsedQuery, snapshot: Snapshot) -> Candidates:
    group = snapshot.of_group(words)
    if group:
        return Candidates(dict.fromkeys(group, 1.0), "results")
    if not words:
        # Only constraints were said: every service counts, unless nothing at all was said.
        return Candidates({}, "results" if query.constraints else "none")
    return retrieve_services(words, snapshot)


def _meant(candidates: Candidates) -> list[int] | None:
    """Return the services somebody means; None for any service."""
    if candidates.match == "none":
        return []
    if not candidates.scores:
        return None
    best = next(iter(candidates.scores.values()))
    near = [pk for pk, score in candidates.scores.items() if score >= best * NEAR_BEST]
    # A whole category has one score; words have few services near the best.
    return near if candidates.scores[near[-1]] == best else near[:TOP_SERVICES]


def _instructors(
    query: ParsedQuery,
    candidates: Candidates,
    ids: list[int] | None,
    snapshot: Snapshot,
    now: datetime,
    user_id: int | None,
) -> tuple[list[Hit], list[CloseGroup]]:
    if ids == []:
        return [], []
    today = now.astimezone(NEW_YORK).date()
    offers = load_offers(ids, checked_since=earliest_check(today), not_user_id=user_id)
    window = window_of(query)
    _, last_on = window.horizon(today)
    fitting = [(offer, misses(offer, query, snapshot)) for offer in offers]
    kept = [(offer, missed) for offer, missed in fitting if missed is not None and len(missed) <= 1]
    calendars = load_calendars(
        {offer.instructor_id for offer, _ in kept}, first_on=today, last_on=last_on, now=now
    )
    best = max(candidates.scores.values(), default=1.0)
    rows = [
        _with_times(
            offer,
            missed,
            candidates.scores.get(offer.service_id, best) / best,
            window,
            calendars,
            query,
        )
        for offer, missed in kept
    ]
    ranked = _ranked(rows, query, snapshot)
    matches = [hit for row, hit in ranked if not row.missed and row.is_time_open and hit.starts]
    hits = _one_card_each(matches)
    return hits, _close_groups(ranked, {hit.offer.instructor_id for hit in hits})


def _with_times(
    offer: Offer,
    missed: frozenset[str],
    relevance: float,
    window: Window,
    calendars: Calendars,
    query: ParsedQuery,
) -> _Candidate:
    minutes = offer.minutes_for(query.constraints.get("duration_minutes"))
    zone = ZoneInfo(offer.zone)
    starts = calendars.starts(offer.instructor_id, minutes, zone=zone)
    wanted = [start for start in starts if window.fits(start, minutes, zone)]
    if wanted:
        return _Candidate(offer, relevance, missed, wanted, is_time_open=True)
    # The day may be right and only the hours wrong; that is the nearer miss.
    same_day = [s for s in starts if window.fits_day(s.astimezone(zone).date())]
    kind = "time" if same_day and window.has_hours else "date"
    return _Candidate(offer, relevance, missed | {kind}, same_day or starts, is_time_open=False)


def _ranked(
    rows: Sequence[_Candidate], query: ParsedQuery, snapshot: Snapshot
) -> list[tuple[_Candidate, Hit]]:
    medians = _medians(rows, query)
    pairs = [(row, _hit(row, medians, query, snapshot)) for row in rows]
    return sorted(pairs, key=lambda pair: (-pair[1].factors.score, pair[0].offer.pk))


def _medians(rows: Sequence[_Candidate], query: ParsedQuery) -> dict[int, int]:
    by_service: dict[int, list[int]] = {}
    for row in rows:
        minutes = row.offer.minutes_for(query.constraints.get("duration_minutes"))
        by_service.setdefault(row.offer.service_id, []).append(row.offer.hourly_cents(minutes))
    return {pk: int(statistics.median(cents)) for pk, cents in by_service.items()}


def _hit(row: _Candidate, medians: dict[int, int], query: ParsedQuery, snapshot: Snapshot) -> Hit:
    offer = row.offer
    minutes = offer.minutes_for(query.constraints.get("duration_minutes"))
    hourly = offer.hourly_cents(minutes)
    kilometers = _kilometers(offer, query, snapshot)
    covered = "location" not in row.missed
    factors = Factors(
        relevance=row.relevance,
        availability=availability_factor(
            len(row.starts),
            is_window_open=row.is_time_open and not window_of(query).is_open_ended,
        ),
        distance=distance_factor(None if covered else kilometers),
        price=price_factor(hourly, medians[offer.service_id], query.constraints.get("price_pref")),
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
        starts=list(row.starts)[:CARD_TIMES],
        factors=factors,
        kilometers=kilometers,
        reasons=_reasons(row, service.name, query, kilometers),
    )


def _kilometers(offer: Offer, query: ParsedQuery, snapshot: Snapshot) -> float | None:
    location = query.constraints.get("location")
    names = [location] if isinstance(location, str) else location or []
    places = [snapshot.places[name] for name in names if name in snapshot.places]
    return min(
        (
            kilometers_between(offer.latitude, offer.longitude, p.latitude, p.longitude)
            for p in places
        ),
        default=None,
    )


def _reasons(
    row: _Candidate, service: str, query: ParsedQuery, kilometers: float | None
) -> list[str]:
    reasons = [f"teaches {service}"]
    if row.is_time_open and not window_of(query).is_open_ended:
        reasons.append("open at the time you asked for")
    if "location" in query.constraints and "location" not in row.missed:
        reasons.append("teaches where you asked")
    elif kilometers is not None:
        reasons.append(f"{kilometers * 0.6214:.1f} miles away")
    if row.offer.rating.is_at_least(WELL_RATED):
        reasons.append(f"rated {row.offer.rating.text} by students")
    return reasons[:3]


def _one_card_each(hits: Iterable[Hit], taken: Iterable[int] = ()) -> list[Hit]:
    seen, kept = set(taken), []
    for hit in hits:
        if hit.offer.instructor_id not in seen:
            seen.add(hit.offer.instructor_id)
            kept.append(hit)
    return kept


_LABELS = {
    "time": "At another time of the day",
    "date": "On another day",
    "location": "Nearby",
    "price": "A bit over your price",
    "level": "For another level",
}


def _close_groups(ranked: Sequence[tuple[_Candidate, Hit]], taken: set[int]) -> list[CloseGroup]:
    """Group near misses by the one thing given up, in the order of S8.5."""
    groups, seen = [], set(taken)
    for relaxed in RELAX_ORDER:
        near = [hit for row, hit in ranked if row.missed == {relaxed} and hit.starts]
        hits = _one_card_each(near, seen)[:CLOSE_PER_GROUP]
        seen |= {hit.offer.instructor_id for hit in hits}
        if hits:
            groups.append(CloseGroup(relaxed, _LABELS[relaxed], hits))
    return groups
