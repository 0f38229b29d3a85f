from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.utils import ConnectionHandler

from instainstru.database import audit, gate, stamp, targets, tiers
from instainstru.database.backend.base import DatabaseWrapper
from instainstru.database.refusals import TierRefusedError
from tests.database.conftest import Decide, MakeDatabase

pytestmark = pytest.mark.S1

UrlOf = Callable[[str], str]
PROD = {tiers.P: "1", tiers.U: "1"}


@pytest.fixture
def open_wrapper(
    decide: Decide, django_db_blocker: Any
) -> Iterator[Callable[..., DatabaseWrapper]]:
    """Builds the engine's wrapper for an environment, as settings would."""
    wrappers: list[DatabaseWrapper] = []

    def open_wrapper(environ: dict[str, str], pool_size: str = "0") -> DatabaseWrapper:
        answer = decide(environ)
        settings = targets.database_settings(answer, {targets.POOL_VARIABLE: pool_size})
        values = ConnectionHandler(settings).settings["default"]
        wrappers.append(DatabaseWrapper(values, alias="default"))
        # Django's handlers of a new connection look it up by its alias.
        connections["default"] = wrappers[-1]
        return wrappers[-1]

    suite = connections["default"]
    before = dict(DatabaseWrapper._connection_pools)
    DatabaseWrapper._connection_pools.clear()
    with django_db_blocker.unblock():
        yield open_wrapper
    connections["default"] = suite
    for wrapper in wrappers:
        wrapper.close()
    for pool in DatabaseWrapper._connection_pools.values():
        pool.close()
    DatabaseWrapper._connection_pools.clear()
    DatabaseWrapper._connection_pools.update(before)


def one(wrapper: DatabaseWrapper, sql: str = "SELECT 1") -> Any:
    with wrapper.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.mark.parametrize("pool_size", ["0", "2"])
@pytest.mark.parametrize(
    ("environ", "variable", "stamped"),
    [
        ({}, "INT_DATABASE_URL", "prod"),
        ({}, "INT_DATABASE_URL", "stg"),
        ({}, "INT_DATABASE_URL", None),
        ({tiers.S: "1"}, "STG_DATABASE_URL", "prod"),
        ({tiers.S: "1"}, "STG_DATABASE_URL", "int"),
        (PROD, "PROD_DATABASE_URL", "int"),
        (PROD, "PROD_DATABASE_URL", "stg"),
        (PROD, "PROD_DATABASE_URL", None),
    ],
)
def test_another_tiers_database_is_refused_on_every_retry(
    environ: dict[str, str],
    variable: str,
    stamped: str | None,
    pool_size: str,
    make_database: MakeDatabase,
    url_of: UrlOf,
    open_wrapper: Callable[..., DatabaseWrapper],
    audit_log: Path,
) -> None:
    """S1.10: both directions, pooled or not, and again on each retry."""
    name = make_database(stamped)
    wrapper = open_wrapper({**environ, variable: url_of(name)}, pool_size)
    for _ in range(3):
        with pytest.raises(TierRefusedError):
            one(wrapper)
        assert wrapper.connection is None
    denied = [line for line in audit.tail(9, audit_log) if line["result"] == "denied"]
    assert len(denied) == 3


def test_a_refused_connection_that_stayed_open_is_refused_again(
    connect: Callable[[str], stamp.Connection], make_database: MakeDatabase, decide: Decide
) -> None:
    """S1.10: being turned away never counts as having been looked at."""
    decision = decide({})
    with connect(make_database("stg")) as connection:
        for _ in range(2):
            with pytest.raises(gate.TierMismatchError, match="stamped stg"):
                gate.admit(connection, decision, "default")


@pytest.mark.parametrize("pool_size", ["0", "2"])
@pytest.mark.parametrize(
    ("environ", "variable", "stamped"),
    [
        ({}, "INT_DATABASE_URL", "int"),
        ({tiers.S: "1"}, "STG_DATABASE_URL", "stg"),
        (PROD, "PROD_DATABASE_URL", "prod"),
    ],
)
def test_the_tiers_own_database_is_admitted_and_audited_once(
    environ: dict[str, str],
    variable: str,
    stamped: str,
    pool_size: str,
    make_database: MakeDatabase,
    url_of: UrlOf,
    open_wrapper: Callable[..., DatabaseWrapper],
    audit_log: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "_audited", set())
    wrapper = open_wrapper({**environ, variable: url_of(make_database(stamped))}, pool_size)
    for _ in range(3):
        assert one(wrapper) == 1
        wrapper.close()
    lines = audit.tail(9, audit_log)
    assert [line["action"] for line in lines] == ["connect default"]
    assert lines[0]["tier_found"] == stamped


def test_a_pooled_connection_is_verified_once(
    make_database: MakeDatabase,
    url_of: UrlOf,
    open_wrapper: Callable[..., DatabaseWrapper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S1.10: a pool calls the gate per checkout; the evidence is read per connection."""
    reads: list[object] = []
    read = gate.read_evidence
    monkeypatch.setattr(gate, "read_evidence", lambda c: reads.append(c) or read(c))
    wrapper = open_wrapper({"INT_DATABASE_URL": url_of(make_database("int"))}, "1")
    for _ in range(4):
        one(wrapper)
        wrapper.close()
    assert len(reads) == 1


def test_without_the_gate_the_wrong_database_would_be_used(
    make_database: MakeDatabase,
    url_of: UrlOf,
    open_wrapper: Callable[..., DatabaseWrapper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tests above can fail: without verification nothing else stops this."""
    monkeypatch.setattr(gate, "admit", lambda *_: None)
    wrapper = open_wrapper({"INT_DATABASE_URL": url_of(make_database("prod"))})
    assert one(wrapper) == 1


@pytest.mark.parametrize(
    "edit",
    [
        {"NAME": "postgres"},
        {"NAME": "test_x host=elsewhere"},
        {"HOST": "db.example"},
        {"PORT": "1"},
        {"USER": "somebody"},
        {"PASSWORD": "guess"},
        {"OPTIONS": {"hostaddr": "10.0.0.1"}},
        {"OPTIONS": {"service": "prod"}},
        {"OPTIONS": {"options": "-c role=x"}},
        {"OPTIONS": {"assume_role": "postgres"}},
    ],
)
def test_settings_edited_at_run_time_are_refused(
    edit: dict[str, Any],
    make_database: MakeDatabase,
    url_of: UrlOf,
    open_wrapper: Callable[..., DatabaseWrapper],
) -> None:
    """S1.4: only the frozen decision aims a connection."""
    wrapper = open_wrapper({"INT_DATABASE_URL": url_of(make_database("int"))})
    wrapper.settings_dict.update(edit)
    for _ in range(3):
        with pytest.raises(TierRefusedError, match="was changed"):
            one(wrapper)


def test_an_undeclared_alias_is_refused(
    make_database: MakeDatabase, url_of: UrlOf, open_wrapper: Callable[..., DatabaseWrapper]
) -> None:
    """S1.11."""
    wrapper = open_wrapper({"INT_DATABASE_URL": url_of(make_database("int"))})
    other = DatabaseWrapper({**wrapper.settings_dict}, alias="prod")
    with pytest.raises(TierRefusedError, match="not declared"):
        other.connect()


def test_aiming_variables_set_later_are_dropped_before_connecting(
    make_database: MakeDatabase,
    url_of: UrlOf,
    open_wrapper: Callable[..., DatabaseWrapper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S1.4: PGHOSTADDR, a service file."""
    wrapper = open_wrapper({"INT_DATABASE_URL": url_of(make_database("int"))})
    monkeypatch.setenv("PGHOSTADDR", "10.255.255.1")
    monkeypatch.setenv("PGSERVICE", "prod")
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_isolation=serializable")
    assert one(wrapper, "SHOW default_transaction_isolation") == "read committed"


def test_prod_is_read_only_until_a_command_earned_writing(
    make_database: MakeDatabase,
    url_of: UrlOf,
    open_wrapper: Callable[..., DatabaseWrapper],
) -> None:
    """S1.17: a script that only sets up Django reads."""
    wrapper = open_wrapper({**PROD, "PROD_DATABASE_URL": url_of(make_database("prod"))})
    assert one(wrapper, "SHOW transaction_read_only") == "on"
    for attempt in (
        "SET default_transaction_read_only = off",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ/**/WRITE",
        "SELECT set_config($$transaction_read_only$$, $$off$$, false)",
        "SELECT 1; RESET ALL",
        "DISCARD ALL",
        "DO $$BEGIN EXECUTE 'SET transaction_' || 'read_' || 'only = off'; END$$",
        "SET ROLE postgres",
        'SET U&"\\0064efault_transaction_read\\005fonly" = off',
    ):
        with pytest.raises(TierRefusedError, match="read-only"):
            one(wrapper, attempt)
        with pytest.raises(TierRefusedError, match="read-only"):
            wrapper.connection.execute(attempt)
    assert one(wrapper, "SHOW transaction_read_only") == "on"


def test_this_suite_runs_on_the_projects_engine() -> None:
    assert isinstance(connections["default"], DatabaseWrapper)
