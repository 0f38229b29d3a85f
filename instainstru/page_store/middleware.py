"""The first middleware: kept pages for anonymous visitors, everything else as ever."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from instainstru.page_store import versions
from instainstru.page_store.pages import StoredPage, is_storable
from instainstru.page_store.routes import ROUTES, Key, Route, key_of, route_of
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
        key = key_of(request) if self.is_on else None
        if key is None:
            return self.get_response(request)
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

    def _served(self, page: StoredPage, request: HttpRequest) -> HttpResponse:
        self._counts[page.name] += 1
        if time.monotonic() > self._counted_until:
            counts, self._counts = self._counts, Counter()
            self._counted_until = time.monotonic() + COUNTED_SECONDS
            log.info("pages_from_store", pages=dict(counts))
        return page.answer(request)
