"""Turn application errors that no view handled into pages of the right status."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from instainstru.errors import ApplicationError, RateLimitedError

PAGES = {403: "errors/403.html", 404: "errors/404.html", 409: "errors/409.html",
         422: "errors/422.html", 429: "errors/429.html"}  # fmt: skip


class ApplicationErrorMiddleware:
    """Answer an escaped ``ApplicationError`` with its status and sentence (Spec: G2-G6)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render the error page, or None for errors that are not ours."""
        if not isinstance(error, ApplicationError):
            return None
        template = PAGES.get(error.status, "errors/409.html")
        context = {"message": error.message, **error.context}
        response = render(request, template, context, status=error.status)
        if isinstance(error, RateLimitedError):
            response["Retry-After"] = str(error.retry_after_seconds)
        return response
