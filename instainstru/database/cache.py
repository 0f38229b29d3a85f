"""The cache of one tier: every key ends some day, and clearing moves on instead of flushing.

Spec: S1.19.
"""

import time
from typing import Any, Final

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django_redis.cache import RedisCache
from django_redis.client import DefaultClient
from redis.exceptions import RedisError

LONGEST_SECONDS: Final = 30 * 24 * 3600
"""Lifetime of a key that asked for none: only keys with one may be evicted (`volatile-lfu`)."""
GENERATION_SECONDS: Final = 2 * LONGEST_SECONDS
"""The generation outlives every key of an earlier one."""
FRESH_SECONDS: Final = 5.0
"""How long a process may use a generation that another one has left."""


class TierClient(DefaultClient):  # type: ignore[misc]
    """Writes no key without a lifetime."""

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, **options: Any) -> Any:
        """Set a key; `timeout` in seconds, None meaning the longest."""
        return super().set(key, value, timeout=_lifetime(timeout), **options)

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, **options: Any) -> Any:
        """Set several keys with one lifetime."""
        return super().set_many(data, timeout=_lifetime(timeout), **options)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, **options: Any) -> Any:
        """Give a key a new lifetime."""
        return super().touch(key, timeout=_lifetime(timeout), **options)

    def persist(self, key: Any, **options: Any) -> Any:
        """Give a key the longest lifetime; none is kept for ever."""
        return super().touch(key, timeout=LONGEST_SECONDS, **options)


class TierCache(RedisCache):  # type: ignore[misc]
    """Clears by moving its generation, so that no flush touches anybody else's keys."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        self._generation, self._read_at, self._read_from = 1, float("-inf"), ""
        super().__init__(server, params)

    @property
    def version(self) -> int:
        """The generation, part of every key; read again every few seconds."""
        now, key = time.monotonic(), self._generation_key
        if key != self._read_from:
            self._generation, self._read_at, self._read_from = 1, float("-inf"), key
        if now - self._read_at > FRESH_SECONDS:
            self._read_at = now
            try:
                found = self.client.get_client().get(key)
            except RedisError:
                found = None
            self._generation = int(found or self._generation)
        return self._generation

    @version.setter
    def version(self, _value: int) -> None:
        # Django's base class sets what the settings say; the store knows better.
        self._read_at = float("-inf")

    def clear(self) -> None:
        """Leave every key behind; they end with their lifetimes."""
        try:
            client = self.client.get_client(write=True)
            with client.pipeline() as pipeline:
                pipeline.set(self._generation_key, self.version, nx=True)
                pipeline.incr(self._generation_key)
                pipeline.expire(self._generation_key, GENERATION_SECONDS)
                pipeline.execute()
        except RedisError:
            if not self._ignore_exceptions:
                raise
        self._read_at = float("-inf")

    @property
    def _generation_key(self) -> str:
        return f"{self.key_prefix}:generation"


def _lifetime(timeout: Any) -> Any:
    return LONGEST_SECONDS if timeout is None else timeout
