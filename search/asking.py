"""Making the search that an address asks for, and writing it down (Spec: S8.4, S2.6, S3.1)."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.paginator import Page
from django.http import HttpRequest

from accounts.owners import owner_of
from analytics.services import Shown
from catalog.models import Address
from instainstru import clock
from search.events import PageOfSearch, cards_shown, write_search
from search.filters import FiltersForm
from search.history import remember_search
from search.matching import Hit, Origin
from search.page_state import PageState
from search.parser.places import needs_home
from search.services import SearchResult, run_search
from search.snapshot import current_snapshot


def filters_form(state: PageState) -> FiltersForm:
    """Return the filters of the address; those that are wrong count for nothing."""
    data: dict[str, Any] = {name: state.first(name) for name in FiltersForm.base_fields}
    data |= {name: state.all(name) for name in ("day", "time", "where")}
    return FiltersForm(data, gazetteer=current_snapshot().gazetteer)


def find(
    request: HttpRequest, state: PageState, form: FiltersForm, origin: Origin | None
) -> SearchResult:
    """Return who can be booked for the words and filters, for the person who asks."""
    return run_search(
        state.first("q"),
        now=clock.now(),
        filters=form.filters(),
        sort=state.sort,
        removed=state.all("without"),
        is_verbatim=state.is_verbatim,
        user_id=request.user.pk if request.user.is_authenticated else None,
        owner=_luck_of(request),
        origin=origin,
    )


def _luck_of(request: HttpRequest) -> str:
    """Return who looks, for the small luck of the day: the same on every page of a search."""
    owner = owner_of(request)
    return f"{owner.user_id}:{owner.guest_key}"


def _home(request: HttpRequest) -> Origin | None:
    """Return where the person's first saved address is (S8.1)."""
    if not request.user.is_authenticated:
        return None
    address = Address.objects.of(request.user).select_related("neighborhood").first()
    place = address.neighborhood if address else None
    return Origin(place.latitude, place.longitude, place.borough) if place else None


def near(request: HttpRequest, state: PageState) -> Origin | None:
    """Ask for the address only when the words want it."""
    is_wanted = needs_home(state.first("q"), current_snapshot().gazetteer)
    return _home(request) if is_wanted else None


def write_down(
    request: HttpRequest,
    search: PageOfSearch,
    state: PageState,
    result: SearchResult,
    *,
    page: "Page[Hit]",
    is_kept: bool,
    began: float,
    now: datetime,
) -> None:
    """Keep the search in the person's history, and its event with what the page shows.

    ``is_kept`` is false for a search with wrong filters; ``began`` is the reading of
    ``time.perf_counter`` at its beginning. Fails nothing. Spec: S2.1, S3.1
    """
    count = len(result.hits)
    owner = None
    if is_kept:
        owner = remember_search(request, query=state.first("q"), results_count=count, now=now)
    write_search(
        request,
        search,
        state,
        result,
        owner=owner,
        shown=_shown(page, state, result),
        snapshot=current_snapshot(),
        latency_ms=(time.perf_counter() - began) * 1000,
        now=now,
    )


def _shown(page: "Page[Hit]", state: PageState, result: SearchResult) -> Sequence[Shown]:
    """Return the cards of the page; the map shows none."""
    if state.is_map:
        return []
    close = [] if page.has_next() else [hit for group in result.close for hit in group.hits]
    return cards_shown(
        page.object_list, close, first=page.start_index(), first_close=len(result.hits) + 1
    )
