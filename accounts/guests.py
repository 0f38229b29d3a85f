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


def forget_guest_key(request: HttpRequest) -> None:
    """Drop the key from the request, and its cookie with the answer (Spec: S17.8)."""
    request.guest_key = None  # type: ignore[attr-defined]
    request.is_guest_key_new = False  # type: ignore[attr-defined]
    request.is_guest_key_forgotten = True  # type: ignore[attr-defined]


class GuestKeyMiddleware:
    """Read the guest's key from the signed cookie and keep the cookie in step with the views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set ``request.guest_key`` (or None), then write or delete the cookie."""
        request.guest_key = request.get_signed_cookie(  # type: ignore[attr-defined]
            settings.GUEST_COOKIE_NAME, default=None, salt=SALT, max_age=MAX_AGE_SECONDS
        )
        response = self.get_response(request)
        if getattr(request, "is_guest_key_new", False):
            _write_cookie(response, request.guest_key)  # type: ignore[attr-defined]
        elif getattr(request, "is_guest_key_forgotten", False):
            response.delete_cookie(settings.GUEST_COOKIE_NAME, samesite="Lax")
        return response


def _write_cookie(response: HttpResponse, key: str) -> None:
    response.set_signed_cookie(
        settings.GUEST_COOKIE_NAME,
        key,
        salt=SALT,
        max_age=MAX_AGE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.IS_HTTPS,
    )
