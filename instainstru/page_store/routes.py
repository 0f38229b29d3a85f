"""Which pages are kept, and under which key.

Everybody who is not signed in gets the same bytes; who is gets a copy of their own (``copies``).

A page belongs here only if people who are not signed in see nothing of a guest's key and no form
with a token on it, and if looking at it writes nothing; tests walk the list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve


@dataclass(frozen=True)
class Route:
    """How a page is kept: made anew after ``fresh_seconds``, never shown after ``kept_seconds``.

    ``query`` names the parameters that it understands; with any other it is rendered live.
    ``has_fragment``: HTMX gets a part of it, always the same.
    """

    query: frozenset[str] = frozenset()
    has_fragment: bool = False
    fresh_seconds: int = 60
    kept_seconds: int = 90


def _with_times(*query: str) -> Route:
    """Return a route of a page whose times may have gone for half a minute (Spec: S9.1)."""
    return Route(frozenset(query), fresh_seconds=20, kept_seconds=30)


ROUTES: Final[Mapping[str, Route]] = {
    "home": _with_times(),
    "catalog:all-services": Route(),
    "catalog:category": Route(has_fragment=True),
    "catalog:service": _with_times("page"),
    "instructor-profile": _with_times("service", "duration", "place", "about", "page"),
    "help:index": Route(),
    "help:article": Route(),
}
LONGEST_QUERY: Final = 200
_MESSAGES_COOKIE: Final = "messages"


class Key(NamedTuple):
    """What tells two kept pages apart; the site has one language."""

    scheme: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    is_fragment: bool
    owner: str
    """Empty for the pages of everybody, else a digest of the session and of the token it sends."""


def key_of(request: HttpRequest) -> Key | None:
    """Return the key of a request that may be answered with a kept page, else None."""
    meta = request.META
    if request.method not in ("GET", "HEAD") or "HTTP_AUTHORIZATION" in meta:
        return None
    if "HTTP_HX_BOOSTED" in meta or "HTTP_HX_HISTORY_RESTORE_REQUEST" in meta:
        return None
    owner, query = "", _parsed(meta.get("QUERY_STRING", ""))
    if "HTTP_COOKIE" in meta:
        if _MESSAGES_COOKIE in request.COOKIES:  # words that are shown once
            return None
        owner = _owner_of(request)
    if query is None:
        return None
    host, is_fragment = meta.get("HTTP_HOST", ""), "HTTP_HX_REQUEST" in meta
    return Key(request.scheme or "", host, request.path_info, query, is_fragment, owner)


def session_key_of(request: HttpRequest) -> str:
    """Return what the session's cookie says, empty without one."""
    if "HTTP_COOKIE" not in request.META:
        return ""
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")


def _owner_of(request: HttpRequest) -> str:
    """Name the session with its token; a guest's key names nobody: no page shows what is theirs."""
    session_key = session_key_of(request)
    if not session_key:
        return ""
    token = request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    return blake2b(f"{session_key} {token}".encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=4096)
def _parsed(query: str) -> tuple[tuple[str, str], ...] | None:
    """Return the parameters in order of their names; None where one comes twice or is too long."""
    if len(query) > LONGEST_QUERY:
        return None
    pairs = parse_qsl(query, keep_blank_values=True)
    return tuple(sorted(pairs)) if len(dict(pairs)) == len(pairs) else None


def route_of(key: Key) -> tuple[str, Route] | None:
    """Return the name and the route of a key; None for pages that are not kept."""
    try:
        name = resolve(key.path).view_name
    except Resolver404:
        return None
    route = ROUTES.get(name)
    if route is None or (key.is_fragment and not route.has_fragment):
        return None
    if not route.query.issuperset(parameter for parameter, _ in key.query):
        return None
    return name, route
