"""From a sentence and filters to instructors who can be booked (Spec: 04)."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from catalog.models import Service
from catalog.selectors import months_before
from instainstru.clock import NEW_YORK
from search.candidate_cache import remembered
from search.choosing import Wish, load_offers
from search.close_matches import (
    CATEGORY,
    CLOSE_PER_GROUP,
    RELAX_ORDER,
    CloseGroup,
    close_groups,
    wider_groups,
)
from search.demand import Demand, demand_of
from search.errands import ERRAND_WORDS, is_errand, is_not_taught
from search.filters import Filters
from search.learner import STEP_BACK, group_names, suited, with_learner
from search.matching import (
    Hit,
    Matcher,
    Origin,
    Sort,
    in_order,
    in_page_order,
    is_sorted_by_distance,
    match_offers,
    one_card_each,
    usual_sort,
)
from search.nearest import nearest_service
from search.offering_words import encoded_words, nearness, words_left
from search.offers import Offer
from search.parser import ParsedQuery, parse
from search.retrieval import Candidates, mode_of, retrieve_services
from search.snapshot import ServiceEntry, Snapshot, current_snapshot
from search.spelling import Correction, apply_corrections, correct
from search.text import fold, words_of

TOP_SERVICES = 6
NAMED = 10
# The chip of what to learn; without it any service will do.
SERVICE = "service"


@dataclass(frozen=True)
class SearchResult:
    """What a search found; ``match`` is results, closest or none.

    ``anywhere`` are the hits of any place, ``service`` is the one that was meant most, ``nearest``
    is the nearest one that can be booked where nobody was found at all,
    ``languages`` are those of everybody who teaches it, ``confidence`` is the best service's score.
    """

    query: ParsedQuery
    demand: Demand
    services: Sequence[str]
    service: ServiceEntry | None
    match: str
    hits: Sequence[Hit]
    anywhere: Sequence[Hit]
    close: Sequence[CloseGroup]
    nearest: Service | None
    languages: Sequence[str]
    corrections: Sequence[Correction]
    corrected_text: str
    took_ms: float
    mode: str
    page_size: int
    sort: Sort = Sort.BEST
    usual_sort: Sort = Sort.BEST
    questions: Sequence[Correction] = ()
    confidence: float | None = None


@dataclass(frozen=True)
class Understood:
    """The subject of a query: its words as corrected, and the services they mean, best first."""

    corrections: Sequence[Correction]
    questions: Sequence[Correction]
    words: str
    candidates: Candidates
    service_names: Sequence[str]


@dataclass(frozen=True)
class _Searcher:
    """What one search works with."""

    demand: Demand
    snapshot: Snapshot
    now: datetime
    user_id: int | None
    owner: str = ""
    origin: Origin | None = None
    words: str = ""

    def matcher(self, relevance: Mapping[int, float]) -> Matcher:
        """Return what offers are held against."""
        return Matcher(self.demand, relevance, self.snapshot, self.now, self.origin, self.owner)

    def offers(self, service_ids: list[int] | None, relevance: Mapping[int, float]) -> list[Offer]:
        """Return the offers that are worth a look; ``relevance`` is the score of each service."""
        today = self.now.astimezone(NEW_YORK).date()
        found = load_offers(
            service_ids,
            self._wish(relevance),
            checked_since=months_before(today, self.snapshot.check_months),
            struck_since=self.now - timedelta(days=self.snapshot.strike_days),
            not_user_id=self.user_id,
        )
        # A service newer than the snapshot is found within a minute.
        return [offer for offer in found if offer.service_id in self.snapshot.services]

    def _wish(self, relevance: Mapping[int, float]) -> Wish:
        demand = self.demand
        encoded = encoded_words(self.words, self.snapshot)
        places, excluded = (
            [self.snapshot.places[name] for name in names if name in self.snapshot.places]
            for names in (demand.places, demand.excluded_places)
        )
        points: Sequence[Any] = places or ([self.origin] if self.origin else [])
        return Wish(
            demand,
            self.snapshot.formula,
            relevance,
            points=[(point.latitude, point.longitude) for point in points],
            place_ids=frozenset().union(
                *(self.snapshot.neighborhoods.get(name, ()) for name in demand.places)
            ),
            excluded_place_ids=[place.pk for place in excluded],
            is_near_me=is_sorted_by_distance(demand, self.origin),
            nearness=None if encoded is None else nearness(encoded),
            today=self.now.astimezone(NEW_YORK).date(),
        )


def run_search(
    text: str,
    *,
    now: datetime,
    filters: Filters | None = None,
    sort: Sort | None = None,
    removed: Iterable[str] = (),
    is_verbatim: bool = False,
    user_id: int | None = None,
    owner: str = "",
    origin: Origin | None = None,
) -> SearchResult:
    """Understand the text, find services, and rank instructors who truly have the time.

    ``filters`` win over the words, ``removed`` holds chips the person took away, ``is_verbatim``
    keeps spelling as typed, ``owner`` names who looks (for the day's jitter), ``origin`` is where
    they live; without ``sort`` the best come first, for "near me" the nearest. Writes nothing.
    Spec: S8.1-S8.5, S8.7, S8.8.
    """
    started = time.perf_counter()
    snapshot, chosen = current_snapshot(), filters or Filters()
    query = parse(
        text, now=now, gazetteer=snapshot.gazetteer, vocabulary=snapshot.vocabulary,
        removed=removed, place=chosen.place, borough=origin.borough if origin else None,
    )  # fmt: skip
    demand = demand_of(query, chosen)
    meant = understand(query, demand, snapshot, is_verbatim=is_verbatim)
    candidates = meant.candidates
    ids = meant_services(candidates, meant.words, snapshot)
    home = origin if query.is_about_home else None
    searcher = _Searcher(
        demand, snapshot, now, user_id, owner, home,
        words_left(meant.words, query, _best_service(candidates, snapshot)),
    )  # fmt: skip
    offers = [] if ids == [] else searcher.offers(ids, candidates.scores)
    hits, anywhere, close = _instructors(searcher, offers, candidates, ids)
    usual = usual_sort(demand, home)
    encoded = None if hits or close else encoded_words(meant.words, snapshot)
    return SearchResult(
        query=query,
        demand=demand,
        services=meant.service_names,
        service=_best_service(candidates, snapshot),
        match=candidates.match,
        sort=sort or usual,
        usual_sort=usual,
        hits=in_order(hits, sort or usual),
        anywhere=anywhere,
        close=close,
        nearest=None if encoded is None else nearest_service(encoded, other_than=ids or ()),
        languages=sorted({language for offer in offers for language in offer.languages}),
        corrections=meant.corrections,
        questions=meant.questions,
        corrected_text=meant.words,
        took_ms=(time.perf_counter() - started) * 1000,
        mode=candidates.mode,
        page_size=snapshot.formula.page_size,
        confidence=next((round(score, 4) for score in candidates.scores.values()), None),
    )


def understand(
    query: ParsedQuery, demand: Demand, snapshot: Snapshot, *, is_verbatim: bool = False
) -> Understood:
    """Return what somebody wants to learn: spelling, then services. Spec: S8.2, S8.8, S8.9"""
    corrections, questions, words = _spell(query, snapshot, is_verbatim=is_verbatim)
    sentence = with_learner(_sentence(query, corrections), query.constraints)
    group = _group(words, query, snapshot, is_bare=sentence == words)
    found = group or _services(words, sentence, fold(query.text), demand, snapshot)
    candidates = suited(found, query.constraints, snapshot.services)
    known = [snapshot.services.get(pk) for pk in candidates.scores]
    names = [entry.name for entry in known if entry is not None][:NAMED]
    return Understood(
        corrections, questions, words, candidates, [] if candidates.match == "none" else names
    )


def _spell(
    query: ParsedQuery, snapshot: Snapshot, *, is_verbatim: bool
) -> tuple[Sequence[Correction], Sequence[Correction], str]:
    """Return corrections that are sure, those that are only asked, and the words. Spec: S8.2"""
    tokens = [] if SERVICE in query.removed else words_of(fold(query.residual_core))
    if is_verbatim:
        return [], [], " ".join(tokens)
    found = correct(tokens, snapshot.vocabulary, ERRAND_WORDS)
    sure = [one for one in found if one.is_sure]
    asked = [one for one in found if not one.is_sure]
    return sure, asked, " ".join(apply_corrections(tokens, sure))


def _sentence(query: ParsedQuery, corrections: Sequence[Correction]) -> str:
    """Return the subject with the words around it, spelt as corrected."""
    if SERVICE in query.removed:
        return ""
    said = f" {' '.join(words_of(fold(query.residual)))} "
    for one in corrections:
        said = said.replace(f" {one.wrong} ", f" {one.right} ")
    return said.strip()


def _group(
    words: str, query: ParsedQuery, snapshot: Snapshot, *, is_bare: bool
) -> Candidates | None:
    """Return the services of a category or subcategory, should the words be its name. S8.2"""
    names = group_names(words, query.constraints) if words else ()
    groups = [found for name in names if (found := snapshot.of_group(name, is_bare=is_bare))]
    scores: dict[int, float] = {}
    for place, group in enumerate(groups):
        for pk in group:
            scores.setdefault(pk, STEP_BACK if place else 1.0)
    return Candidates(scores, "results", mode_of(snapshot)) if scores else None


def _services(
    words: str, sentence: str, said: str, demand: Demand, snapshot: Snapshot
) -> Candidates:
    if not words:
        # Only constraints were said: every service counts, unless nothing at all was said.
        return Candidates({}, "none" if demand == Demand() else "results", mode_of(snapshot))
    subject = words.split()
    is_refused = is_not_taught(subject) or is_errand(subject, words_of(said), snapshot.name_words)
    if is_refused and words not in snapshot.names:
        return Candidates({}, "none", mode_of(snapshot))
    mode = "lexical" if snapshot.vectors is None else "hybrid"
    return remembered(
        (snapshot.version, mode, words, sentence),
        lambda: retrieve_services(words, snapshot, sentence=sentence),
    )


def meant_services(candidates: Candidates, words: str, snapshot: Snapshot) -> list[int] | None:
    """Return the services somebody means; None for any service.

    Whoever names an exam means no other, however alike: of SHSAT no LSAT. Spec: S8.2, S8.3
    """
    if candidates.match == "none":
        return []
    if not candidates.scores:
        return None
    best = next(iter(candidates.scores.values()))
    near = [pk for pk, score in candidates.scores.items() if score >= best * candidates.near_best]
    exams = snapshot.exams & set(words.split())
    if exams & _words_of_service(near[0], snapshot):
        near = [pk for pk in near if exams & _words_of_service(pk, snapshot)]
    # A whole category has one score; words have few services near the best.
    return near if candidates.scores[near[-1]] == best else near[:TOP_SERVICES]


def _words_of_service(pk: int, snapshot: Snapshot) -> frozenset[str]:
    entry = snapshot.services.get(pk)
    return frozenset() if entry is None else entry.words


def _best_service(candidates: Candidates, snapshot: Snapshot) -> ServiceEntry | None:
    best = next(iter(candidates.scores), None)
    return None if best is None or candidates.match == "none" else snapshot.services.get(best)


def _instructors(
    searcher: _Searcher, offers: list[Offer], candidates: Candidates, ids: list[int] | None
) -> tuple[list[Hit], list[Hit], list[CloseGroup]]:
    if not offers:
        return [], [], _of_category(searcher, candidates, ids)
    matcher = searcher.matcher(candidates.scores)
    ranked = match_offers(offers, matcher)
    fitting = one_card_each(hit for row, hit in ranked if not row.missed and hit.free)
    hits = in_page_order(fitting, matcher)
    anywhere = one_card_each(hit for row, hit in ranked if row.missed <= {"location"} and hit.free)
    groups = close_groups(ranked, {hit.offer.instructor_id for hit in hits})
    if not hits and sum(len(group.hits) for group in groups) < CLOSE_PER_GROUP:
        taken = {hit.offer.instructor_id for group in groups for hit in group.hits}
        wider = match_offers(offers, matcher, most_missed=len(RELAX_ORDER))
        groups += wider_groups(wider, taken)
    if not hits and not groups:
        groups = _of_category(searcher, candidates, ids)
    return hits, anywhere, groups


def _of_category(
    searcher: _Searcher, candidates: Candidates, ids: list[int] | None
) -> list[CloseGroup]:
    """Give up the service last: others of its category who fit in everything else (S8.5)."""
    best = _best_service(candidates, searcher.snapshot)
    if not ids or best is None:
        return []
    others = [
        entry.pk
        for entry in searcher.snapshot.services.values()
        if entry.category_slug == best.category_slug and entry.pk not in ids
    ]
    found = searcher.offers(others, {})
    ranked = match_offers(found, searcher.matcher({}))
    fitting = one_card_each(hit for row, hit in ranked if not row.missed and hit.free)
    return [CloseGroup(CATEGORY, fitting[:CLOSE_PER_GROUP])] if fitting else []
