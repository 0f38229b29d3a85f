"""What search engines may list: pages about the catalogue, nothing personal (Spec: S10.8)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

UNLISTED = (
    "/account/", "/accounts/", "/lessons/", "/teach/", "/staff/", "/book/", "/search/", "/privacy/",
    "/messages/", "/dev/", "/admin/",
)  # fmt: skip


class NoIndexMiddleware:
    """Mark personal pages, and every page with a query string, as not to be listed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the header where the address or the answer asks for it."""
        response = self.get_response(request)
        if is_unlisted(request, response):
            response["X-Robots-Tag"] = "noindex"
        return response


def is_unlisted(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether a search engine should leave this page out."""
    is_personal = "private" in response.headers.get("Cache-Control", "")
    return (
        is_personal or bool(request.META.get("QUERY_STRING")) or request.path.startswith(UNLISTED)
    )
