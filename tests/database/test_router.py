from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.db import router as django_router
from django.http import HttpRequest, HttpResponse
from django.utils.connection import ConnectionDoesNotExist

from instainstru.database import classes, router, session, targets, tiers
from instainstru.database.classes import CommandClass
from instainstru.database.middleware import OWN_WRITES_SECONDS, ReplicaMiddleware
from instainstru.database.router import ReadOnlyProcessError, TierRouter, UndeclaredAliasError
from tests.database.conftest import Decide

pytestmark = pytest.mark.S1

URL = "postgresql://ii_app:one@db.example/shop"
READER = "postgresql://ii_readonly:two@db.example/shop"
REPLICAS = (
    "postgresql://ii_readonly@r1.example/shop?sslmode=require postgresql://ii_app@r2.example/shop"
)


def item(alias: str) -> ContentType:
    found = ContentType(app_label="shop", model="thing")
    found._state.db = alias
    return found


def test_reads_and_writes_go_to_default() -> None:
    """S1.11."""
    assert django_router.db_for_read(ContentType) == "default"
    assert django_router.db_for_write(ContentType) == "default"


def test_an_object_of_an_undeclared_alias_is_refused() -> None:
    """S1.11: before any SQL."""
    for choose in (TierRouter().db_for_read, TierRouter().db_for_write):
        with pytest.raises(UndeclaredAliasError):
            choose(ContentType, instance=item("prod"))
    assert not TierRouter().allow_relation(item("prod"), ContentType())
    assert TierRouter().allow_relation(ContentType(), item("reports"))


def test_an_undeclared_alias_cannot_be_used() -> None:
    """S1.23: `using()`."""
    with pytest.raises(ConnectionDoesNotExist):
        ContentType.objects.using("prod").count()


@pytest.mark.parametrize("kind", list(CommandClass))
def test_migrations_need_a_command_that_the_wrapper_let_through(
    kind: CommandClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.23: not from a shell, a server or a bare script, and on `default` only."""
    monkeypatch.setattr(targets, "is_test_name", lambda _: False)
    rules = TierRouter()
    assert not rules.allow_migrate("default", "catalog")
    with classes.running("some", kind):
        refused = {CommandClass.SHELL, CommandClass.SERVER, CommandClass.MAINTENANCE}
        assert rules.allow_migrate("default", "catalog") is (kind not in refused)
        for alias in ("prod", "reports", "replica1"):
            assert not rules.allow_migrate(alias, "catalog")


def test_test_databases_are_free_to_migrate(db: None) -> None:
    assert TierRouter().allow_migrate("default", "catalog")


# --- reports -------------------------------------------------------------------------------------
def test_reports_is_the_same_database_as_the_reading_role(decide: Decide) -> None:
    """S1.23."""
    answer = decide({"INT_DATABASE_URL": URL, "INT_READONLY_DATABASE_URL": READER})
    found = targets.database_settings(answer, {targets.POOL_VARIABLE: "4"})
    assert list(found) == ["default", "reports"]
    assert found["reports"]["USER"] == "ii_readonly"
    assert found["reports"]["NAME"] == found["default"]["NAME"]
    assert "pool" not in found["reports"]["OPTIONS"]


def test_reports_cannot_write_whatever_is_tried() -> None:
    """S1.23: role, session and cursor each forbid it."""
    parameters = connections["reports"].get_connection_params()
    assert parameters["user"] == "ii_readonly"
    assert parameters["options"] == session.READ_ONLY_OPTION
    assert parameters["cursor_factory"] is session.ReadOnlyCursor


def test_in_tests_reports_is_the_transaction_of_the_test(db: None) -> None:
    assert router.reports() == "default"
    assert connections["reports"].settings_dict["NAME"].startswith("test_")


def test_elsewhere_reports_has_its_own_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "is_test_name", lambda _: False)
    assert router.reports() == "reports"


# --- a process that only reads -------------------------------------------------------------------
def test_a_write_in_a_read_only_process_is_refused_before_any_sql(decide: Decide) -> None:
    """S1.23: no connection is even tried; nowhere.invalid would not answer."""
    decide({tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/x"})
    attempts: list[Callable[[], object]] = [
        lambda: ContentType.objects.create(app_label="a", model="b"),
        lambda: ContentType.objects.filter(pk=1).update(model="c"),
        lambda: ContentType.objects.filter(pk=1).delete(),
        lambda: ContentType.objects.bulk_create([ContentType(app_label="a", model="b")]),
        item("default").save,
    ]
    for attempt in attempts:
        for _ in range(3):
            with pytest.raises(ReadOnlyProcessError):
                attempt()


def test_without_the_router_the_write_would_reach_the_server(
    decide: Decide, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """The test above can fail: the next layer is the connection itself."""
    decide({tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/x"})
    monkeypatch.setattr(django_router, "routers", [])
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        ContentType.objects.create(app_label="a", model="b")


# --- replicas ------------------------------------------------------------------------------------
@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setattr(router, "_replicas", lambda: ("replica1", "replica2"))
    monkeypatch.setattr(router, "declared", lambda: {"default", "replica1", "replica2"})
    return {"replica1", "replica2"}


def reads(count: int = 4, **hints: Any) -> set[str]:
    return {django_router.db_for_read(ContentType, **hints) for _ in range(count)}


def test_replicas_are_declared_with_their_own_credentials(decide: Decide) -> None:
    """S1.11, S1.23."""
    answer = decide({"INT_DATABASE_URL": URL, "INT_REPLICA_URLS": REPLICAS})
    found = targets.database_settings(answer, {})
    assert [found[f"replica{n}"]["HOST"] for n in (1, 2)] == ["r1.example", "r2.example"]
    assert all(found[alias]["TEST"] == {"MIRROR": "default"} for alias in list(found)[1:])


def test_a_replica_of_another_database_is_refused(decide: Decide) -> None:
    answer = decide({"INT_DATABASE_URL": URL, "INT_REPLICA_URLS": "postgresql://a@r.example/other"})
    with pytest.raises(tiers.TierRefusedError, match="INT_REPLICA_URLS"):
        targets.database_settings(answer, {})


def test_reads_of_a_request_are_spread_over_replicas(replicas: set[str]) -> None:
    """S1.23."""
    assert reads() == {"default"}
    with router.reading_from_replicas():
        assert reads() == replicas
    assert reads() == {"default"}


def test_after_a_write_a_request_reads_what_it_wrote(replicas: set[str]) -> None:
    """Also through objects that came from a replica before."""
    with router.reading_from_replicas():
        assert django_router.db_for_write(ContentType) == "default"
        assert reads() == {"default"}
        assert reads(instance=item("replica1")) == {"default"}
    with router.reading_from_replicas():
        assert reads() == replicas


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_reads_stay_on_default(replicas: set[str]) -> None:
    with router.reading_from_replicas():
        with transaction.atomic():
            assert reads() == {"default"}
        assert reads() == replicas


def test_the_middleware_serves_requests_only_where_replicas_are(decide: Decide) -> None:
    decide({"INT_DATABASE_URL": URL, "INT_REPLICA_URLS": REPLICAS})
    seen: list[object] = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(router._request.get())
        return HttpResponse()

    ReplicaMiddleware(view)(HttpRequest())
    assert seen[0] is not None
    assert router._request.get() is None


def test_who_has_just_written_reads_from_the_primary_for_a_while(
    replicas: set[str], decide: Decide, time_machine: Any
) -> None:
    """The page behind a form shows what the form did, also while replicas are late."""
    decide({"INT_DATABASE_URL": URL, "INT_REPLICA_URLS": REPLICAS})
    time_machine.move_to(datetime(2026, 11, 26, 12, tzinfo=UTC))
    seen: list[set[str]] = []

    def view(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            django_router.db_for_write(ContentType)
        seen.append(reads())
        return HttpResponse()

    middleware, form, page = ReplicaMiddleware(view), HttpRequest(), HttpRequest()
    form.method = "POST"
    answer = middleware(form)
    page.COOKIES = {name: cookie.value for name, cookie in answer.cookies.items()}
    assert not middleware(page).cookies
    time_machine.shift(OWN_WRITES_SECONDS + 1)
    middleware(page)
    forged = HttpRequest()
    forged.COOKIES = dict.fromkeys(answer.cookies, "1")
    middleware(forged)
    assert seen == [{"default"}, {"default"}, replicas, replicas]


def test_a_page_that_is_kept_is_made_from_the_primary(replicas: set[str], decide: Decide) -> None:
    decide({"INT_DATABASE_URL": URL, "INT_REPLICA_URLS": REPLICAS})
    seen: list[set[str]] = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(reads())
        return HttpResponse()

    request = HttpRequest()
    request.page_versions = []  # type: ignore[attr-defined]
    ReplicaMiddleware(view)(request)
    assert seen == [{"default"}]
