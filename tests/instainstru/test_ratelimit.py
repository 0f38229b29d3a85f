"""The sliding window in both of its stores, with a clock that the test moves (Spec: S17.4)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection
from django.test import RequestFactory

from instainstru import ratelimit
from instainstru.errors import RateLimitedError
from instainstru.models import RateLimitWindow
from instainstru.ratelimit import Limit, count_use
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S17]

THREE = Limit("three", 3, timedelta(minutes=1))
STRICT = Limit("strict", 3, timedelta(minutes=1), is_strict=True)
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def without_valkey(_name):
    raise redis.exceptions.ConnectionError


@pytest.fixture(params=["valkey", "database"])
def store(request, monkeypatch):
    if request.param == "database":
        monkeypatch.setattr(ratelimit, "get_redis_connection", without_valkey)
    return request.param


def waits(key: str, seconds: float, limit: Limit = THREE) -> int:
    """Return the seconds to wait; 0 when the use was allowed."""
    try:
        count_use(limit, key, now=at(seconds))
    except RateLimitedError as refusal:
        return refusal.retry_after_seconds
    return 0


def test_the_window_slides(store):
    """Spec: S17.4."""
    assert [waits("sam", second) for second in (0, 20, 40)] == [0, 0, 0]
    assert waits("sam", 50) == 10
    assert waits("sam", 59.5) == 1
    assert waits("sam", 60.5) == 0
    assert waits("sam", 61) == 19
    assert waits("sam", 80.5) == 0
    assert RateLimitWindow.objects.exists() is (store == "database")


def test_refused_uses_do_not_prolong_the_wait(store):
    for second in range(3):
        waits("sam", second)
    assert all(waits("sam", second) for second in range(3, 60))
    assert waits("sam", 60.5) == 0


def test_keys_and_limits_have_their_own_windows(store):
    for second in range(3):
        waits("sam", second)
    assert waits("sam", 4) > 0
    assert waits("mia", 4) == 0
    assert waits("sam", 4, STRICT) == 0


def test_odd_keys_are_only_keys(store):
    for key in ("", "\x00", "é" * 5000, "a:b*?[c]", "user 1\nother"):
        assert waits(key, 0) == 0
        assert [waits(key, 1), waits(key, 2)] == [0, 0]
        assert waits(key, 3) > 0


def test_the_error_says_how_long_to_wait(store):
    """Spec: G6."""
    for second in range(3):
        waits("sam", second)
    with pytest.raises(RateLimitedError) as refusal:
        count_use(THREE, "sam", now=at(59.2))
    assert refusal.value.message == "Too many tries. Wait 1 second."
    assert refusal.value.status == 429


def test_the_database_forgets_windows_that_are_over(monkeypatch):
    monkeypatch.setattr(ratelimit, "get_redis_connection", without_valkey)
    for name in ("sam", "mia", "leo"):
        waits(name, 0)
    waits("kim", 61)
    assert RateLimitWindow.objects.count() == 1


def test_no_name_is_kept_in_the_database(monkeypatch):
    monkeypatch.setattr(ratelimit, "get_redis_connection", without_valkey)
    waits("address 203.0.113.7", 0)
    assert "203" not in RateLimitWindow.objects.get().key


class TestNeitherStore:
    @pytest.fixture(autouse=True)
    def _away(self, monkeypatch):
        def lost(*_):
            raise OperationalError

        monkeypatch.setattr(ratelimit, "get_redis_connection", without_valkey)
        monkeypatch.setattr(ratelimit, "_wait_in_database", lost)

    def test_usual_limits_allow(self):
        """Spec: S17.4."""
        assert [waits("sam", second) for second in range(9)] == [0] * 9

    def test_strict_limits_refuse(self):
        """Spec: S17.4."""
        with pytest.raises(OperationalError):
            count_use(STRICT, "sam", now=NOON)


@pytest.mark.django_db(transaction=True)
def test_parallel_uses_cannot_slip_through_together(store):
    """Spec: S17.4."""
    granted: list[int] = []

    def use(key: str) -> None:
        granted.append(waits(key, 0))
        connection.close()

    # The cache prefix of a test lives in its own thread: a key of this run keeps the threads apart.
    key = f"sam {datetime.now(UTC).timestamp()}"
    threads = [threading.Thread(target=use, args=[key]) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert granted.count(0) == 3


class TestKeys:
    def _request(self, user=None, **attributes):
        request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.7")
        request.user = user or AnonymousUser()
        for name, value in attributes.items():
            setattr(request, name, value)
        return request

    def test_a_person_has_one_window_everywhere(self):
        user = UserFactory()
        assert ratelimit.session_key_of(self._request(user)) == f"user {user.pk}"

    def test_a_guest_is_known_by_the_key_they_brought(self):
        key = ratelimit.session_key_of(self._request(guest_key="abc"))
        assert key == "guest abc"

    def test_a_new_key_or_none_counts_for_the_address(self):
        fresh = self._request(guest_key="abc", is_guest_key_new=True)
        assert ratelimit.session_key_of(fresh) == "address 203.0.113.7"
        assert ratelimit.session_key_of(self._request()) == "address 203.0.113.7"
