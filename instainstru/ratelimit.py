"""How often somebody may do something: one sliding window for every page (Spec: S17.4, S8.13).

The last uses of a window are kept in Valkey, or in the database while Valkey is away. Both count in
one atomic step, so parallel requests cannot slip through together.
"""

import hashlib
import ipaddress
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import structlog
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from instainstru import clock
from instainstru.errors import RateLimitedError
from instainstru.http import client_address

log = structlog.get_logger(__name__)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """``uses`` in any ``window``; ``is_strict`` limits refuse when nothing can count."""

    name: str
    uses: int
    window: timedelta
    is_strict: bool = False


@dataclass(frozen=True)
class Use:
    """One counted use, which can be given back."""

    digest: str
    at: datetime
    member: str


KeyOf = Callable[[HttpRequest], str]
View = Callable[..., HttpResponse]

SEARCH = Limit("search", 60, MINUTE)
SUGGESTIONS = Limit("suggestions", 120, MINUTE)
SIGN_UP = Limit("sign_up", 10, HOUR, is_strict=True)
SIGN_IN_ADDRESS = Limit("sign_in_address", 20, timedelta(minutes=15), is_strict=True)
SECOND_STEP = Limit("second_step", 5, timedelta(minutes=15), is_strict=True)
VERIFICATION_MAIL = Limit("verification_mail", 5, HOUR)
PASSWORD_RESET_ACCOUNT = Limit("password_reset_account", 5, HOUR, is_strict=True)
PASSWORD_RESET_ADDRESS = Limit("password_reset_address", 20, HOUR, is_strict=True)
WAITLIST = Limit("waitlist", 5, HOUR)
SERVICE_SUGGESTIONS = Limit("service_suggestions", 5, DAY)
REPORTS = Limit("reports", 20, DAY)
REVIEWS = Limit("reviews", 20, DAY)
MESSAGES = Limit("messages", 30, HOUR)
ALERTS = Limit("alerts", 5, HOUR)
TEACHING_INTEREST = Limit("teaching_interest", 5, HOUR)
CSP_REPORTS = Limit("csp_reports", 60, MINUTE)
CONTACT = Limit("contact", 5, HOUR)
PROMO_CODES = Limit("promo_codes", 10, HOUR)
CARD_PAGES = Limit("card_pages", 20, HOUR)
CALENDARS = Limit("calendars", 20, HOUR)
INVITATIONS = Limit("invitations", 10, DAY)
API_PEOPLE = Limit("api_people", 600, MINUTE)
API_GUESTS = Limit("api_guests", 120, MINUTE)

_VALKEY = """
local now, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return math.max(1, math.ceil(tonumber(oldest[2]) + window - now))
end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], window)
return 0
"""

# The same rule as one statement; it also takes away a few windows that are over.
_DATABASE = """
WITH over AS (
  SELECT key FROM instainstru_ratelimitwindow
  WHERE expires_at < %(now)s AND key <> %(key)s LIMIT 20 FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM instainstru_ratelimitwindow WHERE key IN (SELECT key FROM over)
)
INSERT INTO instainstru_ratelimitwindow AS kept (key, uses, is_granted, expires_at)
VALUES (%(key)s, ARRAY[%(now)s]::timestamptz[], true, %(now)s + %(window)s)
ON CONFLICT (key) DO UPDATE SET (uses, is_granted, expires_at) = (
  SELECT array_agg(used ORDER BY used)
           || CASE WHEN count(*) < %(allowed)s THEN excluded.uses ELSE '{}' END,
         count(*) < %(allowed)s,
         excluded.expires_at
  FROM unnest(kept.uses) AS used WHERE used > %(now)s - %(window)s
)
RETURNING is_granted, uses[1]
"""

_GIVE_BACK = """
UPDATE instainstru_ratelimitwindow SET uses = array_remove(uses, %(at)s::timestamptz)
WHERE key = %(key)s
"""

BAD_INPUT = 422
IPV6 = 6


def count_use(limit: Limit, key: str, *, now: datetime | None = None) -> Use:
    """Count one use by ``key``; refused uses do not count and do not prolong the wait.

    Call it outside a transaction that may be rolled back. While neither store answers, strict
    limits let the database's error through (503) and the others allow. Spec: S17.4, G6.

    Raises:
        RateLimitedError: The window is full; the error names the whole seconds to wait.
    """
    digest = hashlib.sha256(f"{limit.name}\n{key}".encode()).hexdigest()
    use = Use(digest, now or clock.now(), secrets.token_hex(8))
    refuse_for(_wait(limit, use))
    return use


def refuse_for(wait: timedelta) -> None:
    """Raise ``RateLimitedError`` with the whole seconds, unless there is nothing to wait for."""
    if wait <= timedelta(0):
        return
    seconds = max(1, math.ceil(wait.total_seconds()))
    plural = "" if seconds == 1 else "s"
    raise RateLimitedError(
        f"Too many tries. Wait {seconds} second{plural}.", retry_after_seconds=seconds
    )


def give_back(use: Use) -> None:
    """Take a use out of its window again; a store that is away keeps it."""
    try:
        get_redis_connection("default").zrem(cache.make_key(f"rate:{use.digest}"), use.member)
    except (RedisError, OSError):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, {"key": use.digest, "at": use.at})


def limited(*limits: tuple[Limit, KeyOf]) -> Callable[[View], View]:
    """Count every POST to a view against the limits, unless the form was refused with 422."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            uses = [count_use(limit, key_of(request)) for limit, key_of in limits]
            response = view(request, *args, **kwargs)
            if response.status_code == BAD_INPUT:
                for use in uses:
                    give_back(use)
            return response

        return wrapped

    return decorate


def session_key_of(request: HttpRequest) -> str:
    """Name whose window a request uses: the person, the guest's key, else the address.

    A key that the answer will only bring along does not count: clients without cookies would have a
    new window with every request.
    """
    if request.user.is_authenticated:
        return f"user {request.user.pk}"
    guest_key = getattr(request, "guest_key", None)
    if guest_key and not getattr(request, "is_guest_key_new", False):
        return f"guest {guest_key}"
    return address_key_of(request)


def address_key_of(request: HttpRequest) -> str:
    """Name the window of the client's address; of IPv6 the network, which one client owns."""
    text = client_address(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return f"address {text}"
    if address.version == IPV6:
        return f"address {ipaddress.ip_network((address, 64), strict=False)}"
    return f"address {address}"


def _wait(limit: Limit, use: Use) -> timedelta:
    try:
        return _wait_in_valkey(limit, use)
    except (RedisError, OSError) as error:
        log.warning("rate_limit_without_valkey", limit=limit.name, error=type(error).__name__)
    try:
        return _wait_in_database(limit, use)
    except DatabaseError as error:
        if limit.is_strict:
            raise
        log.warning("rate_limit_open", limit=limit.name, error=type(error).__name__)
        return timedelta(0)


def _wait_in_valkey(limit: Limit, use: Use) -> timedelta:
    milliseconds = get_redis_connection("default").eval(
        _VALKEY,
        1,
        cache.make_key(f"rate:{use.digest}"),
        use.at.timestamp() * 1000,
        limit.window // timedelta(milliseconds=1),
        limit.uses,
        use.member,
    )
    return timedelta(milliseconds=int(milliseconds))


def _wait_in_database(limit: Limit, use: Use) -> timedelta:
    values: dict[str, Any] = {
        "key": use.digest,
        "now": use.at,
        "window": limit.window,
        "allowed": limit.uses,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DATABASE, values)
        is_granted, oldest = cursor.fetchone()
    return timedelta(0) if is_granted else oldest + limit.window - use.at
