"""What a decision aims at: Django's DATABASES and the Valkey stores."""

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from instainstru.database.locations import Location, parse_location
from instainstru.database.refusals import TierRefusedError
from instainstru.database.roles import Role
from instainstru.database.state import var_dir
from instainstru.database.tiers import Decision, Tier, decision

ENGINE: Final = "instainstru.database.backend"
DEFAULT: Final = "default"
REPORTS: Final = "reports"
REPLICA: Final = "replica"
"""Aliases; replicas are numbered from 1."""
POOL_VARIABLE: Final = "DATABASE_POOL_SIZE"
POOL_TIMEOUT_SECONDS: Final = 2
RECONNECT_SECONDS: Final = 2
"""The pool doubles the wait between its own tries up to here; after that each request tries anew,
so that a database which was away for long is found again at once (Spec: S16.5)."""
KEEP_SECONDS: Final = 60
TEST_NAME: Final = re.compile(r"test_[A-Za-z0-9_]+")
DJANGOS_OWN: Final = frozenset(
    {"client_encoding", "cursor_factory", "context", "prepare_threshold"}
)
LIBPQ_KEYS: Final = {
    "dbname": "NAME",
    "user": "USER",
    "password": "PASSWORD",
    "host": "HOST",
    "port": "PORT",
}
BROKER_STORE: Final = 0
CACHE_STORE: Final = 1
LAST_STORE: Final = 15
VALKEY_PORT: Final = 6379


class ValkeyUrls(NamedTuple):
    """Addresses of the two stores: redis-py's notation for the cache, kombu's for the broker."""

    cache: str
    broker: str


def database_settings(
    answer: Decision, environ: Mapping[str, str] = os.environ
) -> dict[str, dict[str, Any]]:
    """Return DATABASES for a decision: the resolved tier under its declared aliases, no other.

    `default` writes, `reports` reads as `ii_readonly`, and each of `<TIER>_REPLICA_URLS` is a
    replica. Only `default` has a pool. Spec: S1.11, S1.23.
    """
    own = location(answer)
    found = {
        DEFAULT: _alias(own, environ),
        REPORTS: _alias(role_location(answer, Role.READONLY) or own, {}),
    }
    for number, where in enumerate(replica_locations(answer), start=1):
        found[f"{REPLICA}{number}"] = _alias(where, {})
    for alias in found.keys() - {DEFAULT}:
        found[alias] |= {"CONN_MAX_AGE": 0, "TEST": {"MIRROR": DEFAULT}}
    return found


def replica_locations(answer: Decision) -> list[Location]:
    """Return where the tier's read replicas live. Spec: S1.23."""
    variable = answer.tier.variable("REPLICA_URLS")
    urls = (answer.variable("REPLICA_URLS") or "").split()
    found = [parse_location(url, variable) for url in urls]
    if any(where.name != location(answer).name for where in found):
        raise TierRefusedError(f"{variable} names another database")
    return found


def location(answer: Decision) -> Location:
    """Return where the tier's database lives, as the role that serves by default."""
    if answer.url is not None:
        return parse_location(answer.url, answer.tier.variable("DATABASE_URL"))
    return _embedded_database(answer, Role.APP.value)


def role_location(answer: Decision, role: Role) -> Location | None:
    """Return where a role connects, None when the tier has no URL for it. Spec: S1.13."""
    if answer.is_embedded:
        # The cluster's superuser is the admin: who can reach its socket owns it anyway.
        return _embedded_database(answer, None if role is Role.ADMIN else role.value)
    if (url := answer.variable(role.suffix)) is None:
        return None
    variable = answer.tier.variable(role.suffix)
    where = parse_location(url, variable)
    if where.name != (own := location(answer)).name:
        raise TierRefusedError(f"{variable} names database {where.name} and not {own.name}")
    return where


def _embedded_database(answer: Decision, user: str | None) -> Location:
    from instainstru.database import embedded

    found = embedded.addresses(answer.tier.value, var_dir())
    return Location(
        host=found.database_host,
        port=found.database_port,
        name=found.database_name,
        user=user or found.database_user,
    )


def aim_as(answer: Decision, role: Role, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return connection parameters for a role; without a URL of its own the tier's serves.

    A test database keeps its name.
    """
    where = role_location(answer, role)
    if where is None:
        return parameters
    kept = {key: value for key, value in parameters.items() if key in DJANGOS_OWN}
    aimed = kept | _parameters(_alias(where, {}))
    if is_test_name(parameters["dbname"]):
        aimed["dbname"] = parameters["dbname"]
    return aimed


def _alias(where: Location, environ: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {"connect_timeout": 5, **dict(where.options)}
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


def refuse_other_aim(alias: str, parameters: Mapping[str, Any]) -> None:
    """Refuse connection parameters that differ from what the frozen decision says.

    Only the test databases of INT may have another name. Raises TierRefusedError naming what
    was changed. Spec: S1.4, S1.10.
    """
    expected = dict(_expected().get(alias, {}))
    if not expected:
        raise TierRefusedError(f"database alias {alias} is not declared")
    given = {key: str(value) for key, value in parameters.items() if key not in DJANGOS_OWN}
    if is_test_name(given.get("dbname", "")) and decision().tier is Tier.INT:
        expected.pop("dbname")
        given.pop("dbname")
    if changed := sorted(k for k in expected | given if expected.get(k) != given.get(k)):
        raise TierRefusedError(f"{', '.join(changed)} of database alias {alias} was changed")


def is_test_name(name: str) -> bool:
    """Whether a name marks a test database and is not a configured one."""
    return bool(TEST_NAME.fullmatch(name)) and name not in configured_names()


@cache
def configured_names() -> frozenset[str]:
    """Names of this tier's databases in every URL that the decision saw."""
    names = {location(decision()).name}
    for variable, urls in decision().urls:
        if "DATABASE_URL" in variable or "REPLICA_URLS" in variable:
            names.update(parse_location(url, variable).name for url in urls.split())
    return frozenset(names)


@cache
def _expected() -> dict[str, dict[str, str]]:
    return {
        alias: _parameters(values)
        for alias, values in database_settings(decision(), environ={}).items()
    }


def _parameters(values: Mapping[str, Any]) -> dict[str, str]:
    plain = {key: str(values[name]) for key, name in LIBPQ_KEYS.items() if values[name]}
    return plain | {key: str(value) for key, value in values["OPTIONS"].items()}


def _pool(environ: Mapping[str, str]) -> dict[str, Any] | None:
    # The supervisor asks for a pool in web processes only; workers keep one connection each.
    text = environ.get(POOL_VARIABLE, "").strip() or "0"
    if not text.isdecimal():
        raise TierRefusedError(f"{POOL_VARIABLE} must be a whole number")
    if not (size := int(text)):
        return None
    return {
        "min_size": min(2, size),
        "max_size": size,
        "timeout": POOL_TIMEOUT_SECONDS,
        "reconnect_timeout": RECONNECT_SECONDS,
    }


def valkey_urls(answer: Decision) -> ValkeyUrls:
    """Return the addresses of cache and broker, always different logical stores. Spec: S1.19."""
    name, cache_name = (answer.tier.variable(part) for part in ("VALKEY_URL", "CACHE_URL"))
    given, cache = answer.variable("VALKEY_URL"), answer.variable("CACHE_URL")
    if given is None and answer.tier is Tier.PROD:
        raise TierRefusedError(f"{name} is not set")
    found = _embedded_valkey(answer) if given is None else _beside(_plain(given, name))
    if cache is None:
        return found
    found = found._replace(cache=_plain(cache, cache_name))
    if _identity(found.cache) == _identity(found.broker):
        raise TierRefusedError(f"{cache_name} and {name} name the same store")
    return found


def _beside(broker: str) -> ValkeyUrls:
    """Return the broker's store and the one after it; 15 is a server's last by default."""
    store = _store(broker)
    return ValkeyUrls(_with_store(broker, store + 1 if store < LAST_STORE else store - 1), broker)


def _identity(url: str) -> tuple[str | None, int | None, int] | str:
    """Return what must differ between the stores; a socket's address is itself."""
    parts = urlsplit(url)
    if parts.hostname is None:
        return url
    return parts.hostname, parts.port or VALKEY_PORT, _store(url)


def _embedded_valkey(answer: Decision) -> ValkeyUrls:
    from instainstru.database import embedded

    servers = embedded.addresses(answer.tier.value, var_dir())
    return ValkeyUrls(servers.valkey_url(CACHE_STORE), servers.broker_url(BROKER_STORE))


def _plain(url: str, variable: str) -> str:
    parts = urlsplit(url)
    scheme = {"valkey": "redis", "valkeys": "rediss"}.get(parts.scheme, parts.scheme)
    if scheme not in {"redis", "rediss"} or not parts.hostname or "," in parts.netloc:
        raise TierRefusedError(f"{variable} is not a usable Valkey URL")
    if not parts.path.strip("/").isdecimal() and parts.path.strip("/"):
        raise TierRefusedError(f"{variable} must end in a store number")
    if "db=" in parts.query:
        raise TierRefusedError(f"{variable} names its store in the path, not as db=")
    return urlunsplit(parts._replace(scheme=scheme))


def _store(url: str) -> int:
    return int(urlsplit(url).path.strip("/") or 0)


def _with_store(url: str, store: int) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{store}"))
