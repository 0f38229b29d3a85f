import json
from collections.abc import Callable

import psycopg
import pytest
from django.core.management import call_command

from instainstru.database import protection, stamp, tiers, verification
from instainstru.database.roles import Role
from tests.database.conftest import Decide, MakeDatabase

pytestmark = pytest.mark.S1

Connect = Callable[..., stamp.Connection]


@pytest.fixture
def shop(
    decide: Decide, make_database: MakeDatabase, url_of: Callable[..., str], connect: Connect
) -> str:
    name = make_database(None)
    urls = {f"STG_{role.suffix}": url_of(name, role) for role in Role}
    decision = decide({tiers.S: "1", **urls})
    protection.protect(decision)
    with connect(name, Role.MIGRATOR) as connection:
        connection.execute(
            "CREATE TABLE accounts_user (id int); INSERT INTO accounts_user SELECT 1"
        )
    protection.verify(decision)
    return name


def accepted(report: verification.Report) -> set[str]:
    return {probe.what for probe in report.probes if not probe.is_ok}


def test_every_forbidden_statement_is_refused_and_nothing_is_left(
    shop: str, connect: Connect
) -> None:
    """S1.25."""
    report = verification.verify(tiers.decision())
    assert report.is_ok, report
    assert len(report.probes) >= 30
    assert {probe.result for probe in report.probes} == {verification.REFUSED}
    assert {probe.role for probe in report.probes} == set(verification.ROLES)
    with connect(shop) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r'"
        ).fetchall()
        assert tables == [("accounts_user",)]
        assert connection.execute("SELECT count(*) FROM accounts_user").fetchone() == (1,)


@pytest.mark.parametrize(
    ("damage", "possible"),
    [
        ("GRANT CREATE ON SCHEMA public TO ii_app", "CREATE TABLE"),
        ("GRANT DELETE ON accounts_user TO ii_readonly", "DELETE"),
        ("GRANT INSERT ON instainstru_guard.unlock TO ii_migrator", "unlock the brakes"),
        ("DROP EVENT TRIGGER ii_brake_drop", "DROP TABLE"),
        ("DROP EVENT TRIGGER ii_brake_rewrite", "rewrite a table"),
        (
            (
                "CREATE OR REPLACE FUNCTION instainstru_guard.brake_on_many_rows()"
                " RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
            ),
            "DELETE of many rows",
        ),
    ],
)
def test_a_hole_is_found(damage: str, possible: str, shop: str, connect: Connect) -> None:
    """S1.25: the probes can fail."""
    with connect(shop) as connection:
        connection.execute(damage)
    report = verification.verify(tiers.decision())
    assert possible in accepted(report)
    assert not report.is_ok


def test_a_probe_waits_for_nobody(shop: str, connect: Connect) -> None:
    with connect(shop) as connection, connection.transaction():
        connection.execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
        assert verification.verify(tiers.decision()).is_ok


def test_the_command_prints_json_and_exits_by_the_result(
    shop: str, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("db_verify", json=True)
    assert json.loads(capsys.readouterr().out)["ok"] is True
    with connect(shop) as connection:
        connection.execute("DROP EVENT TRIGGER ii_brake_drop")
    with pytest.raises(SystemExit) as ending:
        call_command("db_verify")
    assert ending.value.code == 1
    assert "missing: event trigger ii_brake_drop" in capsys.readouterr().out


def test_another_tiers_database_is_not_probed(
    decide: Decide, make_database: MakeDatabase, url_of: Callable[..., str]
) -> None:
    decision = decide({"INT_DATABASE_URL": url_of(make_database("stg"))})
    with pytest.raises(stamp.StampError):
        verification.verify(decision)


def test_roles_without_url_are_named(decide: Decide, shop: str, url_of: Callable[..., str]) -> None:
    decision = decide({tiers.S: "1", "STG_DATABASE_URL": url_of(shop, Role.APP)})
    report = verification.verify(decision)
    assert report.is_ok
    assert report.skipped == [
        "ii_readonly: STG_READONLY_DATABASE_URL is not set",
        "ii_migrator: STG_MIGRATOR_DATABASE_URL is not set",
    ]


def test_no_role_of_ours_can_drop_a_database(shop: str, connect: Connect) -> None:
    """S1.13: what cannot be probed inside a transaction."""
    for role in (Role.APP, Role.READONLY, Role.MIGRATOR):
        with connect("postgres", role) as connection, pytest.raises(psycopg.Error):
            connection.execute(f"DROP DATABASE {shop}")
