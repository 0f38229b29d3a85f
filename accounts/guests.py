"""Guests: a random key in a signed cookie, so that a hold survives sign-up (Spec: S2.7, S17.8)."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

MAX_AGE_SECONDS = 30 * 24 * 3600
SALT = "guest"


def ensure_guest_key(request: HttpRequest) -> str:
    """Return the guest's key, making one that the answer will carry as a cookie."""
    if getattr(request, "guest_key", None) is None:
        request.guest_key = secrets.token_urlsafe(24)  # type: ignore[attr-defined]
        request.is_guest_key_new = True  # type: ignore[attr-defined]
    return str(request.guest_key)  # type: ignore[attr-defined]


class GuestKeyMiddleware:
    """Read the guest's key from the signed cookie and write a new one when a view made it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set ``request.guest_key`` (or None) and keep the cookie in step."""
        key = request.get_signed_cookie(
            settings.GUEST_COOKIE_NAME, default=None, salt=SALT, max_age=MAX_AGE_SECONDS
        )
        request.guest_key = key  # type: ignore[attr-defined]
        response = self.get_response(request)
        if getattr(request, "is_guest_key_new", False):
            response.set_signed_cookie(
                settings.GUEST_COOKIE_NAME,
                request.guest_key,  # type: ignore[attr-defined]
                salt=SALT,
                max_age=MAX_AGE_SECONDS,
                httponly=True,
                samesite="Lax",
                secure=settings.IS_HTTPS,
            )
        return response
