"""What a decision aims at: Django's DATABASES and the Valkey stores."""

import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from instainstru.database.locations import Location, parse_location
from instainstru.database.refusals import TierRefusedError
from instainstru.database.state import var_dir
from instainstru.database.tiers import Decision, Mode, Tier

ENGINE: Final = "instainstru.database.backend"
POOL_VARIABLE: Final = "DATABASE_POOL_SIZE"
POOL_TIMEOUT_SECONDS: Final = 2
KEEP_SECONDS: Final = 60
BROKER_STORE: Final = 0
CACHE_STORE: Final = 1


class ValkeyUrls(NamedTuple):
    """Addresses of the two stores: redis-py's notation for the cache, kombu's for the broker."""

    cache: str
    broker: str


def database_settings(
    decision: Decision, environ: Mapping[str, str] = os.environ
) -> dict[str, dict[str, Any]]:
    """Return DATABASES for a decision: the resolved tier under `default`, nothing else."""
    return {"default": _alias(location(decision), decision, environ)}


def location(decision: Decision) -> Location:
    """Return where the tier's database lives, embedded or by URL."""
    if decision.url is not None:
        return parse_location(decision.url, decision.tier.variable("DATABASE_URL"))
    from instainstru.database import embedded

    found = embedded.addresses(decision.tier.value, var_dir())
    return Location(
        host=found.database_host,
        port=found.database_port,
        name=found.database_name,
        user=found.database_user,
    )


def _alias(where: Location, decision: Decision, environ: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {"connect_timeout": 5, **dict(where.options)}
    if decision.mode is Mode.READ_ONLY:
        options["options"] = "-c default_transaction_read_only=on"
    if pool := _pool(environ):
        options["pool"] = pool
    return {
        "ENGINE": ENGINE,
        "NAME": where.name,
        "USER": where.user,
        "PASSWORD": where.password,
        "HOST": where.host,
        "PORT": str(where.port),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0 if pool else KEEP_SECONDS,
        "CONN_HEALTH_CHECKS": True,
    }


def _pool(environ: Mapping[str, str]) -> dict[str, Any] | None:
    # The supervisor asks for a pool in web processes only; workers keep one connection each.
    text = environ.get(POOL_VARIABLE, "").strip() or "0"
    if not text.isdecimal():
        raise TierRefusedError(f"{POOL_VARIABLE} must be a whole number")
    if not (size := int(text)):
        return None
    return {"min_size": min(2, size), "max_size": size, "timeout": POOL_TIMEOUT_SECONDS}


def valkey_urls(decision: Decision) -> ValkeyUrls:
    """Return the addresses of cache and broker, always different logical stores. Spec: S1.19."""
    given = decision.variable("VALKEY_URL")
    if given is None:
        if decision.tier is Tier.PROD:
            raise TierRefusedError(f"{decision.tier.variable('VALKEY_URL')} is not set")
        return _embedded_valkey(decision)
    broker = _plain(given, decision.tier.variable("VALKEY_URL"))
    if cache := decision.variable("CACHE_URL"):
        return ValkeyUrls(_plain(cache, decision.tier.variable("CACHE_URL")), broker)
    return ValkeyUrls(_with_store(broker, _store(broker) + 1), broker)


def _embedded_valkey(decision: Decision) -> ValkeyUrls:
    from instainstru.database import embedded

    servers = embedded.addresses(decision.tier.value, var_dir())
    return ValkeyUrls(servers.valkey_url(CACHE_STORE), servers.broker_url(BROKER_STORE))


def _plain(url: str, variable: str) -> str:
    parts = urlsplit(url)
    scheme = {"valkey": "redis", "valkeys": "rediss"}.get(parts.scheme, parts.scheme)
    if scheme not in {"redis", "rediss"} or not parts.hostname or "," in parts.netloc:
        raise TierRefusedError(f"{variable} is not a usable Valkey URL")
    if not parts.path.strip("/").isdecimal() and parts.path.strip("/"):
        raise TierRefusedError(f"{variable} must end in a store number")
    return urlunsplit(parts._replace(scheme=scheme))


def _store(url: str) -> int:
    return int(urlsplit(url).path.strip("/") or 0)


def _with_store(url: str, store: int) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{store}"))
