"""What is kept of an executed search besides the person's own history (Spec: S3.1, S8.3, S8.13)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest

from accounts.owners import Owner
from accounts.viewing import viewer_of
from analytics.kinds import PlaceSource, SearchType
from analytics.services import (
    ExecutedSearch,
    Shown,
    continue_search,
    is_same_search,
    record_search,
)
from analytics.visitors import visitor_of
from instainstru.identifiers import time_ordered_id
from search.matching import Hit
from search.page_state import PageState
from search.search_id import browser_of, search_of, signed
from search.services import SearchResult
from search.snapshot import Snapshot

TOP: Final = 20
# Where a link to the results says that it stood.
VIA: Final = "via"
_T = SearchType
_WAYS: Final = {_T.SUGGESTION.value, _T.HISTORY.value, _T.RAIL.value}


@dataclass(frozen=True)
class PageOfSearch:
    """The search that a page belongs to: a new one, or with ``is_continued`` another page of it."""

    search_id: UUID
    sid: str
    is_continued: bool


def page_of_search(request: HttpRequest, state: PageState) -> PageOfSearch:
    """Return the search that the page continues, when its ``sid`` is of the same one, or a new one.

    Links to other pages carry ``sid``; a shared address, a changed word or filter begins anew.
    """
    if request.GET.get("page"):
        known = search_of(request)
        if known and is_same_search(known, query=state.first("q"), filters=filters_of(state)):
            return PageOfSearch(known, signed(known, browser_of(request)), is_continued=True)
    search_id = time_ordered_id()
    return PageOfSearch(search_id, signed(search_id, browser_of(request)), is_continued=False)


def filters_of(state: PageState) -> dict[str, list[str]]:
    """Return everything that was chosen besides the words."""
    return {name: state.all(name) for name, _ in state.pairs if name != "q"}


def write_search(
    request: HttpRequest,
    page: PageOfSearch,
    state: PageState,
    result: SearchResult,
    *,
    owner: Owner | None,
    shown: Sequence[Shown],
    snapshot: Snapshot,
    latency_ms: float,
    now: datetime,
) -> None:
    """Write the event of a search, or what its next page shows; fails nothing.

    ``owner`` is None for people who keep no history. Of HEAD nothing is shown, so nothing is
    written.
    """
    if request.method != "GET":
        return
    if page.is_continued:
        continue_search(page.search_id, shown, now=now)
        return
    viewer = viewer_of(request)
    is_staff = viewer is not None or bool(getattr(request.user, "is_staff", False))
    borough, neighborhood, source = _place(result, state, snapshot)
    search = ExecutedSearch(
        search_id=page.search_id,
        user_id=owner.user_id if owner and viewer is None else None,
        guest_key=owner.guest_key if owner and viewer is None else None,
        query=state.first("q"),
        search_type=_type(request, state, result, snapshot),
        parsed=_parsed(result),
        filters=filters_of(state),
        results_count=len(result.hits),
        top_ids=[hit.offer.instructor_id for hit in result.hits[:TOP]],
        match=result.match,
        mode=result.mode,
        confidence=result.confidence,
        latency_ms=round(latency_ms, 2),
        borough=borough,
        neighborhood=neighborhood,
        place_source=source,
        shown=shown,
    )
    record_search(search, visitor_of(request, is_staff=is_staff), now=now)


def cards_shown(
    hits: Iterable[Hit], close: Iterable[Hit], *, first: int, first_close: int
) -> list[Shown]:
    """Return the impressions of a page; places count from 1 over all pages of the search."""
    rows = [_shown(hit, place, is_close=False) for place, hit in enumerate(hits, first)]
    return rows + [
        _shown(hit, place, is_close=True) for place, hit in enumerate(close, first_close)
    ]


def _shown(hit: Hit, position: int, *, is_close: bool) -> Shown:
    return Shown(
        position=position,
        instructor_id=hit.offer.instructor_id,
        offering_id=hit.offer.pk,
        is_close=is_close,
        factors=hit.factors.as_dict() | {"score": round(hit.score, 4)},
    )


def _type(
    request: HttpRequest, state: PageState, result: SearchResult, snapshot: Snapshot
) -> SearchType:
    way = request.GET.get(VIA, "")
    if way in _WAYS:
        return _T(way)
    if state.is_map:
        return _T.MAP
    words = state.first("q").strip()
    if not words:
        return _T.FILTER
    if snapshot.of_group(words):
        return _T.CATEGORY
    is_name = result.service is not None and words.casefold() == result.service.name.casefold()
    return _T.SERVICE if is_name else _T.NATURAL_LANGUAGE


def _parsed(result: SearchResult) -> dict[str, Any]:
    said: dict[str, Any] = {
        "constraints": result.query.constraints,
        "services": list(result.services),
    }
    if result.corrections:
        said["corrected"] = {one.wrong: one.right for one in result.corrections}
    return said


def _place(result: SearchResult, state: PageState, snapshot: Snapshot) -> tuple[str, str, str]:
    """Return borough and neighborhood of the first place that was asked for, and who said so."""
    place = next(iter(result.demand.places), "")
    if not place:
        return "", "", PlaceSource.UNKNOWN
    source = PlaceSource.FILTER if state.has("place") else PlaceSource.QUERY
    known = snapshot.places.get(place)
    return (known.borough, place, source) if known else (place, "", source)
