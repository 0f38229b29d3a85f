"""Puts stamps, roles and brakes into a database. Imports nothing from Django.

Every step is idempotent. `install` needs the admin URL: a superuser, or on a managed server the
role that may create roles and owns the database. Spec: S1.13, S1.14, S1.16.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from instainstru.database import stamp
from instainstru.database.roles import Role
from instainstru.database.tiers import Tier

FOLDER: Final = Path(__file__).parent
GUARDED: Final = r"^(accounts_user|lessons_booking)$|ledger(transaction|entry)|consent|audit|review"
"""Tables that never lose or change more than `MOST_ROWS` rows in one statement."""
MOST_ROWS: Final = 500
SCRIPTS: Final = ("roles", "protection", "handover", "rights", "brakes")
EVENT_TRIGGERS: Final = ("ii_brake_drop", "ii_brake_rewrite", "ii_brake_alter")
CATALOGUE_STAMP: Final = "catalogue stamp"
ROLE_SETTINGS: Final = {
    Role.READONLY: {
        "default_transaction_read_only": "on",
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "5min",
    },
    Role.APP: {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "5min",
    },
    Role.MIGRATOR: {
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "15min",
    },
    Role.ADMIN: {"idle_in_transaction_session_timeout": "15min"},
}
"""Nobody waits or holds for ever: a hung request ends, and so does a forgotten transaction. A
migration waits for its locks no longer than the site can wait behind it. Spec: S16.5."""
HAS_SETTING: Final = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting
                WHERE setrole = %s::regrole AND setdatabase = 0 AND %s = ANY (setconfig))
"""
ARM: Final = "SELECT instainstru_guard.arm()"
HAS_TABLES: Final = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p'))
"""
# One row per table: its name, and which of the brakes' triggers it lacks.
BARE_TABLES: Final = """
SELECT c.relname,
       NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                    WHERE t.tgrelid = c.oid AND t.tgname = 'ii_brake_truncate'
                      AND instainstru_guard.is_sound(t.oid)),
       instainstru_guard.is_guarded(c.relname) AND 2 <> (
           SELECT count(*) FROM pg_catalog.pg_trigger t
            WHERE t.tgrelid = c.oid AND t.tgname IN ('ii_brake_update', 'ii_brake_delete')
              AND instainstru_guard.is_sound(t.oid))
  FROM pg_catalog.pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
   AND NOT c.relispartition
 ORDER BY c.relname
"""
TRUNCATE_TRIGGER: Final = """
CREATE OR REPLACE TRIGGER ii_brake_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION instainstru_guard.brake_on_truncate()
"""
ROW_TRIGGERS: Final = """
CREATE OR REPLACE TRIGGER ii_brake_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION instainstru_guard.brake_on_many_rows();
CREATE OR REPLACE TRIGGER ii_brake_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION instainstru_guard.brake_on_many_rows()
"""


@cache
def release() -> str:
    """Return a short name for what this code would install: it changes with the scripts."""
    text = "".join(_script(name) for name in SCRIPTS) + GUARDED + str(ROLE_SETTINGS)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def install_rights(connection: stamp.Connection) -> None:
    """Bring roles and rights of a stamped database up to date, without any brake.

    This is what the embedded tiers get on first use.
    """
    install_roles(connection)
    with connection.transaction():
        connection.execute(_protection(connection.info.dbname))
        connection.execute(_script("handover"))
        connection.execute(_script("rights"))
        _note_release(connection)


def install_roles(
    connection: stamp.Connection, passwords: Mapping[Role, str] | None = None
) -> None:
    """Make the four roles; a role that is made now gets its password, as a verifier."""
    before = _roles(connection)
    with connection.transaction():
        connection.execute(_script("roles"))
        for role, name, value in missing_settings(connection):
            # Only what differs: two installations at once must not meet in one row.
            statement = sql.SQL("ALTER ROLE {} SET {} = {}")
            parts = sql.Identifier(role.value), sql.Identifier(name), sql.Literal(value)
            connection.execute(statement.format(*parts))
        for role, password in (passwords or {}).items():
            if password and role.value not in before:
                _set_password(connection, role, password)


def missing_settings(connection: stamp.Connection) -> list[tuple[Role, str, str]]:
    """Return the settings that a role lacks or has changed for itself."""
    wanted = [
        (role, name, value)
        for role, settings in ROLE_SETTINGS.items()
        for name, value in settings.items()
    ]
    found = _roles(connection)
    return [
        (role, name, value)
        for role, name, value in wanted
        if role.value in found and not _has(connection, role, f"{name}={value}")
    ]


def _has(connection: stamp.Connection, role: Role, setting: str) -> bool:
    cursor = psycopg.Cursor(connection)
    row = cursor.execute(HAS_SETTING, [role.value, setting]).fetchone()
    return row is not None and bool(row[0])


def install_test_rights(connection: stamp.Connection) -> None:
    """Give a test database the rights of the real ones, where the server has the roles."""
    if not _roles(connection) >= {role.value for role in Role}:
        return
    name = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO ii_migrator").format(name))
    connection.execute(_script("handover"))
    connection.execute(_script("rights"))
    # Tests call the seed, which counts rows for the planner; as a command it runs as the owner.
    connection.execute(
        "ALTER DEFAULT PRIVILEGES FOR ROLE ii_migrator IN SCHEMA public"
        " GRANT MAINTAIN ON TABLES TO ii_app"
    )


def install_brakes(connection: stamp.Connection, tier: Tier) -> list[str]:
    """Pull the brakes; return those that this server allows not, which are noted inside it."""
    impossible: list[str] = []
    try:
        with connection.transaction():
            connection.execute(_script("brakes"))
    except psycopg.errors.InsufficientPrivilege:
        impossible = [f"event trigger {name}" for name in EVENT_TRIGGERS]
    if not stamp.read_evidence(connection).catalogue:
        impossible.append(CATALOGUE_STAMP)
    with connection.transaction():
        pull_table_brakes(connection)
        connection.execute("UPDATE instainstru_guard.state SET impossible = %s", [impossible])
        if _has_tables(connection):
            connection.execute(ARM)
        if tier is Tier.PROD:
            name = sql.Identifier(connection.info.dbname)
            connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(name))
    return impossible


def pull_table_brakes(connection: stamp.Connection) -> list[str]:
    """Give every table its brakes, as its owner or above; return the tables that lacked some."""
    bare = bare_tables(connection)
    for table, lacks_truncate, lacks_rows in bare:
        for is_lacking, statement in (
            (lacks_truncate, TRUNCATE_TRIGGER),
            (lacks_rows, ROW_TRIGGERS),
        ):
            if is_lacking:
                connection.execute(sql.SQL(statement).format(table=sql.Identifier(table)))
    return [table for table, *_ in bare]


def bare_tables(connection: stamp.Connection) -> list[tuple[str, bool, bool]]:
    """Return name, lack of the TRUNCATE brake, lack of the row brakes of unprotected tables."""
    rows = psycopg.Cursor(connection).execute(BARE_TABLES).fetchall()
    return [row for row in rows if row[1] or row[2]]


def mend_rights(connection: stamp.Connection) -> None:
    """Give the roles their rights on tables that have come since, as the tables' owner."""
    connection.execute(_script("rights"))


def unlock(connection: stamp.Connection, oid: int, role: str, migration: str, reason: str) -> None:
    """Let `role` pass the brakes once for one migration, within ten minutes. Spec: S1.14."""
    connection.execute(
        "INSERT INTO instainstru_guard.unlock (database_oid, role_name, migration, reason)"
        " VALUES (%s, %s, %s, %s)",
        [oid, role, migration, reason],
    )


def has_brakes(connection: stamp.Connection) -> bool:
    """Whether a database is protected at all, and its brakes are armed."""
    row = connection.execute("SELECT to_regclass('instainstru_guard.state') IS NOT NULL").fetchone()
    return row is not None and bool(row[0]) and is_armed(connection)


def is_armed(connection: stamp.Connection) -> bool:
    """Whether the brakes of the connected database are installed and armed."""
    row = connection.execute("SELECT instainstru_guard.is_armed()").fetchone()
    return row is not None and bool(row[0])


def drop_schema(connection: stamp.Connection, oid: int) -> None:
    """Drop everything in the public schema, with the brakes unlocked for it and then unarmed."""
    user = connection.info.user
    with connection.transaction():
        unlock(connection, oid, user, "reset_schema", "confirmed by the command")
        connection.execute("SELECT set_config('instainstru.migration', 'reset_schema', true)")
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.execute("UPDATE instainstru_guard.state SET armed_at = NULL")


def _has_tables(connection: stamp.Connection) -> bool:
    row = connection.execute(HAS_TABLES).fetchone()
    return row is not None and bool(row[0])


def _roles(connection: stamp.Connection) -> set[str]:
    rows = connection.execute("SELECT rolname FROM pg_catalog.pg_roles").fetchall()
    return {str(row[0]) for row in rows}


def _set_password(connection: stamp.Connection, role: Role, password: str) -> None:
    # Only the verifier travels: a statement may end in the server's log.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.value.encode(), b"scram-sha-256"
    )
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role.value), sql.Literal(verifier.decode())))


def _protection(database: str) -> sql.Composed:
    return sql.SQL(_script("protection")).format(
        database=sql.Identifier(database),
        guarded=sql.Literal(GUARDED),
        most_rows=sql.Literal(MOST_ROWS),
    )


def _note_release(connection: stamp.Connection) -> None:
    connection.execute(
        "INSERT INTO instainstru_guard.state (release) VALUES (%s)"
        " ON CONFLICT (is_one_row) DO UPDATE SET release = excluded.release",
        [release()],
    )


@cache
def _script(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
