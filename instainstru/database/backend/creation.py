"""Test databases: only on INT, only named `test_…`, stamped in the step that creates them.

Nothing is dropped that this code did not create: every test database carries a mark, and appears
under its name only after it was marked and stamped. Spec: S1.5, S1.9.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db.backends.postgresql.creation import DatabaseCreation as PostgresqlCreation
from psycopg import sql

from instainstru.database import audit, installation, maintenance, stamp, targets, tiers
from instainstru.database.refusals import TierRefusedError
from instainstru.database.roles import Role

MARK: Final = "instainstru test database"
LOCK_CLASS: Final = 7_201_101
MOST_RUNS: Final = 32
CLAIM: Final = "SELECT pg_catalog.pg_try_advisory_lock(%s, pg_catalog.hashtext(%s))"
PROD_ON_SERVER: Final = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting
                WHERE setrole = 0 AND 'instainstru.tier=prod' = ANY (setconfig))
"""


_claims: dict[str, tuple[str, stamp.Connection]] = {}
"""Wanted name -> name in use by this process, and the connection that holds it."""


class TestDatabaseRefusedError(TierRefusedError):
    """A test database was asked for where none may be, or would replace somebody's data."""

    code = "test_database"
    __test__ = False


class DatabaseCreation(PostgresqlCreation):
    """Creates, clones and drops test databases through its own maintenance connection."""

    def create_test_db(self, *args: Any, **kwargs: Any) -> str:
        """Create, stamp and migrate the test database; INT only."""
        refuse_other_tiers()
        return str(super().create_test_db(*args, **kwargs))

    def clone_test_db(self, *args: Any, **kwargs: Any) -> None:
        """Clone the test database for a parallel worker; INT only."""
        refuse_other_tiers()
        super().clone_test_db(*args, **kwargs)

    def destroy_test_db(self, *args: Any, **kwargs: Any) -> None:
        """Drop a test database that this code created; INT only."""
        refuse_other_tiers()
        super().destroy_test_db(*args, **kwargs)

    def _get_test_db_name(self) -> str:
        name = str(super()._get_test_db_name())  # type: ignore[misc]
        refuse_other_names(name)
        return _claim(name)

    def _create_test_db(self, _verbosity: int, _autoclobber: bool, keepdb: bool = False) -> str:
        name = self._get_test_db_name()
        _provide(name, template=None, keepdb=keepdb)
        return name

    def _clone_test_db(self, suffix: str, _verbosity: int, keepdb: bool = False) -> None:
        self.connection.close()
        self.connection.close_pool()
        source = self.connection.settings_dict["NAME"]
        refuse_other_names(source)
        target = self.get_test_db_clone_settings(suffix)["NAME"]
        _provide(target, template=source, keepdb=keepdb)

    def _destroy_test_db(self, test_database_name: str, _verbosity: int) -> None:
        self.connection.close_pool()
        with _maintenance() as connection:
            _drop(connection, test_database_name)
        _give_up(test_database_name)


def refuse_other_tiers() -> None:
    """Raise TestDatabaseRefusedError on any tier but INT. Spec: S1.5."""
    tier = tiers.decision().tier
    if tier is not tiers.Tier.INT:
        error = TestDatabaseRefusedError(f"tests run on INT only; {tiers.S} or {tiers.U} is set")
        audit.record_refusal("test database", error, tier_wanted=tier.value)
        raise error


def refuse_other_names(name: str) -> None:
    """Raise TestDatabaseRefusedError unless `name` can only be a test database's."""
    if not targets.is_test_name(name):
        error = TestDatabaseRefusedError(f"{name} is not the name of a test database")
        audit.record_refusal("test database", error, tier_wanted=tiers.decision().tier.value)
        raise error


def _claim(name: str) -> str:
    """Return `name`, or its first numbered variant that no other test run is using.

    The claim is a lock of the server on a connection of its own: it ends with the process,
    however that ends, and what a dead run left under the name is replaced.
    """
    refuse_other_tiers()
    if name in _claims:
        return _claims[name][0]
    connection = _connect(maintenance.MAINTENANCE_DATABASE)
    for number in range(1, MOST_RUNS + 1):
        variant = name if number == 1 else f"{name}_{number}"
        found = connection.execute(CLAIM, [LOCK_CLASS, variant]).fetchone()
        if found is not None and found[0]:
            _claims[name] = (variant, connection)
            return variant
    connection.close()
    raise TestDatabaseRefusedError(f"{MOST_RUNS} test runs are using {name} already")


def _give_up(variant: str) -> None:
    for name, (claimed, connection) in list(_claims.items()):
        if claimed == variant:
            connection.close()
            del _claims[name]


@contextmanager
def _maintenance() -> Iterator[stamp.Connection]:
    """Connect beside the tier's database; a server that knows PROD is refused."""
    refuse_other_tiers()
    with _connect(maintenance.MAINTENANCE_DATABASE) as connection:
        found = connection.execute(PROD_ON_SERVER).fetchone()
        if found is None or found[0]:
            raise TestDatabaseRefusedError("INT_DATABASE_URL leads to a server with a prod stamp")
        yield connection


def _connect(name: str) -> stamp.Connection:
    return maintenance.connect(tiers.decision(), name, role=Role.ADMIN)


def _provide(name: str, *, template: str | None, keepdb: bool) -> None:
    refuse_other_names(name)
    with _maintenance() as connection:
        if keepdb and _comment(connection, name) == MARK:
            return
        _drop(connection, name)
        _create(connection, name, template)


def _create(connection: stamp.Connection, name: str, template: str | None) -> None:
    """Create under a draft's name, stamp, mark, and only then give the database its name."""
    draft = f"test_draft_{secrets.token_hex(8)}"
    source = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
    connection.execute(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(draft), source))
    try:
        _stamp_draft(draft, is_clone=template is not None)
        _execute(connection, "COMMENT ON DATABASE {} IS {}", draft, sql.Literal(MARK))
        # A test database lost in a crash is no loss.
        _execute(connection, "ALTER DATABASE {} SET synchronous_commit = off", draft)
        _execute(connection, "ALTER DATABASE {} RENAME TO {}", draft, sql.Identifier(name))
    except BaseException:
        _execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", draft)
        raise


def _stamp_draft(draft: str, *, is_clone: bool) -> None:
    with _connect(draft) as connection:
        installation.install_test_rights(connection)
        if is_clone:
            stamp.restamp_clone(connection)
        else:
            stamp.install_extensions(connection)
            stamp.stamp_database(connection, tiers.Tier.INT)


def _drop(connection: stamp.Connection, name: str) -> None:
    """Drop a test database of ours; one that does not exist is fine."""
    refuse_other_names(name)
    comment = _comment(connection, name)
    if comment is None:
        return
    if comment != MARK:
        raise TestDatabaseRefusedError(f"database {name} was not created by the test runner")
    _execute(connection, "DROP DATABASE {} WITH (FORCE)", name)


def _comment(connection: stamp.Connection, name: str) -> str | None:
    """Return the comment of a database, empty without one, None without the database."""
    found = connection.execute(
        "SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '')"
        " FROM pg_catalog.pg_database WHERE datname = %s",
        [name],
    ).fetchone()
    return None if found is None else str(found[0])


def _execute(
    connection: psycopg.Connection[Any], statement: str, name: str, *more: sql.Composable
) -> None:
    parts = [sql.Identifier(name), *more]
    connection.execute(sql.SQL(statement).format(*parts))
