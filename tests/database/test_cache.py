from typing import Any

import pytest
from django.core.cache import cache, caches
from django_redis import get_redis_connection

from instainstru.database import cache as tier_cache
from instainstru.database.valkey import TIER_KEY

pytestmark = pytest.mark.S1


def lifetime(key: str) -> int:
    return int(get_redis_connection("default").ttl(cache.make_key(key)))


@pytest.mark.parametrize("timeout", [None, 60, 300])
def test_every_cache_key_has_a_lifetime(timeout: int | None, db: None) -> None:
    """S1.19: volatile-lfu evicts only what has one."""
    ways = {
        "set": lambda: cache.set("set", 1, timeout=timeout),
        "add": lambda: cache.add("add", 1, timeout=timeout),
        "set_many": lambda: cache.set_many({"set_many": 1}, timeout=timeout),
        "get_or_set": lambda: cache.get_or_set("get_or_set", 1, timeout=timeout),
        "touch": lambda: (cache.set("touch", 1), cache.touch("touch", timeout=timeout)),
        "persist": lambda: (cache.set("persist", 1), cache.persist("persist")),
    }
    for key, write in ways.items():
        write()
        assert 0 < lifetime(key) <= tier_cache.LONGEST_SECONDS, key


def test_clearing_forgets_this_cache_and_flushes_nothing(db: None) -> None:
    """S1.19: by moving the key version."""
    store: Any = get_redis_connection("default")
    store.set("somebody:else", "stays", ex=60)
    cache.set("shown", "before")
    cache.clear()
    assert cache.get("shown") is None
    assert store.get("somebody:else") == b"stays"
    cache.set("shown", "after")
    assert cache.get("shown") == "after"


def test_another_process_follows_within_seconds(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    other = caches.create_connection("default")
    other.key_prefix = cache.key_prefix
    cache.set("shown", "before")
    assert other.get("shown") == "before"
    cache.clear()
    monkeypatch.setattr(tier_cache, "FRESH_SECONDS", -1.0)
    assert other.get("shown") is None


def test_keys_carry_the_tier_and_the_tier_key_is_none_of_them(settings: Any) -> None:
    """S1.19: key prefix per tier."""
    assert settings.CACHES["default"]["KEY_PREFIX"] == "ii:int"
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    assert options["global_keyprefix"] == "ii:int:broker:"
    assert not TIER_KEY.startswith("ii:")
