"""What Django calls when a request is refused or fails; named in ``urls`` and in the settings."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from accounts.roles import role_words
from instainstru import health
from instainstru.access import public
from instainstru.api_errors import api_error, is_api
from instainstru.error_pages import error_page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 413 for a body over the limit, else 400 (Spec: S17.3)."""
    return error_page(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 with the roles that the page is for (Spec: G5)."""
    return error_page(request, 403, roles=role_words(*map(str, exception.args)))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 with a search box, the same for unknown and for other people's (Spec: G5)."""
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 with the request id to quote, and 503 for a lost database (Spec: G6).

    Session, person and access rule are read around the view, out of reach of the exception hooks
    of middleware; this handler runs while the exception is being handled.
    """
    if isinstance(sys.exception(), health.DATABASE_ERRORS):
        return health.database_unavailable(request)
    return error_page(request, 500)


@public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 when a form comes back without its token: too old, or cookies are off."""
    if is_api(request):
        message = "Send the token of the cookie csrftoken in the header X-CSRFToken."
        return api_error(request, 403, code="csrf", message=message)
    return error_page(request, 403, template="errors/stale_form.html")
