"""The first middleware: kept pages for anonymous visitors, everything else as ever."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from instainstru.page_store import versions
from instainstru.page_store.copies import (
    find_copy,
    is_copyable,
    keep_copy,
    note_person,
    outdate_copies,
)
from instainstru.page_store.pages import StoredPage, is_storable
from instainstru.page_store.routes import ROUTES, Key, Route, key_of, route_of, session_key_of
from instainstru.page_store.shelves import Memory, begin_making, end_making, fetch, leave

log = structlog.get_logger(__name__)

COUNTED_SECONDS: Final = 60.0
memory = Memory()


class PageStoreMiddleware:
    """Answers GET and HEAD of kept pages before sessions, logs and queries.

    A kept page has no line of its own in the log: a line for each minute counts them.
    """

    is_on = True
    """Tests turn it off: their rows change behind the services."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if settings.DEBUG:
            raise MiddlewareNotUsed  # templates change while the process runs
        self.get_response = get_response
        self._counts: Counter[str] = Counter()
        self._counted_until = time.monotonic() + COUNTED_SECONDS

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer from memory, from Valkey, or by asking the view."""
        if not self.is_on:
            return self.get_response(request)
        key, session_key = key_of(request), session_key_of(request)
        if key is None:
            return self._passed_on(request, session_key)
        if session_key:
            return self._answer_person(request, key, session_key)
        page = memory.get(key)
        if page is not None and page.is_current(ROUTES[page.name]):
            return self._served(page, request)
        found, noted = route_of(key), versions.tokens([versions.CATALOGUE])
        if found is None or noted is None:
            return self.get_response(request)
        request.page_versions = noted  # type: ignore[attr-defined]
        return self._answer(request, key, page, *found)

    def _answer(
        self, request: HttpRequest, key: Key, page: StoredPage | None, name: str, route: Route
    ) -> HttpResponse:
        left = fetch(key)
        if left is not None and (page is None or left.stored_at > page.stored_at):
            page = left
            memory.keep(key, page)
            if page.is_current(route):
                return self._served(page, request)
        is_maker = begin_making(key)
        if not is_maker and page is not None and page.may_stand_in(route):
            return self._served(page, request)
        try:
            return self._make(request, key, name, route)
        finally:
            if is_maker:
                end_making(key)

    def _make(self, request: HttpRequest, key: Key, name: str, route: Route) -> HttpResponse:
        """Render the page and keep it for the next ones, if it is fit for that."""
        # The whole page is wanted, whatever this visitor has.
        known = request.META.pop("HTTP_IF_NONE_MATCH", None)
        response = self.get_response(request)
        noted = request.page_versions  # type: ignore[attr-defined]
        if noted is None or not is_storable(request, response):
            return response
        page = StoredPage.of(name, response, noted)
        memory.keep(key, page)
        leave(key, page, route.kept_seconds)
        if known is not None:
            request.META["HTTP_IF_NONE_MATCH"] = known
        return page.answer(request)

    def _passed_on(self, request: HttpRequest, session_key: str) -> HttpResponse:
        response = self.get_response(request)
        if session_key and request.method not in ("GET", "HEAD"):
            outdate_copies(request)
        return response

    def _answer_person(self, request: HttpRequest, key: Key, session_key: str) -> HttpResponse:
        """Give the copy of this session, or make one with the answer."""
        page, session = find_copy(key, session_key)
        if page is not None and page.is_current(ROUTES[page.name]):
            return self._served(page, request)
        found, noted = route_of(key), versions.tokens([versions.CATALOGUE])
        if found is None or noted is None or session is None:
            return self.get_response(request)
        name, route = found
        request.page_versions, request.is_copied = noted, True  # type: ignore[attr-defined]
        response = self.get_response(request)
        noted = request.page_versions  # type: ignore[attr-defined]
        if noted is not None and is_copyable(request, response):
            page = StoredPage.copy(name, response, noted)
            keep_copy(key, page, session, route.fresh_seconds)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Note whose copy is being made, before anything of theirs is read."""
        if getattr(request, "is_copied", False):
            note_person(request)

    def _served(self, page: StoredPage, request: HttpRequest) -> HttpResponse:
        self._counts[page.name] += 1
        if time.monotonic() > self._counted_until:
            counts, self._counts = self._counts, Counter()
            self._counted_until = time.monotonic() + COUNTED_SECONDS
            log.info("pages_from_store", pages=dict(counts))
        return page.answer(request)
