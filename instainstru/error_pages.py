"""Pages and fragments for refusals and failures; they ask neither database, session nor user."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from instainstru.api_errors import api_error, is_api
from instainstru.context import site

PAGES: Final = frozenset({400, 403, 404, 405, 409, 413, 422, 429, 500, 503})
"""The statuses with a text of their own, ``templates/errors/<status>.html``."""
INPUT_IS_WRONG: Final = frozenset({402, 409, 422})
"""The answers that are shown where the form was; their title starts with "Error:"."""


def error_page(
    request: HttpRequest,
    status: int,
    *,
    template: str = "",
    retry_after_seconds: int | None = None,
    **context: Any,
) -> HttpResponse:
    """Render the page of a status, or for HTMX the same words as a fragment.

    It is rendered without the request, so that no context processor can read a session or a user:
    it works while the database is away. ``retry_after_seconds`` also sets the header. A status
    without a text of its own answers in the words of 422, or of 500 from there upwards. Programs
    get JSON. Spec: G2, G3, G5, G6, G12.
    """
    if is_api(request):
        message = str(context.get("message", ""))
        return api_error(request, status, message=message, retry_after_seconds=retry_after_seconds)
    words = status if status in PAGES else 500 if status >= 500 else 422  # noqa: PLR2004
    is_fragment = request.headers.get("HX-Request") == "true"
    values = {
        **site(request),
        "frame": "errors/fragment.html" if is_fragment else "errors/page.html",
        "page_error": status in INPUT_IS_WRONG,
        "request_id": getattr(request, "request_id", ""),
        "retry_after_seconds": retry_after_seconds,
        **context,
    }
    text = render_to_string(template or f"errors/{words}.html", values)
    response = HttpResponse(text, status=status)
    if retry_after_seconds is not None:
        response["Retry-After"] = str(retry_after_seconds)
    patch_vary_headers(response, ["HX-Request"])
    return response
