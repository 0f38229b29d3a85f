"""The tier of a Valkey store: a key inside it that every server process compares with its own.

Spec: S1.19, S1.20.
"""

import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import redis

from instainstru.database import audit, targets
from instainstru.database.refusals import TierRefusedError
from instainstru.database.tiers import Decision

TIER_KEY: Final = "instainstru:tier"
SECONDS: Final = 1.0
LONGEST_WAIT: Final = 5.0
PROBES: Final = {
    "FLUSHALL": ("FLUSHALL", "PROBE"),
    "FLUSHDB": ("FLUSHDB", "PROBE"),
    "KEYS": ("KEYS", "instainstru:probe"),
    "CONFIG": ("CONFIG", "GET", "instainstru-probe"),
    "DEBUG": ("DEBUG", "HELP"),
}
"""Commands that production's user lacks, in a form that does nothing where it is allowed."""


class StoreRefusedError(TierRefusedError):
    """A Valkey store belongs to another tier than the process."""

    code = "store"


def require_tier(decision: Decision) -> None:
    """Compare the tier key of both stores with the decision; an empty store is claimed.

    Raises StoreRefusedError for another tier's store and redis.ConnectionError without an answer.
    """
    for name, url in targets.valkey_urls(decision)._asdict().items():
        with _client(url) as client:
            client.set(TIER_KEY, decision.tier.value, nx=True)
            found = str(client.get(TIER_KEY))
        if found != decision.tier.value:
            error = StoreRefusedError(
                f"{decision.tier.variable('VALKEY_URL')} leads to a {name} store of tier {found}"
            )
            audit.record_refusal(
                f"store {name}", error, tier_wanted=decision.tier.value, tier_found=found
            )
            raise error


def wait_for_tier(decision: Decision) -> None:
    """As `require_tier`, but wait for stores that do not answer yet: a worker has nothing else."""
    wait = SECONDS
    while True:
        try:
            return require_tier(decision)
        except (redis.ConnectionError, redis.TimeoutError):
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def probe_rights(decision: Decision) -> Iterator[tuple[str, str, str]]:
    """Try what production's Valkey user may not do; yields user, command and result."""
    with _client(targets.valkey_urls(decision).broker) as client:
        for what, command in PROBES.items():
            try:
                client.execute_command(*command)
            except redis.exceptions.NoPermissionError:
                result = "refused"
            except redis.exceptions.ResponseError as error:
                is_off = what == "DEBUG" and "not allowed" in str(error)
                result = "refused" if is_off else "ACCEPTED"
            else:
                result = "ACCEPTED"
            yield "valkey", what, result


def plain_url(url: str) -> str:
    """Return the client's form of a broker address: sockets are written differently there."""
    if not url.startswith("redis+socket://"):
        return url
    parts = urlsplit(url)
    database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
    return f"unix://{parts.path}?db={database}"


def _client(url: str) -> Any:
    return redis.Redis.from_url(
        plain_url(url),
        socket_connect_timeout=SECONDS,
        socket_timeout=SECONDS,
        decode_responses=True,
    )
