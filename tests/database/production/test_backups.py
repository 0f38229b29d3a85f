"""Backups of production, done as a server and a person do them. Spec: S19.1, S19.2, S1.18."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from instainstru.database import inspection, stamp, tiers
from instainstru.database.roles import Role
from tests.database.production.conftest import (
    MANAGE,
    MARKER,
    SKIP,
    Production,
    at_terminal,
    run,
)

pytestmark = [
    pytest.mark.S19,
    pytest.mark.S1,
    pytest.mark.slow,
    pytest.mark.xdist_group("production"),
]

BACKUP = [*MANAGE, "backup"]
PEOPLE = "SELECT count(*), count(*) FILTER (WHERE email = %s) FROM accounts_user"
TO_SESSIONS = [*MANAGE, "migrate", "sessions", "0001", "--verbosity", "0", *SKIP]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("backups")
    return {"BACKUP_DIR": str(folder), "BACKUP_KEY": "k" * 40}


@pytest.fixture(scope="module")
def made(production: Production, shelf: dict[str, str]) -> str:
    """The name of a backup that the server has made and proved."""
    outcome = run([*BACKUP, "create"], production.on_server(**shelf))
    assert outcome.code == 0, outcome.text
    outcome = run([*BACKUP, "verify"], production.on_server(**shelf))
    assert outcome.code == 0, outcome.text
    return json.loads(_listed(production, shelf)[-1])["name"]


def _listed(production: Production, shelf: dict[str, str]) -> list[str]:
    outcome = run([*BACKUP, "list", "--json"], production.on_server(**shelf))
    return [line for line in outcome.text.splitlines() if line.startswith("{")]


@pytest.fixture
def doomed(production: Production) -> Iterator[Production]:
    """Another production database with the same rows, some of which get lost."""
    made = replace(production, name="shop_lost")
    with production.admin("postgres") as connection:
        connection.execute(f"CREATE DATABASE {made.name} TEMPLATE {production.name}")
        connection.execute(f"GRANT CONNECT ON DATABASE {made.name} TO ii_app, ii_readonly")
    with made.admin() as connection:
        stamp._write(connection, stamp.read_evidence(connection), tiers.Tier.PROD)
        connection.execute("DELETE FROM accounts_user WHERE email = %s", [MARKER])
    yield made
    with production.admin("postgres") as connection:
        connection.execute(
            "UPDATE pg_database SET datistemplate = false WHERE datname LIKE 'shop_lost%'"
        )
        query = "SELECT datname FROM pg_database WHERE datname LIKE 'shop_lost%'"
        for (name,) in connection.execute(query).fetchall():
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_server_backs_up_and_proves(
    made: str, production: Production, shelf: dict[str, str]
) -> None:
    """S19.2: as ii_readonly; migrated and asked for its money on the scratch server."""
    lines = [json.loads(line) for line in _listed(production, shelf)]
    shown = next(line for line in lines if line["name"] == made)
    assert (shown["tier"], shown["row_count"] > 601) == ("prod", True)
    assert shown["verified_at"]
    archive = Path(shelf["BACKUP_DIR"], f"{made}.sealed").read_bytes()
    assert MARKER.encode() not in archive
    status = run([*MANAGE, "db_status", "--json"], production.on_server(**shelf))
    report, _ = json.JSONDecoder().raw_decode(status.text[status.text.index("{") :])
    assert report["last_backup"] == lines[0]["created_at"]
    assert report["last_verified_restore"] == shown["verified_at"]


def test_a_migration_of_production_is_preceded_by_a_backup(
    production: Production, shelf: dict[str, str], made: str
) -> None:
    """S19.1, 01 section 4: and does not run without."""
    count = len(_listed(production, shelf))
    outcome = run(TO_SESSIONS, production.on_server(Role.MIGRATOR, **shelf))
    assert outcome.code == 0, outcome.text
    assert "was made first" in outcome.text
    assert len(_listed(production, shelf)) == count + 1
    without = {**shelf, "BACKUP_KEY": ""}
    outcome = run(TO_SESSIONS, production.on_server(Role.MIGRATOR, **without))
    assert outcome.code == 1, outcome.text
    assert "migrate did not run: BACKUP_KEY" in outcome.text


def test_production_is_restored_by_a_person_who_means_it(
    made: str, doomed: Production, shelf: dict[str, str]
) -> None:
    """S1.18: rows shown, second phrase; the former database stays beside the restored one."""
    words = [*BACKUP, "restore", made]
    before = doomed.fingerprint()
    environ = doomed.by_hand(Role.ADMIN, **shelf)
    outcome = at_terminal(words, environ, doomed.name, "lost rows", "yes")
    assert outcome.code == 3, outcome.text
    assert doomed.fingerprint() == before
    answers = (doomed.name, "lost rows", f"DESTROY {doomed.name}")
    outcome = at_terminal(words, environ, *answers)
    assert outcome.code == 0, outcome.text
    assert "accounts_user: 600 rows" in outcome.text
    with doomed.admin() as connection:
        assert connection.execute(PEOPLE, [MARKER]).fetchone() == (601, 1)
        assert stamp.effective_tier(stamp.read_evidence(connection)) is tiers.Tier.PROD
        kept = "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop_lost_before_%'"
        assert connection.execute(kept).fetchone() == (1,)
        assert inspection.inspect(connection, tiers.Tier.PROD).differences == ()
