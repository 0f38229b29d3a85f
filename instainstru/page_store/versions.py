"""When kept pages are outdated: random tokens in Valkey that services change on commit.

A page notes the tokens of what it shows before its rows are read. While the store does not answer
no token is known, and pages are rendered live.
"""

import secrets
import time
from collections.abc import Collection, Iterable
from functools import partial
from typing import Final

import structlog
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest
from django_redis import get_redis_connection
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

CATALOGUE: Final = "catalogue"
LOOK_SECONDS: Final = 1.0
"""How long a process trusts what it has read; so long may a page be outdated."""
KEPT_SECONDS: Final = 30 * 24 * 3600
MOST_SEEN: Final = 10_000

_seen: dict[str, tuple[float, str]] = {}
_away_until = 0.0


def of_instructor(pk: int) -> str:
    """Name the version of what one instructor's own page shows, their times above all."""
    return f"instructor:{pk}"


def of_person(pk: int) -> str:
    """Name the version of what one person sees of their own."""
    return f"person:{pk}"


def bump(*names: str) -> None:
    """Outdate the pages that show these, once the transaction is committed.

    Services call it for what they change: ``CATALOGUE`` for services, offers, profiles and the
    business numbers, ``of_instructor`` for somebody's times, ``of_person`` for what was changed for
    a person who did not ask for it just now. Spec: S7.6, S9.1, S9.2.
    """
    transaction.on_commit(partial(_bump, names), robust=True)


def bump_instructors(ids: Iterable[int]) -> None:
    """Outdate the pages that show the times of these instructors."""
    bump(*(of_instructor(pk) for pk in ids))


def depends_on(request: HttpRequest, name: str) -> None:
    """Note that the page being made shows this; call it before the rows are read."""
    noted: dict[str, str] | None = getattr(request, "page_versions", None)
    if noted is None:
        return
    found = tokens([name])
    request.page_versions = None if found is None else noted | found  # type: ignore[attr-defined]


def keep_out(request: HttpRequest) -> None:
    """Let the page being made be seen once only: it holds something that runs out."""
    request.page_versions = None  # type: ignore[attr-defined]


def tokens(names: Collection[str], *, is_fresh: bool = False) -> dict[str, str] | None:
    """Return the token of each name; None while the store is away.

    They are at most a second old, or ``is_fresh``.
    """
    now, most_seconds = time.monotonic(), 0.0 if is_fresh else LOOK_SECONDS
    found = {
        name: seen[1]
        for name in names
        if (seen := _seen.get(name)) and now - seen[0] < most_seconds
    }
    missing = [name for name in names if name not in found]
    if not missing:
        return found
    looked = _look(missing, now)
    return None if looked is None else found | looked


def forget() -> None:
    """Look at everything again."""
    global _away_until  # noqa: PLW0603 - one look serves the whole process
    _seen.clear()
    _away_until = 0.0


def _look(names: Collection[str], now: float) -> dict[str, str] | None:
    global _away_until  # noqa: PLW0603
    if now < _away_until:
        return None
    try:
        found = _read(names)
    except (RedisError, OSError) as error:
        _away_until = time.monotonic() + LOOK_SECONDS
        log.warning("page_versions_unknown", error=type(error).__name__)
        return None
    if len(_seen) > MOST_SEEN:
        _seen.clear()
    _seen.update({name: (now, token) for name, token in found.items()})
    return found


def _read(names: Collection[str]) -> dict[str, str]:
    """Return the tokens; a name without one, after the store lost its data, gets a new one."""
    client, keys = get_redis_connection("default"), {name: _key(name) for name in names}
    found = dict(zip(names, client.mget(list(keys.values())), strict=True))
    for name, token in found.items():
        if token is None:
            client.set(keys[name], secrets.token_hex(8), nx=True, ex=KEPT_SECONDS)
            found[name] = client.get(keys[name]) or b""
    return {name: bytes(token).decode() for name, token in found.items()}


def _bump(names: Collection[str]) -> None:
    try:
        client = get_redis_connection("default")
        for name in names:
            client.set(_key(name), secrets.token_hex(8), ex=KEPT_SECONDS)
            _seen.pop(name, None)
    except (RedisError, OSError) as error:
        # Pages stay as they are until they are too old; most are rendered live meanwhile.
        log.warning("page_versions_not_bumped", error=type(error).__name__)


def _key(name: str) -> str:
    return str(cache.make_key(f"page-version:{name}"))
