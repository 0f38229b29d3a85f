"""Refusals and failures of the API: one JSON shape with stable codes (Spec: G12).

``{"error": {"code", "message", "fields"?}}``; some say more, such as ``nearest`` of a time that is
taken. Knows nothing of the framework behind the views: middleware answers in this shape, too.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, JsonResponse

from instainstru.http import mark_private

ROOT: Final = "/api/"
WORDS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad_request", "We couldn't read this request."),
    401: ("sign_in_required", "Sign in first."),
    403: ("forbidden", "Your account may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    409: ("conflict", "Something changed meanwhile. Nothing was written."),
    413: ("too_large", "The request is larger than 10 MB."),
    415: ("unsupported_media_type", "Send JSON, with Content-Type: application/json."),
    422: ("validation", "Some values are wrong."),
    429: ("rate_limited", "Too many requests."),
    500: ("internal", "Something broke on our side."),
    503: ("unavailable", "We are not available right now. Try again in a moment."),
}
"""The code and the sentence of a status, where nobody said more."""
_OTHER: Final = 422


def is_api(request: HttpRequest) -> bool:
    """Tell whether a program asks, who gets JSON whatever happens."""
    return request.path.startswith(ROOT)


def api_error(
    request: HttpRequest,
    status: int,
    *,
    code: str = "",
    message: str = "",
    fields: Mapping[str, str] | None = None,
    retry_after_seconds: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> JsonResponse:
    """Return the answer; what is not said comes from ``WORDS``. Spec: G6, G12

    ``more`` stands beside the code. A failure names the request id to quote.
    """
    known = WORDS.get(status) or WORDS[500 if status >= 500 else _OTHER]  # noqa: PLR2004
    text = message or known[1]
    request_id = getattr(request, "request_id", "")
    if status >= 500 and request_id:  # noqa: PLR2004
        text = f"{text} Request {request_id}."
    error: dict[str, Any] = {"code": code or known[0], "message": text, **(more or {})}
    if fields:
        error["fields"] = dict(fields)
    response = JsonResponse({"error": error}, status=status)
    if retry_after_seconds is not None:
        response["Retry-After"] = str(retry_after_seconds)
    mark_private(response)
    return response
