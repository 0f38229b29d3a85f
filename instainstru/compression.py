"""Smaller answers for pages that are made for one visitor (performance D4)."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class LivePagesMiddleware(GZipMiddleware):
    """Compresses live pages, with a random length, so that a page's size tells nothing of a token.

    A page that the store is about to keep passes as it is: the store compresses it once.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Compress unless the store waits for the plain page."""
        if hasattr(request, "page_versions"):
            return response
        return super().process_response(request, response)
