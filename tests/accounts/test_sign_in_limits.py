"""Wrong passwords: what an account and an address may try, and what is kept of it."""

import threading
from datetime import timedelta

import pytest
import redis
import time_machine
from axes.models import AccessAttempt, AccessFailureLog
from django.core.management import call_command
from django.db import OperationalError, close_old_connections
from django.db.models import Sum
from django.test import Client

from accounts.sign_in_limits import forget_old_failures, normalized_email
from instainstru import clock, ratelimit
from tests.factories.accounts import VerifiedUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S17]

PASSWORD, WRONG = "quiet-harbor-lamp", "another-harbor-lamp"
EMAIL = "maya@example.com"


@pytest.fixture(autouse=True)
def cheap_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def moving_clock():
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as moved:
        yield moved


def sign_in(password: str = WRONG, email: str = EMAIL, address: str = "203.0.113.7", **more):
    return Client(REMOTE_ADDR=address).post(
        "/accounts/login/", {"login": email, "password": password}, **more
    )


def statuses(count: int, **options: str) -> list[int]:
    return [sign_in(**options).status_code for _ in range(count)]


# --- Account --------------------------------------------------------------------------------------
@pytest.mark.parametrize("exists", [True, False])
def test_the_sixth_try_in_15_minutes_has_to_wait(moving_clock, exists: bool) -> None:
    """Spec: S17.2, G6."""
    if exists:
        VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    assert statuses(5) == [422] * 5
    moving_clock.shift(60)
    refused = sign_in(PASSWORD)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "840"
    assert "Wait 840 seconds" in refused.content.decode()


def test_the_window_slides(moving_clock) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    for _ in range(5):
        assert sign_in().status_code == 422
        moving_clock.shift(180)
    assert sign_in().status_code == 422, "the first is 15 minutes old"
    assert sign_in(PASSWORD).status_code == 429
    moving_clock.shift(180)
    assert sign_in(PASSWORD).status_code == 302


def test_refused_tries_do_not_prolong_the_wait(moving_clock) -> None:
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    statuses(5)
    moving_clock.shift(14 * 60)
    assert statuses(5) == [429] * 5
    moving_clock.shift(60)
    assert sign_in(PASSWORD).status_code == 302


def test_a_success_starts_anew(moving_clock) -> None:
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    assert statuses(4) == [422] * 4
    assert sign_in(PASSWORD).status_code == 302
    assert statuses(5) == [422] * 5
    assert sign_in(PASSWORD).status_code == 429


def test_every_spelling_is_the_same_account_and_every_address_counts(moving_clock) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    spellings = ["Maya@Example.com", " maya@example.com ", "MAYA@EXAMPLE.COM", EMAIL, EMAIL]
    for number, email in enumerate(spellings):
        assert sign_in(email=email, address=f"198.51.{number}.7").status_code == 422
    assert sign_in(PASSWORD, address="192.0.2.1").status_code == 429
    assert sign_in(email="leo@example.com").status_code == 422


@pytest.mark.parametrize("text", ["\x00", "ｍａｙａ@example.com\x00", "ß" * 300])
def test_odd_spellings_are_safe_for_the_database(text: str) -> None:
    plain = normalized_email(text)
    assert "\x00" not in plain
    assert len(plain) <= 255


def test_an_inactive_account_counts_like_a_wrong_password(moving_clock) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email=EMAIL, password=PASSWORD, is_active=False)
    assert statuses(5, password=PASSWORD) == [422] * 5
    assert sign_in(PASSWORD).status_code == 429


def test_operators_can_let_an_account_in_again(moving_clock) -> None:
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    statuses(5)
    call_command("axes_reset_username", EMAIL)
    assert sign_in(PASSWORD).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_wrong_tries_count_as_twenty() -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    barrier = threading.Barrier(20)
    answers: list[int] = []

    def attempt(number: int) -> None:
        try:
            barrier.wait()
            answers.append(sign_in(address=f"198.51.{number}.7").status_code)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 20
    assert set(answers) <= {422, 429}
    assert AccessFailureLog.objects.filter(username=EMAIL).count() == 20
    assert AccessAttempt.objects.aggregate(n=Sum("failures_since_start"))["n"] == 20
    assert sign_in(PASSWORD).status_code == 429


# --- Address --------------------------------------------------------------------------------------
def different_accounts(count: int, address: str = "203.0.113.7") -> list[int]:
    return [
        sign_in(email=f"p{number}@example.com", address=address).status_code
        for number in range(count)
    ]


@pytest.mark.parametrize("is_valkey_away", [False, True])
def test_an_address_fails_20_times_in_15_minutes(moving_clock, monkeypatch, is_valkey_away) -> None:
    """Spec: S17.2, S17.4."""
    if is_valkey_away:
        monkeypatch.setattr(ratelimit, "get_redis_connection", lost_valkey)
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    assert different_accounts(20) == [422] * 20
    refused = sign_in(PASSWORD)
    assert (refused.status_code, refused["Retry-After"]) == (429, "900")
    assert sign_in(PASSWORD, address="203.0.113.8").status_code == 302
    moving_clock.shift(901)
    assert sign_in(PASSWORD).status_code == 302


@pytest.mark.parametrize("is_valkey_away", [False, True])
def test_successes_and_empty_forms_are_no_failures_of_an_address(
    moving_clock, monkeypatch, is_valkey_away
) -> None:
    if is_valkey_away:
        monkeypatch.setattr(ratelimit, "get_redis_connection", lost_valkey)
    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    assert statuses(15, password=PASSWORD) == [302] * 15
    assert statuses(15, password="") == [422] * 15
    assert different_accounts(20) == [422] * 20


def test_an_ipv6_network_is_one_address(moving_clock) -> None:
    for number in range(20):
        sign_in(email=f"p{number}@example.com", address=f"2001:db8:1:2::{number:x}")
    assert sign_in(address="2001:db8:1:2:ffff::1").status_code == 429
    assert sign_in(address="2001:db8:1:3::1").status_code == 422


def lost_valkey(_name: str) -> None:
    raise redis.exceptions.ConnectionError


def test_nothing_is_tried_when_nothing_can_count(monkeypatch) -> None:
    """Spec: S17.2."""

    def lost(*_: object) -> None:
        raise OperationalError

    VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    monkeypatch.setattr(ratelimit, "get_redis_connection", lost_valkey)
    monkeypatch.setattr(ratelimit, "_wait_in_database", lost)
    answer = sign_in(PASSWORD)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


# --- What is kept ---------------------------------------------------------------------------------
def test_kept_rows_name_networks_and_no_password(moving_clock) -> None:
    """Spec: 02 section 1."""
    sign_in("secret-guess", address="203.0.113.77")
    sign_in("secret-guess", address="2001:db8:1:2:3:4:5:6", email="leo@example.com")
    attempts = AccessAttempt.objects.order_by("pk")
    assert [row.ip_address for row in attempts] == ["203.0.113.0", "2001:db8:1::"]
    assert AccessFailureLog.objects.filter(ip_address="203.0.113.0").exists()
    assert "secret-guess" not in str(list(attempts.values()))


def test_failures_are_deleted_after_a_day(moving_clock) -> None:
    """Spec: 02 section 1."""
    sign_in()
    now = clock.now()
    assert forget_old_failures(now + timedelta(hours=24)) == 0
    assert forget_old_failures(now + timedelta(hours=24, seconds=1)) == 2
    assert not AccessFailureLog.objects.exists()


def test_logs_name_no_account(caplog, moving_clock) -> None:
    """Spec: S6.13."""
    statuses(6)
    assert EMAIL not in caplog.text


# --- Sign-up and reset ----------------------------------------------------------------------------
def register(number: int, address: str = "203.0.113.7", **changes: str):
    data = {"email": f"n{number}@example.com", "first_name": "Noa", "last_name": "Berg",
            "password1": PASSWORD, "terms": "on", **changes}  # fmt: skip
    return Client(REMOTE_ADDR=address).post("/accounts/signup/", data)


def test_an_address_makes_ten_accounts_an_hour() -> None:
    """Spec: S17.4."""
    assert register(99, password1="short").status_code == 422, "bad input does not count"
    assert {register(number).status_code for number in range(10)} == {302}
    assert register(10).status_code == 429
    assert register(10, address="198.51.100.1").status_code == 302


@pytest.mark.parametrize("exists", [True, False])
def test_an_address_gets_five_codes_an_hour(exists: bool) -> None:
    if exists:
        VerifiedUserFactory(email="n1@example.com")
    answers = [register(1, address=f"198.51.{number}.1").status_code for number in range(6)]
    assert answers == [302] * 5 + [429]


def reset(email: str, address: str = "203.0.113.7") -> int:
    data = {"email": email}
    return Client(REMOTE_ADDR=address).post("/accounts/password/reset/", data).status_code


@pytest.mark.parametrize("exists", [True, False])
def test_an_account_is_reset_five_times_an_hour(exists: bool) -> None:
    """Spec: S17.4, S17.2."""
    if exists:
        VerifiedUserFactory(email=EMAIL, password=PASSWORD)
    answers = [reset(EMAIL, f"198.51.{number}.1") for number in range(5)]
    assert answers == [302] * 5
    assert reset(" MAYA@example.com", "192.0.2.1") == 429
    assert reset("leo@example.com") == 302


def test_an_address_asks_for_20_resets_an_hour() -> None:
    """Spec: S17.4."""
    assert reset("nonsense") == 422
    assert {reset(f"p{number}@example.com") for number in range(20)} == {302}
    assert reset("leo@example.com") == 429
