"""What browsers are told besides the policy of scripts, and what they report of it (Spec: S17.1).

django-csp writes the policy itself; its numbers are in ``settings``.
"""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from instainstru.access import public
from instainstru.ratelimit import CSP_REPORTS, address_key_of, count_use

log = structlog.get_logger(__name__)

UNUSED_FEATURES: Final = (
    "accelerometer", "autoplay", "camera", "clipboard-read", "clipboard-write", "display-capture",
    "encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection",
    "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "web-share",
    "xr-spatial-tracking",
)  # fmt: skip
"""What a page could ask a browser for and none of ours does."""
PERMISSIONS_POLICY: Final = ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES)
MOST_BYTES: Final = 8 * 1024
MOST_CHARACTERS: Final = 120


class PermissionsPolicyMiddleware:
    """Deny every feature that no page uses, on every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the header."""
        response = self.get_response(request)
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        return response


@public
@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Write down what a browser refused to load: 204; 413 beyond 8 KB, 400 for anything else.

    Browsers send these by themselves and without a token, so nothing but a log line follows, at
    most ``CSP_REPORTS`` of an address. Addresses may hold the tokens of links: only the name of our
    page and the host of what it asked for are kept. Spec: S17.1, S17.10, S17.11
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MOST_BYTES:
        return HttpResponse(status=413)
    count_use(CSP_REPORTS, address_key_of(request))
    try:
        told = json.loads(request.body)["csp-report"]
        facts = {
            "directive": _text(told, "effective-directive") or _text(told, "violated-directive"),
            "page": _page(_text(told, "document-uri")),
            "blocked": _host(_text(told, "blocked-uri")),
        }
    except (ValueError, LookupError, TypeError, RecursionError):
        return HttpResponse(status=400)
    log.warning("csp_violation", **facts)
    return HttpResponse(status=204)


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name, "") if isinstance(told, dict) else told[name]
    return value if isinstance(value, str) else ""


def _page(address: str) -> str:
    """Return the name of our page, which holds nothing of its address."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return "unknown"


def _host(address: str) -> str:
    """Return the host of an address, or the word that browsers put in its place."""
    parts = urlsplit(address)
    return (parts.hostname or parts.scheme or parts.path)[:MOST_CHARACTERS]
