"""Liveness, readiness, and pages while the database is away. Spec: S16.1, S16.4, S16.5, G6."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.roles import Role
from bookings.notifications.models import OutgoingMail, OutgoingText
from instainstru import clock, health
from instainstru.database import tiers
from instainstru.database.backups import shelf
from instainstru.database.stamp import StampError
from tests.factories.accounts import VerifiedUserFactory

pytestmark = pytest.mark.S16

LOST = [OperationalError("server closed the connection"), InterfaceError("connection is closed")]


@contextmanager
def every_query_fails(error: Exception) -> Iterator[None]:
    def fail(*_: Any) -> NoReturn:
        raise error

    with connection.execute_wrapper(fail):
        yield


def test_healthz_answers_without_a_database(
    client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


def test_readyz_names_every_part(client: Client, db: None) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "tier": "int",
        "parts": {
            "database": "ok",
            "migrations": "ok",
            "cache": "ok",
            "broker": "ok",
            "search": "warn: lexical mode",
        },
    }


def test_readyz_says_nothing_of_search_that_has_its_vectors(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: S8.10"""
    from search import snapshot

    whole = replace(snapshot.load_snapshot(), vectors=object())
    monkeypatch.setattr(snapshot, "current_snapshot", lambda: whole)
    assert "search" not in client.get("/readyz").json()["parts"]


@pytest.mark.parametrize(("minutes", "said"), [(1, None), (7, "warn: 7 min late")])
def test_readyz_warns_of_mail_and_texts_that_wait(
    minutes: int, said: str | None, client: Client, db: None
) -> None:
    """R15: the lag of the outbox is a figure that operators see."""
    waiting_since = clock.now() - timedelta(minutes=minutes, seconds=1)
    OutgoingMail.objects.create(
        kind="test", to="a@example.com", subject="S", text="T", next_attempt_at=waiting_since
    )
    OutgoingText.objects.create(
        kind="test", to="+12125550123", text="T", next_attempt_at=waiting_since
    )
    parts = client.get("/readyz").json()["parts"]
    assert (parts.get("mail"), parts.get("texts")) == (said, said)


@pytest.mark.parametrize("part", list(health.PARTS))
def test_readyz_answers_503_and_names_the_failing_part(
    part: str, client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ConnectionError("10.0.0.7 refused")

    monkeypatch.setitem(health.PARTS, part, fail)
    response = client.get("/readyz")

    assert response.status_code == 503
    parts = response.json()["parts"]
    assert [name for name, state in parts.items() if state != "ok"] == [part]
    assert "10.0.0.7" not in response.content.decode()


@pytest.mark.parametrize(
    ("made", "proved", "late"),
    [
        (1, 1, set()),
        (27, 1, {"backup"}),
        (1, 27, {"verified restore"}),
        (1, None, {"verified restore"}),
        (None, None, {"backup", "verified restore"}),
    ],
)
def test_readyz_warns_of_late_backups_and_stays_ready(
    made: int | None,
    proved: int | None,
    late: set[str],
    client: Client,
    db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S16.1: older than 26 hours; INT has none to miss."""
    times = [
        None if hours is None else clock.now() - timedelta(hours=hours) for hours in (made, proved)
    ]
    monkeypatch.setattr(shelf, "newest_times", lambda _: tuple(times))
    assert "backup" not in client.get("/readyz").json()["parts"]
    on_stg = replace(tiers.decision(), tier=tiers.Tier.STG)
    monkeypatch.setattr(health.tiers, "decision", lambda: on_stg)
    assert {name for name, state in health._backup_warnings().items() if state == "warn"} == late


def test_readyz_looks_at_each_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CACHE_URL", "unix:///nowhere/cache.sock?db=1")
    monkeypatch.setattr(
        settings, "CELERY_BROKER_URL", "redis+socket:///nowhere/broker.sock?virtual_host=0"
    )

    for part in ("cache", "broker"):
        with pytest.raises(redis.ConnectionError, match="nowhere"):
            health.PARTS[part]()


@pytest.mark.parametrize("error", LOST, ids=["operational", "interface"])
@pytest.mark.parametrize("path", ["/lessons/", "/accounts/login/", "/i/nobody/", "/services/"])
def test_a_lost_database_is_503_with_retry_after_for_people_who_are_signed_in(
    path: str, error: Exception, client: Client, db: None
) -> None:
    """The session and the person are read before the view, whose errors are easier to catch."""
    client.raise_request_exception = False
    client.force_login(VerifiedUserFactory(role=Role.STUDENT))
    cache.clear()

    with every_query_fails(error):
        response = client.get(path)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert response["X-Request-ID"]
    assert response["X-DB-Tier"] == "INT"
    assert b"back in a moment" in response.content


def test_a_lost_database_is_503_where_the_view_alone_meets_it(client: Client, db: None) -> None:
    with every_query_fails(LOST[0]):
        response = client.get("/i/nobody/")

    assert (response.status_code, bool(response["Retry-After"])) == (503, True)


def test_a_refused_database_says_nothing_about_variables_to_visitors(
    client: Client, db: None
) -> None:
    """S1.10: what the gate says is for the operator's log."""
    refusal = StampError("INT_DATABASE_URL leads to database shop, which is stamped prod")

    with every_query_fails(refusal):
        response = client.get("/i/nobody/")

    assert response.status_code == 503
    assert response["Retry-After"]
    assert b"back in a moment" in response.content
    assert b"DATABASE_URL" not in response.content


def test_the_page_of_an_unforeseen_error_shows_the_request_id(client: Client, db: None) -> None:
    """S16.2."""
    client.raise_request_exception = False

    with every_query_fails(RuntimeError("a secret of the server")):
        response = client.get("/i/nobody/", headers={"X-Request-ID": "quote-this-01"})

    assert response.status_code == 500
    assert response["X-Request-ID"] == "quote-this-01"
    assert b"quote-this-01" in response.content
    assert b"secret" not in response.content
