"""``sid``: the search that a link was shown by, signed for one browser (Spec: S2.6).

Result links and pages of a search carry it. The middleware takes it off the address before anything
else looks, so that a profile is the same page, and kept once, whichever search led there.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import guests
from analytics.kinds import InteractionType
from analytics.services import record_click
from analytics.visitors import is_fetched_ahead, is_program, refuses
from instainstru import clock

PARAMETER: Final = "sid"
SALT: Final = "search.sid"
ID_BYTES, SEAL_BYTES = 16, 5
LONGEST: Final = 64
# As long as a click may explain a booking (Spec: S3.4).
LASTS: Final = timedelta(days=7)
OK: Final = 200

_FOUND: Final = re.compile(r"(?:^|&)sid=([^&]*)")
_T = InteractionType
DEEDS: Final[Mapping[str, tuple[InteractionType, ...]]] = {
    "instructor-profile": (_T.RESULT_CLICK, _T.PROFILE_VIEW),
    "lessons:times": (_T.RESULT_CLICK, _T.AVAILABILITY_VIEW),
}
"""What it means to open a page with a ``sid``, by its name."""


def signed(search_id: UUID, browser: str) -> str:
    """Return the ``sid`` of a search: 28 letters."""
    return _text(search_id.bytes + _seal(search_id, browser))


def read(text: str, browser: str) -> UUID | None:
    """Return the search; None for one of another browser, an old one, or anything else."""
    if len(text) > LONGEST or not text.isascii() or not browser:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    if len(raw) != ID_BYTES + SEAL_BYTES or text != _text(raw):
        return None
    search_id = UUID(bytes=raw[:ID_BYTES])
    if not constant_time_compare(raw[ID_BYTES:], _seal(search_id, browser)):
        return None
    age = clock.now().timestamp() - int.from_bytes(raw[:6], "big") / 1000
    return search_id if age <= LASTS.total_seconds() else None


def browser_of(request: HttpRequest) -> str:
    """Name the browser by its session, else by the guest's key; empty without either.

    Nothing is looked up, so it also works for pages that are answered from the store.
    """
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if session_key:
        return f"session {session_key}"
    key = getattr(request, "guest_key", None) or request.get_signed_cookie(
        settings.GUEST_COOKIE_NAME, default=None, salt=guests.SALT, max_age=guests.MAX_AGE_SECONDS
    )
    return f"guest {key}" if key else ""


def search_of(request: HttpRequest) -> UUID | None:
    """Return the search whose link led here."""
    text = getattr(request, "sid", "")
    return read(text, browser_of(request)) if text else None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _seal(search_id: UUID, browser: str) -> bytes:
    said = f"{search_id.hex} {browser}"
    return salted_hmac(SALT, said, algorithm="sha256").digest()[:SEAL_BYTES]


class SearchIdMiddleware:
    """Take ``sid`` off the address, and note the click when the page could be shown."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as if there were no ``sid``; addresses without one cost a look at them."""
        query = request.META.get("QUERY_STRING", "")
        if "sid=" not in query or (found := _FOUND.search(query)) is None:
            return self.get_response(request)
        request.META["QUERY_STRING"] = _FOUND.sub("", query).removeprefix("&")
        request.sid = found[1]  # type: ignore[attr-defined]
        response = self.get_response(request)
        if response.status_code == OK and request.method == "GET":
            _note_click(request)
        return response


def _note_click(request: HttpRequest) -> None:
    """Write the click unless it is nobody's deed or the browser asks not to be followed."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return
    types = DEEDS.get(match.view_name)
    if not types or refuses(request) or is_fetched_ahead(request) or is_program(request):
        return
    search_id = search_of(request)
    if search_id is None:
        return
    if "start" in parse_qs(request.META["QUERY_STRING"]):
        types = (*types, _T.SLOT_SELECT)
    record_click(search_id, match.kwargs["slug"], types, now=clock.now())
