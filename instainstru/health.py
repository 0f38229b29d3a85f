"""Liveness and readiness, and the answer while the database is away (Spec: S16.1, G6)."""

import json
from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from instainstru import clock
from instainstru.access import public
from instainstru.database import tiers
from instainstru.database.backups import shelf
from instainstru.database.pending import pending_migrations
from instainstru.database.refusals import TierRefusedError
from instainstru.database.valkey import plain_url
from instainstru.error_pages import error_page

RETRY_AFTER_SECONDS = 5
DATABASE_ERRORS = (OperationalError, InterfaceError, TierRefusedError)
"""The server is away, or the gate turned its connection down: nothing a visitor did."""


@public
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer ``ok`` when the process lives; touches no database."""
    return HttpResponse("ok", content_type="text/plain")


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_migrations() -> None:
    if pending_migrations():
        raise RuntimeError("migrations pending")


def _check_valkey(url: str) -> None:
    client = redis.Redis.from_url(plain_url(url), socket_connect_timeout=0.5, socket_timeout=0.5)
    try:
        client.ping()
    finally:
        client.close()


PARTS: dict[str, Callable[[], None]] = {
    "database": _check_database,
    "migrations": _check_migrations,
    "cache": lambda: _check_valkey(settings.CACHE_URL),
    "broker": lambda: _check_valkey(settings.CELERY_BROKER_URL),
}


OLDEST_BACKUP = timedelta(hours=26)


def _backup_warnings() -> dict[str, str]:
    """Say what is late about backups; not on INT, which has none. Spec: S16.1."""
    tier = tiers.decision().tier
    if tier is tiers.Tier.INT:
        return {}
    made, proved = shelf.newest_times(tier.value)
    limit = clock.now() - OLDEST_BACKUP
    times = {"backup": made, "verified restore": proved}
    return {name: "warn" for name, at in times.items() if at is None or at < limit}


WARNINGS: list[Callable[[], dict[str, str]]] = [_backup_warnings]
"""What is worse than usual without stopping anything; apps add theirs when they are ready."""


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - readiness reports any failure by its kind
        return f"failed: {type(error).__name__}"
    return "ok"


@public
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer JSON per part; 503 names the failing ones. A connection proves the tier stamp.

    What is late without stopping anything stands there as `warn`.
    """
    parts = {name: _state(check) for name, check in PARTS.items()}
    is_ready = all(state == "ok" for state in parts.values())
    if is_ready:
        for warnings in WARNINGS:
            parts |= warnings()
    body = json.dumps({"ready": is_ready, "tier": settings.DECISION.tier.value, "parts": parts})
    return HttpResponse(body, content_type="application/json", status=200 if is_ready else 503)


def database_unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503 with Retry-After; what the gate or the driver said stays in the logs."""
    return error_page(request, 503, retry_after_seconds=RETRY_AFTER_SECONDS)


class DatabaseDownMiddleware:
    """Answer 503 instead of 500 while a view cannot use the database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; what is lost around the view reaches the handler of 500."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn a lost or refused connection inside a view into the 503 page."""
        return database_unavailable(request) if isinstance(error, DATABASE_ERRORS) else None
