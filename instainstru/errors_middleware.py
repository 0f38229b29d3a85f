"""Turn application errors that no view handled into pages of the right status."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from instainstru.error_pages import error_page
from instainstru.errors import ApplicationError

SERVER_ERRORS = 500
"""From here on the message is for operators: it may name variables and servers."""


class ApplicationErrorMiddleware:
    """Answer an escaped ``ApplicationError`` with its status and sentence (Spec: G2-G6)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; a bare "method not allowed" gets words and a way back."""
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content:
            return response
        page = error_page(request, response.status_code)
        page["Allow"] = response["Allow"]
        return page

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render the error page, or None for errors that are not a person's to mend."""
        if not isinstance(error, ApplicationError) or error.status >= SERVER_ERRORS:
            return None
        return error_page(request, error.status, **{"message": error.message, **error.context})
