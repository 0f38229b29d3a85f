"""A restored dump of production: refused everywhere, until its people are replaced. Spec: S1.9."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from instainstru.database import embedded, tiers
from instainstru.database.programs import client_program
from instainstru.database.roles import Role
from tests.database.production.conftest import MANAGE, MARKER, Production, run

pytestmark = [pytest.mark.S1, pytest.mark.slow, pytest.mark.xdist_group("production")]

COPY, BESIDE = "shop_copy", "shop_beside"
READ = (
    "from accounts.models import User;"
    f"print('people', User.objects.count(), User.objects.filter(email='{MARKER}').count())"
)


@pytest.fixture(scope="module")
def copy(production: Production, server: embedded.EmbeddedServers) -> Iterator[dict[str, str]]:
    """The environment of STG aimed at a dump of production on another server."""
    where = ["--host", server.database_host, "--username", server.database_user]
    with psycopg.connect(
        host=server.database_host, user=server.database_user, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {COPY}")
        source = ["--host", production.server.database_host, "--username", "postgres"]
        dump = subprocess.run(
            [client_program("pg_dump"), "--format=custom", *source, production.name],
            check=True,
            capture_output=True,
        ).stdout
        subprocess.run(
            [client_program("pg_restore"), "--exit-on-error", *where, "--dbname", COPY],
            input=dump,
            check=True,
        )
        yield _environ(production, server, COPY)
        connection.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


def _environ(production: Production, server: embedded.EmbeddedServers, name: str) -> dict[str, str]:
    environ = {k: v for k, v in production.environ().items() if not k.startswith("PROD_")}
    for role in Role:
        user = "postgres" if role is Role.ADMIN else role.value
        url = f"postgresql://{user}@/{name}?host={server.database_host}"
        environ[f"STG_{role.suffix}"] = url
    return {**environ, tiers.S: "true", "STG_VALKEY_URL": "redis://127.0.0.1:9/0"}


RESTAMP = [*MANAGE, "db_protect", "--restamp", "stg", "--anonymise"]


def test_a_dump_of_production_serves_for_tests_only_without_its_people(
    copy: dict[str, str], production: Production
) -> None:
    """Refused, replaced with its brakes on, stamped, protected, used."""
    before = production.fingerprint()
    outcome = run([*MANAGE, "shell", "-c", READ], copy)
    assert outcome.code == 3, outcome.text
    assert "is a copy of a prod database" in outcome.text
    outcome = run(RESTAMP, copy)
    assert outcome.code == 0, outcome.text
    assert "accounts_user: 601 rows replaced" in outcome.text
    outcome = run([*MANAGE, "db_protect"], copy)
    assert outcome.code == 0, outcome.text
    outcome = run([*MANAGE, "shell", "-c", READ], copy)
    assert outcome.code == 0, outcome.text
    assert "people 601 0" in outcome.text
    again = run(RESTAMP, copy)
    assert again.code == 3
    assert "no copy but the stg one itself" in again.text
    assert production.fingerprint() == before


def test_nothing_on_productions_own_server_is_rewritten(production: Production) -> None:
    """Neither production itself, nor a copy beside it, nor with production's own switch."""
    before = production.fingerprint()
    with production.admin("postgres") as connection:
        connection.execute(f"CREATE DATABASE {BESIDE} TEMPLATE {production.name}")
    try:
        for name in (BESIDE, production.name):
            outcome = run(RESTAMP, _environ(production, production.server, name))
            assert outcome.code == 3, outcome.text
        words = [*MANAGE, "db_protect", "--restamp", "int", "--anonymise"]
        outcome = run(words, production.on_server(Role.MIGRATOR, Role.ADMIN))
        assert outcome.code == 3, outcome.text
        with production.admin(BESIDE) as connection:
            found = connection.execute(
                "SELECT count(*) FROM accounts_user WHERE email = %s", [MARKER]
            )
            assert found.fetchone() == (1,)
    finally:
        with production.admin("postgres") as connection:
            connection.execute(f"DROP DATABASE {BESIDE} WITH (FORCE)")
    assert production.fingerprint() == before
