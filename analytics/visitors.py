"""What a request tells about who searches: whether they may be named, and where they came from.

Only its digest of the network address is ever kept; the address and the browser's own words are
not. Spec: S3.1, S3.2
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from instainstru import clock
from instainstru.http import UNKNOWN_NETWORK, client_network

log = structlog.get_logger(__name__)

COOKIE_SALT: Final = "analytics-choice"
COOKIE_SECONDS: Final = 180 * 24 * 3600
YES, NO = "yes", "no"
# A key lives until its day is over, in Valkey alone: no backup ever holds it.
KEY_SECONDS: Final = 26 * 3600
_keys: dict[date, bytes] = {}

BOTS: Final = re.compile(
    r"bot\b|crawl|spider|slurp|preview|facebookexternalhit|headless|lighthouse|python-|curl/|wget/"
    r"|httpclient|okhttp|go-http|scrapy|monitor",
    re.IGNORECASE,
)
ENGINES: Final = ("google.", "bing.", "duckduckgo.", "yahoo.", "ecosia.", "brave.", "kagi.")
NETWORKS: Final = (
    "facebook.", "instagram.", "t.co", "twitter.", "x.com", "reddit.", "linkedin.", "tiktok.",
    "pinterest.", "youtube.", "nextdoor.",
)  # fmt: skip
MAILBOXES: Final = ("mail.", "outlook.")


@dataclass(frozen=True)
class Visitor:
    """``may_be_named``: the browser and, of guests, the person allow it; of accounts their consent
    decides besides. ``is_excluded``: a program, staff, or a page fetched ahead.
    """

    may_be_named: bool = False
    is_excluded: bool = False
    referrer: str = "direct"
    ip_hash: str = ""


def visitor_of(request: HttpRequest, *, is_staff: bool) -> Visitor:
    """Return what a request tells; only who may be named costs a look at the day's key."""
    may_be_named = not refuses(request) and (
        request.user.is_authenticated or has_agreed_as_guest(request)
    )
    return Visitor(
        may_be_named=may_be_named,
        is_excluded=is_staff or is_fetched_ahead(request) or is_program(request),
        referrer=referrer_of(request),
        ip_hash=hashed_network(request) if may_be_named else "",
    )


def refuses(request: HttpRequest) -> bool:
    """Tell whether the browser asks not to be followed. Spec: S3.2, S6.4"""
    return "1" in (request.headers.get("DNT"), request.headers.get("Sec-GPC"))


def has_agreed_as_guest(request: HttpRequest) -> bool:
    """Tell whether somebody without an account agreed; no choice is no agreement."""
    found = request.get_signed_cookie(
        settings.ANALYTICS_COOKIE_NAME, default=None, salt=COOKIE_SALT, max_age=COOKIE_SECONDS
    )
    return found == YES


def remember_guest_choice(response: HttpResponse, *, is_given: bool) -> None:
    """Let the browser keep what a guest chose for half a year. Spec: S6.4"""
    response.set_signed_cookie(
        settings.ANALYTICS_COOKIE_NAME,
        YES if is_given else NO,
        salt=COOKIE_SALT,
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.IS_HTTPS,
    )


def is_fetched_ahead(request: HttpRequest) -> bool:
    """Tell whether nobody asked for the page yet."""
    said = request.headers.get("Sec-Purpose", ""), request.headers.get("Purpose", "")
    return any("prefetch" in text for text in said)


def is_program(request: HttpRequest) -> bool:
    """Tell whether a program asks, by what it says of itself."""
    said = request.headers.get("User-Agent", "")
    return not said or bool(BOTS.search(said))


def referrer_of(request: HttpRequest) -> str:
    """Return which kind of place led here."""
    host = urlsplit(request.headers.get("Referer", "")).hostname or ""
    if not host:
        return "direct"
    if host == request.get_host().partition(":")[0]:
        return "internal"
    kinds = {"email": MAILBOXES, "organic": ENGINES, "social": NETWORKS}
    bare = host.removeprefix("www.")
    for kind, names in kinds.items():
        if any(bare.startswith(name) or f".{name}" in f".{bare}" for name in names):
            return kind
    return "direct"


def hashed_network(request: HttpRequest) -> str:
    """Return a digest of the client's network under the key of the New York day; empty without one.

    Once the key is gone nobody can try the 16 million networks. Spec: S3.1
    """
    network, key = client_network(request), _key_of(clock.now().astimezone(clock.NEW_YORK).date())
    if network == UNKNOWN_NETWORK or key is None:
        return ""
    return hmac.new(key, network.encode(), hashlib.sha256).hexdigest()[:32]


def _key_of(day: date) -> bytes | None:
    if day not in _keys:
        name = cache.make_key(f"network-key:{day.isoformat()}")
        try:
            client = get_redis_connection("default")
            client.set(name, secrets.token_bytes(32), nx=True, ex=KEY_SECONDS)
            found = client.get(name)
        except (RedisError, OSError) as error:
            log.warning("network_key_unknown", error=type(error).__name__)
            return None
        if found is None:
            return None
        _keys.clear()
        _keys[day] = bytes(found)
    return _keys[day]
