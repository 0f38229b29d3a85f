"""Search: the results page, the live count of its filters, and suggestions (Spec: S8.4-S8.6)."""

import time
from typing import Any

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.saving import mark_saved
from instainstru import clock
from instainstru.access import public
from instainstru.errors import RateLimitedError
from instainstru.health import RETRY_AFTER_SECONDS
from instainstru.http import mark_private, render_page_or_fragment
from instainstru.ratelimit import SEARCH, SUGGESTIONS, count_use, session_key_of
from search.asking import filters_form, find, near, write_down
from search.events import page_of_search
from search.filters import FILTER_NAMES
from search.history import known_historian, recent_searches
from search.history_manager import KEPT
from search.page_state import PageState, read_state
from search.results_page import page_values, panel_values
from search.snapshot import current_snapshot
from search.suggestions import suggest, suggest_places

log = structlog.get_logger(__name__)

EXAMPLES = [
    "piano in park slope saturday morning under $90",
    "spanish tutor this weekend",
    "guitar for a 9 year old",
]


@public
@require_safe
def results(request: HttpRequest) -> HttpResponse:
    """Show who can truly be booked for the words and filters of the address.

    A wrong price or date answers 422 with the unfiltered list; too many searches 429 and a failing
    search 503, both with the box and the filters kept. Spec: S8.4, S8.5, S8.13, G2, G6, G11.
    """
    state = read_state(request.GET)
    if not state.first("q") and not state.has(*FILTER_NAMES):
        return _page(request, state, {"examples": EXAMPLES, **_categories()})
    try:
        count_use(SEARCH, session_key_of(request))
        return _found(request, state)
    except RateLimitedError as error:
        return _failed(request, state, 429, error.retry_after_seconds or 1)
    except DatabaseError:
        log.exception("search_failed")
        return _failed(request, state, 503, RETRY_AFTER_SECONDS)


@public
@require_safe
def count(request: HttpRequest) -> HttpResponse:
    """Say how many instructors the filters would leave, for the button that applies them."""
    count_use(SUGGESTIONS, session_key_of(request))
    state = read_state(request.GET)
    form = filters_form(state)
    if not form.is_valid():
        return _count(request, {"is_wrong": True}, status=422)
    found = find(request, state, form, near(request, state))
    return _count(request, {"count": len(found.hits)})


@public
@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """List what the letters may become; from memory and one query. Spec: S8.6, S8.7."""
    count_use(SUGGESTIONS, session_key_of(request))
    today = clock.now().astimezone(clock.NEW_YORK).date()
    said = request.GET.get("q", "")
    recent = recent_searches(known_historian(request), KEPT)
    groups = suggest(
        said,
        current_snapshot(),
        today=today,
        recent=[row.query_text for row in recent],
        user_id=request.user.pk,
    )
    return mark_private(render(request, "search/suggestions.html", {"groups": groups}))


@public
@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """List the neighborhoods and boroughs that the letters may become; from memory. Spec: S8.6."""
    count_use(SUGGESTIONS, session_key_of(request))
    found = suggest_places(request.GET.get("q", ""), current_snapshot())
    return mark_private(render(request, "search/places.html", {"places": found}))


def _found(request: HttpRequest, state: PageState) -> HttpResponse:
    began, form, now = time.perf_counter(), filters_form(state), clock.now()
    origin = near(request, state)
    result = find(request, state, form, origin)
    search = page_of_search(request, state)
    values = {
        **page_values(
            result,
            form.filters(),
            state,
            page_number=request.GET.get("page"),
            snapshot=current_snapshot(),
            now=now,
            has_origin=origin is not None,
            sid=search.sid,
        ),
        **panel_values(form, state, result),
    }
    groups = [card for group in values.get("groups", ()) for card in group["cards"]]
    mark_saved(request, [*values["cards"], *groups])
    if result.match == "none":
        values |= {"examples": EXAMPLES, **_categories()}
    response = _page(request, state, values, status=200 if form.is_valid() else 422)
    write_down(
        request,
        search,
        state,
        result,
        page=values["page"],
        is_kept=form.is_valid(),
        began=began,
        now=now,
    )
    return response


def _failed(request: HttpRequest, state: PageState, status: int, wait: int) -> HttpResponse:
    values = {
        "failure": {"status": status, "wait": wait, "url": state.url()},
        "box_kept": state.drop("q", "without", "exact").pairs,
    }
    response = _page(request, state, values, status=status)
    response["Retry-After"] = str(wait)
    return response


def _categories() -> dict[str, Any]:
    return {"categories": list(current_snapshot().categories.items())}


def _count(request: HttpRequest, values: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return mark_private(render(request, "search/count.html", values, status=status))


def _page(
    request: HttpRequest, state: PageState, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    context = {"q": state.first("q"), "state": state, **values}
    return mark_private(
        render_page_or_fragment(
            request, "search/results.html", context, fragment="results", status=status
        )
    )
