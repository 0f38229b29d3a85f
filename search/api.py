"""Searching, and what is remembered of it, for programs (Spec: S17.14, S8.4, S2.5)."""

import time

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from instainstru import clock
from instainstru.api import UNKNOWN, ApiView, read_query
from instainstru.api_rules import plain
from instainstru.ratelimit import SEARCH, count_use, session_key_of
from search.asking import filters_form, find, near, write_down
from search.events import page_of_search
from search.filters import FILTER_NAMES
from search.history import HISTORY, historian_of, recent_searches
from search.matching import Sort
from search.models import SearchHistory
from search.page_state import read_state
from search.serializers import FoundTold, HistoryAsked, HistoryTold

WORDS = {
    "q": "What somebody looks for, as they say it.",
    "sort": f"One of {', '.join(Sort)}.",
    "exact": "1: take the words as they are written.",
    "without": "A part of the words that does not count.",
    "page": "A page of 20.",
    "sid": "The search_id of the first page.",
}
PARAMETERS = [
    OpenApiParameter(name, OpenApiTypes.STR, description=WORDS.get(name, "A filter of the page."))
    for name in (*WORDS, *FILTER_NAMES)
]


class HistoryView(ApiView):
    """What is remembered of an owner's searches."""

    @extend_schema(
        operation_id="history_list", parameters=[HistoryAsked], responses={200: HistoryTold}
    )
    def get(self, request: Request) -> Response:
        """Return the newest searches; guests have some, too."""
        limit = read_query(request, HistoryAsked)["limit"]
        owner = historian_of(plain(request))
        if owner is None:
            raise PermissionDenied(HISTORY)
        return Response(HistoryTold({"results": recent_searches(owner, limit)}).data)

    @extend_schema(operation_id="history_clear", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Delete all; doing it again changes nothing."""
        owner = historian_of(plain(request))
        if owner is None:
            raise PermissionDenied(HISTORY)
        SearchHistory.objects.clear(owner, now=clock.now())
        return Response(status=204)


class SearchView(ApiView):
    """Who can truly be booked for some words and filters."""

    @extend_schema(operation_id="search", parameters=PARAMETERS, responses={200: FoundTold})
    def get(self, request: Request) -> Response:
        """Search as the page does: it is remembered for the person, and counts in its limit."""
        page, began, now = plain(request), time.perf_counter(), clock.now()
        known = {parameter.name for parameter in PARAMETERS}
        unknown = sorted(set(page.GET) - known)
        if unknown:
            raise ValidationError(dict.fromkeys(unknown, UNKNOWN))
        state = read_state(page.GET)
        if not state.first("q") and not state.has(*FILTER_NAMES):
            raise ValidationError({"q": "Write what you look for, or choose a filter."})
        form = filters_form(state)
        if not form.is_valid():
            raise ValidationError({name: texts[0] for name, texts in form.errors.items()})
        count_use(SEARCH, session_key_of(page))
        result = find(page, state, form, near(page, state))
        search = page_of_search(page, state)
        found = Paginator(result.hits, result.page_size).get_page(page.GET.get("page"))
        write_down(page, search, state, result, page=found, is_kept=True, began=began, now=now)
        told = {
            "search_id": search.sid,
            "match": result.match,
            "count": len(result.hits),
            "results": list(found.object_list),
            "next_page": found.next_page_number() if found.has_next() else None,
        }
        return Response(FoundTold(told).data)
